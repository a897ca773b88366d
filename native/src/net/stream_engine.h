#pragma once
// All byte streams of one event loop. Reads of a tick land in one arena, so that one delivery can hand over
// the frames of every connection; writes of a tick leave in one system call per connection.
#include <uv.h>

#include <cstdint>
#include <vector>

#include "net/connection.h"
#include "net/listener.h"
#include "net/stream_sink.h"
#include "slab/slab.h"

namespace ringwire {

class StreamEngine {
 public:
  /** Bytes one read may bring. Larger windows gain nothing: a socket rarely holds more than this per tick. */
  static constexpr size_t kReadWindowBytes = 64 * 1024;
  /** An incomplete frame larger than this gathers in a slab of its own, into which the kernel reads directly.
   */
  static constexpr size_t kLargeFrameBytes = 64 * 1024;
  /** Largest read into such a slab; what follows the frame in it must still fit the arena. */
  static constexpr size_t kLargeReadBytes = 256 * 1024;
  /** The arena takes a tick's reads; one read window plus kept bytes must always fit behind what is used. */
  static constexpr size_t kArenaBytes = 1024 * 1024;
  static constexpr size_t kArenaReserveBytes = kLargeFrameBytes + kLargeReadBytes;

  /** How long a closed connection waits for its peer to close too, dropping what still arrives. */
  static constexpr uint64_t kLingerMs = 1000;

  /**
   * `arena` holds kArenaBytes + Slab::kPadding bytes and outlives the engine. nullptr where memory is short.
   */
  static StreamEngine* create(uv_loop_t* loop, StreamSink* sink, uint8_t* arena);

  /** Binds and listens. status receives 0 or a libuv error, in which case the result is nullptr. */
  Listener* listen_tcp(const sockaddr* address, int backlog, bool reuse_port, uint32_t max_connections,
                       const ConnectionOptions& options, int* status);
  Listener* listen_unix(const char* path, int backlog, uint32_t max_connections,
                        const ConnectionOptions& options, int* status);
  Connection* connect_tcp(const sockaddr* address, const ConnectionOptions& options, int* status);
  Connection* connect_unix(const char* path, const ConnectionOptions& options, int* status);
  /** Takes descriptors (pipes or sockets); equal ones make one duplex stream. Owns them from here on. */
  Connection* open_fds(int in_fd, int out_fd, const ConnectionOptions& options, int* status);

  /** nullptr where the index is free or belongs to a later generation. */
  Connection* find(int32_t index, uint32_t generation) const;
  Connection* at(int32_t index) const;
  Listener* listener_at(int32_t index) const;
  uint32_t open_connections() const { return open_connections_; }
  uint8_t* arena() { return arena_; }
  uv_loop_t* loop() const { return loop_; }

  /** Sends what is queued on every connection that has output. */
  void flush();
  /** Closes everything; `done` runs when the last handle is gone and the engine was deleted. */
  void shutdown(void (*done)(void*), void* context);

 private:
  friend class Connection;
  friend class Listener;

  StreamEngine(uv_loop_t* loop, StreamSink* sink, uint8_t* arena);
  ~StreamEngine() = default;
  static void on_prepare(uv_prepare_t* handle);
  static void on_check(uv_check_t* handle);
  static void on_idle(uv_idle_t*) {}
  static void on_linger_timer(uv_timer_t* handle);
  static void on_hook_closed(uv_handle_t* handle);

  Connection* add_connection(StreamKind kind, const ConnectionOptions& options);
  void remove_connection(Connection* connection);
  Listener* add_listener(StreamKind kind, const ConnectionOptions& options, uint32_t max_connections);
  int finish_listen(Listener* listener, int backlog, int status);
  void remove_listener(Listener* listener);
  void after_read();
  void tick();
  void process_resumable();
  void add_resumable(Connection* connection);
  void start_linger(Connection* connection);
  void forget(Connection* connection);
  void finish_shutdown();

  uv_loop_t* loop_;
  StreamSink* sink_;
  uint8_t* arena_;
  size_t arena_used_ = 0;
  /** Counts how often the arena was begun anew. */
  uint64_t batch_number_ = 0;
  uv_prepare_t prepare_;
  uv_check_t check_;
  /** Runs while input waits in resumable_, so that the loop does not sleep on it. */
  uv_idle_t idle_;
  uv_timer_t linger_timer_;
  std::vector<Connection*> connections_;
  std::vector<int32_t> free_indices_;
  std::vector<Connection*> dirty_;
  /** Connections whose stopped input may go on. */
  struct ConnectionKey {
    int32_t index;
    uint32_t generation;
  };
  std::vector<ConnectionKey> resumable_;
  std::vector<Connection*> lingering_;
  std::vector<Listener*> listeners_;
  uint32_t next_generation_ = 1;
  uint32_t open_connections_ = 0;
  uint32_t open_listeners_ = 0;
  int open_hooks_ = 4;
  bool shutting_down_ = false;
  void (*shutdown_done_)(void*) = nullptr;
  void* shutdown_context_ = nullptr;
};

}  // namespace ringwire
