// How a connection's output ends while its input goes on: asked for, or because the peer takes no more.
#include "net/connection.h"
#include "net/stream_engine.h"

namespace ringwire {

void Connection::end_output() {
  if (closing_ || draining_ || output_ != Output::kOpen) return;
  output_ = Output::kEnding;
  flush();
}

void Connection::finish_output() {
  if (output_ != Output::kEnding || shutting_down_ || closing_ || queue_.pending_bytes() > 0) return;
  shutting_down_ = true;
  const int status = uv_shutdown(&shutdown_request_, out(), on_shutdown);
  if (status == 0) return;
  shutting_down_ = false;
  fail_output(status);
}

void Connection::fail_output(int status) {
  if (!outlives_output_) return destroy(status);
  if (closing_ || output_ == Output::kEnded) return;
  queue_.consume_tail(queue_.tail_bytes());
  output_ended(status);
}

void Connection::output_ended(int status) {
  output_ = Output::kEnded;
  output_status_ = status;
  shutting_down_ = false;
  was_full_ = false;
  engine_->sink_->on_drain(this);
  finish_if_drained();
}

}  // namespace ringwire
