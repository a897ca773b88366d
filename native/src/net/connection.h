#pragma once
// One byte stream to one peer: a TCP or Unix socket, or a pair of inherited descriptors (stdio).
#include <uv.h>

#include <cstdint>
#include <string>
#include <vector>

#include "net/framer.h"
#include "net/write_queue.h"
#include "slab/slab.h"

namespace ringwire {

class StreamEngine;
class Listener;

enum class StreamKind : uint8_t { kTcp = 0, kUnix = 1, kStdio = 2 };

/** 'sent' and 'queued' of the Transport contract are both accepted; 'full' is not. */
enum class SendOutcome : int32_t { kSent = 0, kQueued = 1, kFull = 2 };

struct ConnectionOptions {
  Framing framing = Framing::kNewline;
  size_t max_frame_bytes = 4 * 1024 * 1024;
  size_t high_watermark_bytes = 1024 * 1024;
  size_t low_watermark_bytes = 256 * 1024;
};

class Connection {
 public:
  /** Position in the engine's table; reused after the connection is gone, with another generation. */
  int32_t index() const { return index_; }
  uint32_t generation() const { return generation_; }
  StreamKind kind() const { return kind_; }
  Listener* listener() const { return listener_; }
  bool closing() const { return closing_; }
  /** Whether input is held back, to be cut later: after pause() or set_framing() inside a delivery. */
  bool stopped() const { return stopped_; }
  /** Bytes of a frame whose end has not come. */
  size_t held_bytes() const;
  /** Whether the peer stopped inside a frame; under length framing that may be with 0 bytes of it held. */
  bool inside_frame() const { return large_ != nullptr || !kept_.empty(); }
  /** After StreamSink::on_frame_too_large under length framing: the announced length, else 0. */
  uint32_t oversize_bytes() const { return framer_.oversize_bytes(); }
  /** Whether what is written now can still reach the peer. */
  bool takes_output() const { return connected_ && !closing_ && !draining_ && output_ == Output::kOpen; }
  /** Whether no more of its input may be delivered now. */
  bool input_blocked() const { return closing_ || paused_by_user_ || paused_by_output_; }
  size_t max_frame_bytes() const { return framer_.max_frame_bytes(); }
  size_t pending_bytes() const { return queue_.pending_bytes(); }
  bool above_high_watermark() const { return queue_.pending_bytes() >= options_.high_watermark_bytes; }
  /** Sends what is queued where unsent bytes reached the high watermark; what is left may block the input. */
  void relieve() {
    if (above_high_watermark()) flush();
  }

  /** Free for the user of the engine; the engine does not read it. */
  uint32_t user_flags = 0;

  /**
   * Whether reading stops while unsent bytes stand above the high watermark. For connections whose requests
   * are answered here: on others it could stop two peers that both wait for the other to read.
   */
  void set_pause_on_output(bool on) { pauses_on_output_ = on; }

  /**
   * Whether a failure to write ends the output alone, because what the peer still sends is wanted: the last
   * words of a child that closed its stdin. Without it the connection ends.
   */
  void set_outlives_output(bool on) { outlives_output_ = on; }
  /** Sends what is queued, then ends the output; input goes on. StreamSink::on_drain tells of its end. */
  void end_output();
  /** 0 while there is output, 1 after it ended in good order, or the libuv error that ended it. */
  int output_status() const { return output_ == Output::kEnded ? output_status_ : 0; }
  /** Bytes read so far. */
  uint64_t received_bytes() const { return received_bytes_; }

  /** Begins reading. Bytes that arrived before are waiting in the kernel. */
  void start();
  /** Adds one frame with its delimiter; it leaves with the tick. */
  SendOutcome send(const uint8_t* frame, size_t length);
  /**
   * The same in two steps, for a frame written in place: room for `length` bytes, or nullptr where the frame
   * is not accepted; then end_send() with the bytes written, `length` or fewer.
   */
  uint8_t* begin_send(size_t length);
  SendOutcome end_send(size_t length);
  /** Room in the write queue for a frame built in place; pair with finish_frame(). nullptr where memory is
   * short. */
  uint8_t* reserve(size_t length) { return queue_.reserve(length); }
  void finish_frame(size_t length);
  /**
   * Around a frame that is built in place in one go: what its framing asks for goes before and behind it.
   * false where memory is short.
   */
  bool begin_frame();
  bool end_frame();
  void pause();
  void resume();
  /** Sends what is queued, then closes. */
  void close();
  /** Closes now; what is queued is dropped. status goes to StreamSink::on_close. */
  void destroy(int status);
  /**
   * Changes the framing of both directions. Called while a batch is delivered, with the end of the frame at
   * hand as an arena offset, it holds for the bytes behind that frame: what was cut from them already is cut
   * anew, and the caller ignores the connection's other frames in this batch. end -1: from the next read on.
   */
  void set_framing(Framing framing, int64_t end);
  /** The peer's address and port; false where there is none (Unix sockets, stdio). */
  bool peer_address(std::string* address, int* port) const;
  /** The socket, for options; negative where there is none. */
  int fd() const;

 private:
  friend class StreamEngine;
  friend class Listener;

  Connection(StreamEngine* engine, StreamKind kind, const ConnectionOptions& options);
  ~Connection();

  static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer);
  static void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer);
  static void on_write(uv_write_t* request, int status);
  static void on_shutdown(uv_shutdown_t* request, int status);
  static void on_connect(uv_connect_t* request, int status);
  static void on_handle_closed(uv_handle_t* handle);

  uv_stream_t* in() { return &in_.stream; }
  uv_stream_t* out() { return has_separate_out_ ? &out_.stream : &in_.stream; }
  void flush();
  void mark_dirty();
  void update_reading();
  /** Cuts and delivers data[0, length); keeps what is incomplete or was stopped. */
  void receive(const uint8_t* base, size_t offset, size_t length);
  void receive_large(size_t count);
  void keep_rest(const uint8_t* bytes, size_t length);
  bool begin_large(const uint8_t* bytes, size_t length);
  /** Takes up input the sink had stopped; runs between polls, never inside a call of the sink's. */
  void process_stopped();
  void finish_if_drained();
  /** Ends the output once nothing is queued, where end_output() asked for it. */
  void finish_output();
  /** Writing failed: what is queued cannot leave. */
  void fail_output(int status);
  void output_ended(int status);
  void close_handles();
  void note_output();
  void report_drain();

  StreamEngine* engine_;
  Listener* listener_ = nullptr;
  ConnectionOptions options_;
  union Handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } in_;
  Handle out_;
  uv_write_t write_request_;
  uv_shutdown_t shutdown_request_;
  uv_connect_t connect_request_;
  WriteQueue queue_;
  Framer framer_;
  /** An incomplete frame, or input the sink stopped; below kLargeFrameBytes + one read window. */
  std::vector<uint8_t> kept_;
  /** An incomplete frame that outgrew kept_. */
  Slab* large_ = nullptr;
  size_t large_used_ = 0;
  /** Where the frame under construction begins in the queue's tail. */
  size_t frame_start_ = 0;
  /** Where in the arena the last read's input lies, and in which of the engine's batches. */
  size_t region_offset_ = 0;
  size_t region_length_ = 0;
  uint64_t region_batch_ = 0;
  uint64_t received_bytes_ = 0;
  uint32_t generation_ = 0;
  int32_t index_ = -1;
  int close_status_ = 0;
  int output_status_ = 0;
  uint8_t open_handles_ = 0;
  StreamKind kind_;
  enum class Output : uint8_t { kOpen, kEnding, kEnded } output_ = Output::kOpen;
  bool has_separate_out_ = false;
  bool outlives_output_ = false;
  bool started_ = false;
  bool connected_ = true;
  bool pauses_on_output_ = false;
  bool paused_by_user_ = false;
  bool paused_by_output_ = false;
  bool reading_ = false;
  bool stopped_ = false;
  /** In the engine's list of those to flush. */
  bool dirty_ = false;
  bool was_full_ = false;
  bool end_seen_ = false;
  bool draining_ = false;
  bool shutting_down_ = false;
  /** After our last byte: input is read and dropped, because closing over unread input resets the connection.
   */
  bool lingering_ = false;
  uint64_t linger_until_ms_ = 0;
  bool closing_ = false;
};

}  // namespace ringwire
