#pragma once
// What the stream engine tells whoever uses it. Called on the loop's thread, inside libuv callbacks.
#include <cstddef>
#include <cstdint>

namespace ringwire {

class Connection;
class Listener;
class Slab;

class StreamSink {
 public:
  /**
   * Newline framing: input begins at base[offset]. A sink that reads many lines at once takes whole lines
   * from the front and returns how many bytes; 0 has them cut and given to on_frame(). It stops where the
   * connection is closed, paused or stopped.
   */
  virtual size_t on_lines(Connection* connection, const uint8_t* base, size_t offset, size_t length) = 0;
  /**
   * One frame, at base[start, end), readable up to Slab::kPadding bytes past its end. `base` is the receive
   * arena and stays in place until the tick's end_of_batch(). The sink may pause() or destroy() the
   * connection: the rest of its input then waits, or is dropped.
   */
  virtual void on_frame(Connection* connection, const uint8_t* base, size_t start, size_t end) = 0;
  /** One frame that outgrew the arena; the sink retains the slab if it needs it after the call. */
  virtual void on_large_frame(Connection* connection, Slab* slab, size_t start, size_t end) = 0;
  /** A frame larger than the limit was met; its bytes are dropped. */
  virtual void on_frame_too_large(Connection* connection) = 0;
  virtual void on_accept(Listener* listener, Connection* connection) = 0;
  virtual void on_accept_error(Listener* listener, int status) = 0;
  /** status 0 or a libuv error, after connect_tcp() or connect_unix(). */
  virtual void on_connect(Connection* connection, int status) = 0;
  /** The peer will send no more. The sink closes the connection when it has nothing left to say. */
  virtual void on_end(Connection* connection) = 0;
  /** The connection ended: status 0 in good order, else a libuv error. Once; its index may be reused
   * afterwards. */
  virtual void on_close(Connection* connection, int status) = 0;
  /** Unsent bytes fell below the low watermark after having been above. */
  virtual void on_drain(Connection* connection) = 0;
  virtual void on_listener_close(Listener* listener) = 0;
  /** Delivers what was collected; called once per loop tick, and earlier when the arena runs full. */
  virtual void end_of_batch() = 0;
  /** Before the loop polls: the moment to collect what was produced since the last tick. */
  virtual void before_poll() = 0;

 protected:
  ~StreamSink() = default;
};

}  // namespace ringwire
