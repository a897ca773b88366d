#include "net/connection.h"

#include <algorithm>
#include <cstring>

#include "net/listener.h"
#include "net/stream_engine.h"

namespace ringwire {

Connection::Connection(StreamEngine* engine, StreamKind kind, const ConnectionOptions& options)
    : engine_(engine), options_(options), framer_(options.framing, options.max_frame_bytes), kind_(kind) {
  in_.handle.data = this;
  out_.handle.data = this;
  write_request_.data = this;
  shutdown_request_.data = this;
  connect_request_.data = this;
}

Connection::~Connection() {
  if (large_ != nullptr) large_->release();
}

void Connection::start() {
  if (started_ || closing_) return;
  started_ = true;
  update_reading();
}

void Connection::update_reading() {
  const bool wanted = lingering_ || (started_ && connected_ && !input_blocked() && !stopped_ && !end_seen_);
  if (closing_ || wanted == reading_) return;
  reading_ = wanted;
  if (wanted) {
    const int status = uv_read_start(in(), on_alloc, on_read);
    if (status != 0) destroy(status);
  } else {
    uv_read_stop(in());
  }
}

// ---- reading ----

void Connection::on_alloc(uv_handle_t* handle, size_t, uv_buf_t* buffer) {
  auto* self = static_cast<Connection*>(handle->data);
  StreamEngine* engine = self->engine_;
  if (self->large_ != nullptr) {
    Slab* slab = self->large_;
    size_t room = slab->capacity() - self->large_used_;
    if (room < StreamEngine::kReadWindowBytes) {
      const size_t wanted = std::max(slab->capacity() * 2, self->framer_.needed_bytes());
      if (!slab->grow(wanted)) {
        *buffer = uv_buf_init(nullptr, 0);  // libuv reports UV_ENOBUFS to on_read
        return;
      }
      room = slab->capacity() - self->large_used_;
    }
    room = std::min(room, StreamEngine::kLargeReadBytes);
    *buffer =
        uv_buf_init(reinterpret_cast<char*>(slab->data() + self->large_used_), static_cast<unsigned>(room));
    return;
  }
  // The incomplete frame of the last read goes in front, so that a frame is contiguous wherever reads end.
  uint8_t* window = engine->arena() + engine->arena_used_;
  if (!self->kept_.empty()) std::memcpy(window, self->kept_.data(), self->kept_.size());
  *buffer = uv_buf_init(reinterpret_cast<char*>(window + self->kept_.size()), StreamEngine::kReadWindowBytes);
}

void Connection::on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
  auto* self = static_cast<Connection*>(stream->data);
  if (self->closing_ || count == 0) return;
  if (self->lingering_) {
    if (count < 0) self->close_handles();
    return;
  }
  if (count == UV_EOF) {
    self->end_seen_ = true;
    self->update_reading();
    self->engine_->sink_->on_end(self);
    return;
  }
  if (count < 0) {
    self->destroy(static_cast<int>(count));
    return;
  }
  StreamEngine* engine = self->engine_;
  self->received_bytes_ += static_cast<uint64_t>(count);
  if (self->large_ != nullptr) {
    self->receive_large(static_cast<size_t>(count));
  } else {
    const size_t length = self->kept_.size() + static_cast<size_t>(count);
    const size_t offset = engine->arena_used_;
    engine->arena_used_ += length;
    self->kept_.clear();
    self->receive(engine->arena(), offset, length);
  }
  engine->after_read();
}

void Connection::receive(const uint8_t* base, size_t offset, size_t length) {
  const uint8_t* data = base + offset;
  size_t position = 0;
  size_t start = 0;
  size_t end = 0;
  region_offset_ = offset;
  region_length_ = length;
  region_batch_ = engine_->batch_number_;
  if (framer_.framing() == Framing::kNewline && !framer_.skipping() && !input_blocked()) {
    position = engine_->sink_->on_lines(this, base, offset, length);
    if (position > 0) framer_.lines_taken();
  }
  for (;;) {
    if (stopped_) return;  // set_framing() took the rest over
    if (input_blocked()) {
      if (closing_) return;
      stopped_ = true;
      keep_rest(data + position, length - position);
      update_reading();
      return;
    }
    const Framer::Step step = framer_.next(data, length, &position, &start, &end);
    if (step == Framer::Step::kFrame) {
      engine_->sink_->on_frame(this, base, offset + start, offset + end);
      relieve();
    } else if (step == Framer::Step::kTooLarge) {
      engine_->sink_->on_frame_too_large(this);
    } else {
      break;
    }
  }
  if (position < length) keep_rest(data + position, length - position);
}

void Connection::keep_rest(const uint8_t* bytes, size_t length) {
  if (length > StreamEngine::kLargeFrameBytes && !stopped_) {
    if (!begin_large(bytes, length)) destroy(UV_ENOMEM);
    return;
  }
  kept_.assign(bytes, bytes + length);
}

bool Connection::begin_large(const uint8_t* bytes, size_t length) {
  const size_t wanted = std::max(framer_.needed_bytes(), length * 4);
  large_ = Slab::create(wanted);
  if (large_ == nullptr) return false;
  std::memcpy(large_->data(), bytes, length);
  large_used_ = length;
  kept_.clear();
  kept_.shrink_to_fit();
  return true;
}

void Connection::receive_large(size_t count) {
  large_used_ += count;
  size_t position = 0;
  size_t start = 0;
  size_t end = 0;
  const Framer::Step step = framer_.next(large_->data(), large_used_, &position, &start, &end);
  if (step == Framer::Step::kNeedMore && position == 0) return;
  Slab* slab = large_;
  const size_t used = large_used_;
  large_ = nullptr;
  large_used_ = 0;
  if (step == Framer::Step::kFrame) engine_->sink_->on_large_frame(this, slab, start, end);
  if (step == Framer::Step::kTooLarge) engine_->sink_->on_frame_too_large(this);
  // What follows the frame is less than one read and fits the arena, where the next frames belong.
  const size_t rest = used - position;
  if (!closing_ && rest > 0) {
    const size_t offset = engine_->arena_used_;
    std::memcpy(engine_->arena() + offset, slab->data() + position, rest);
    engine_->arena_used_ += rest;
    receive(engine_->arena(), offset, rest);
  }
  slab->release();
}

void Connection::process_stopped() {
  if (closing_ || !stopped_ || input_blocked()) return;
  stopped_ = false;
  if (!kept_.empty()) {
    const size_t length = kept_.size();
    const size_t offset = engine_->arena_used_;
    std::memcpy(engine_->arena() + offset, kept_.data(), length);
    engine_->arena_used_ += length;
    kept_.clear();
    receive(engine_->arena(), offset, length);
    engine_->after_read();
  }
  if (!closing_) update_reading();
}

void Connection::set_framing(Framing framing, int64_t end) {
  const bool was_newline = framer_.framing() == Framing::kNewline;
  framer_.set_framing(framing);
  const auto behind = static_cast<size_t>(end) + (was_newline ? 1 : 0);
  const size_t region_end = region_offset_ + region_length_;
  if (end < 0 || closing_ || region_batch_ != engine_->batch_number_ || behind < region_offset_ ||
      behind >= region_end)
    return;
  if (large_ != nullptr) large_->release();
  large_ = nullptr;
  kept_.assign(engine_->arena() + behind, engine_->arena() + region_end);
  stopped_ = true;
  engine_->add_resumable(this);
  update_reading();
}

void Connection::pause() {
  paused_by_user_ = true;
  update_reading();
}

void Connection::resume() {
  if (draining_) return;
  paused_by_user_ = false;
  if (stopped_) engine_->add_resumable(this);
  update_reading();
}

// ---- writing ----

void Connection::mark_dirty() {
  if (dirty_) return;
  dirty_ = true;
  engine_->dirty_.push_back(this);
}

void Connection::finish_frame(size_t length) {
  queue_.commit(length);
  mark_dirty();
}

namespace {

void put_length(uint8_t* prefix, size_t length) {
  const auto size = static_cast<uint32_t>(length);
  prefix[0] = static_cast<uint8_t>(size >> 24);
  prefix[1] = static_cast<uint8_t>(size >> 16);
  prefix[2] = static_cast<uint8_t>(size >> 8);
  prefix[3] = static_cast<uint8_t>(size);
}

}  // namespace

bool Connection::begin_frame() {
  frame_start_ = queue_.tail_bytes();
  if (framer_.framing() == Framing::kNewline) return true;
  if (queue_.reserve(Framer::kLengthPrefixBytes) == nullptr) return false;
  queue_.commit(Framer::kLengthPrefixBytes);
  return true;
}

bool Connection::end_frame() {
  if (framer_.framing() == Framing::kNewline) {
    if (!queue_.append("\n", 1)) return false;
  } else {
    const size_t length = queue_.tail_bytes() - frame_start_;
    if (length < Framer::kLengthPrefixBytes) return false;
    put_length(queue_.reserve(0) - length, length - Framer::kLengthPrefixBytes);
  }
  mark_dirty();
  return true;
}

uint8_t* Connection::begin_send(size_t length) {
  if (closing_ || draining_ || output_ != Output::kOpen) return nullptr;
  if (queue_.pending_bytes() >= options_.high_watermark_bytes) flush();
  if (queue_.pending_bytes() >= options_.high_watermark_bytes) {
    was_full_ = true;
    note_output();
    return nullptr;
  }
  const size_t prefix = framer_.framing() == Framing::kLength ? Framer::kLengthPrefixBytes : 0;
  uint8_t* room = queue_.reserve(prefix + length + 1);
  return room == nullptr ? nullptr : room + prefix;
}

SendOutcome Connection::end_send(size_t length) {
  if (framer_.framing() == Framing::kLength) {
    put_length(queue_.reserve(Framer::kLengthPrefixBytes), length);
    finish_frame(Framer::kLengthPrefixBytes + length);
  } else {
    queue_.reserve(length + 1)[length] = '\n';
    finish_frame(length + 1);
  }
  if (!queue_.in_flight()) return SendOutcome::kSent;
  was_full_ = true;
  return SendOutcome::kQueued;
}

SendOutcome Connection::send(const uint8_t* frame, size_t length) {
  uint8_t* room = begin_send(length);
  if (room == nullptr) return SendOutcome::kFull;
  std::memcpy(room, frame, length);
  return end_send(length);
}

void Connection::flush() {
  if (closing_ || queue_.in_flight()) return note_output();
  if (queue_.tail_bytes() > 0) {
    if (connected_) {
      const uv_buf_t buffer = uv_buf_init(reinterpret_cast<char*>(const_cast<uint8_t*>(queue_.tail())),
                                          static_cast<unsigned>(queue_.tail_bytes()));
      const int taken = uv_try_write(out(), &buffer, 1);
      if (taken < 0 && taken != UV_EAGAIN) return fail_output(taken);
      if (taken > 0) queue_.consume_tail(static_cast<size_t>(taken));
    }
    if (queue_.tail_bytes() > 0) {
      size_t length = 0;
      const uint8_t* bytes = queue_.launch(&length);
      const uv_buf_t buffer =
          uv_buf_init(reinterpret_cast<char*>(const_cast<uint8_t*>(bytes)), static_cast<unsigned>(length));
      const int status = uv_write(&write_request_, out(), &buffer, 1, on_write);
      if (status != 0) {
        queue_.finish_flight();
        return fail_output(status);
      }
    }
  }
  note_output();
  report_drain();
  finish_output();
  finish_if_drained();
}

/** Stops reading from a peer that does not read: what it asks for would pile up here. */
void Connection::note_output() {
  if (!pauses_on_output_ || paused_by_output_ || closing_ ||
      queue_.pending_bytes() < options_.high_watermark_bytes)
    return;
  paused_by_output_ = true;
  update_reading();
}

void Connection::on_write(uv_write_t* request, int status) {
  auto* self = static_cast<Connection*>(request->data);
  self->queue_.finish_flight();
  if (self->closing_) return;
  if (status != 0) return self->fail_output(status);
  self->flush();
}

void Connection::report_drain() {
  if (closing_ || queue_.pending_bytes() > options_.low_watermark_bytes) return;
  if (paused_by_output_) {
    paused_by_output_ = false;
    if (stopped_) engine_->add_resumable(this);
    update_reading();
  }
  if (was_full_) {
    was_full_ = false;
    engine_->sink_->on_drain(this);
  }
}

// ---- closing ----

void Connection::close() {
  if (closing_ || draining_) return;
  draining_ = true;
  paused_by_user_ = true;  // no more frames are delivered
  update_reading();
  flush();
}

void Connection::finish_if_drained() {
  if (!draining_ || shutting_down_ || closing_ || queue_.pending_bytes() > 0) return;
  shutting_down_ = true;
  if (kind_ == StreamKind::kStdio || !connected_) return close_handles();
  if (uv_shutdown(&shutdown_request_, out(), on_shutdown) != 0) close_handles();
}

void Connection::on_shutdown(uv_shutdown_t* request, int status) {
  auto* self = static_cast<Connection*>(request->data);
  if (self->closing_) return;
  if (self->output_ == Output::kEnding)
    return status == 0 ? self->output_ended(1) : self->fail_output(status);
  if (status != 0 || self->end_seen_) return self->close_handles();
  self->lingering_ = true;
  self->kept_.clear();
  if (self->large_ != nullptr) self->large_->release();
  self->large_ = nullptr;
  self->engine_->start_linger(self);
  self->update_reading();
}

void Connection::destroy(int status) {
  if (closing_) return;
  close_status_ = status;
  close_handles();
}

void Connection::close_handles() {
  if (closing_) return;
  closing_ = true;
  reading_ = false;
  if (!engine_->shutting_down_ && connected_) engine_->sink_->on_close(this, close_status_);
  engine_->forget(this);
  if (listener_ != nullptr) --listener_->connections_;
  listener_ = nullptr;
  open_handles_ = 1;
  uv_close(&in_.handle, on_handle_closed);
  if (has_separate_out_) {
    ++open_handles_;
    uv_close(&out_.handle, on_handle_closed);
  }
}

void Connection::on_handle_closed(uv_handle_t* handle) {
  auto* self = static_cast<Connection*>(handle->data);
  if (--self->open_handles_ == 0) self->engine_->remove_connection(self);
}

void Connection::on_connect(uv_connect_t* request, int status) {
  auto* self = static_cast<Connection*>(request->data);
  if (self->closing_) return;
  if (status != 0) {
    self->engine_->sink_->on_connect(self, status);
    self->close_handles();
    return;
  }
  self->connected_ = true;
  self->engine_->sink_->on_connect(self, 0);
  if (!self->closing_) self->update_reading();
}

size_t Connection::held_bytes() const {
  const size_t held = large_ == nullptr ? kept_.size() : large_used_;
  if (framer_.framing() == Framing::kNewline) return held;
  return held > Framer::kLengthPrefixBytes ? held - Framer::kLengthPrefixBytes : 0;
}

bool Connection::peer_address(std::string* address, int* port) const {
  sockaddr_storage name;
  int length = sizeof name;
  char text[INET6_ADDRSTRLEN] = {};
  if (kind_ != StreamKind::kTcp || closing_ ||
      uv_tcp_getpeername(&in_.tcp, reinterpret_cast<sockaddr*>(&name), &length) != 0)
    return false;
  if (name.ss_family == AF_INET6) {
    const auto* ip6 = reinterpret_cast<const sockaddr_in6*>(&name);
    uv_ip6_name(ip6, text, sizeof text);
    *port = ntohs(ip6->sin6_port);
  } else {
    const auto* ip4 = reinterpret_cast<const sockaddr_in*>(&name);
    uv_ip4_name(ip4, text, sizeof text);
    *port = ntohs(ip4->sin_port);
  }
  *address = text;
  return true;
}

int Connection::fd() const {
#ifdef _WIN32
  return -1;
#else
  uv_os_fd_t descriptor = -1;
  return uv_fileno(&in_.handle, &descriptor) == 0 ? descriptor : -1;
#endif
}

}  // namespace ringwire
