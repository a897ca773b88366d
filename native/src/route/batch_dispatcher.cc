#include "route/batch_dispatcher.h"

#include <algorithm>
#include <cstring>

#include "net/listener.h"
#include "net/stream_engine.h"

namespace ringwire {

BatchDispatcher::BatchDispatcher(BatchConsumer* consumer, int32_t* records, int32_t* state, int max_depth)
    : consumer_(consumer),
      records_(records),
      state_(state),
      scanner_(max_depth),
      lines_(kLinesPerScan * EnvelopeField::kCount) {}

BatchDispatcher::~BatchDispatcher() {
  for (const LargeFrame& frame : large_frames_) frame.slab->release();
}

// ---- records ----

int32_t* BatchDispatcher::next_record(int32_t kind, Connection* connection) {
  int32_t* record = records_ + static_cast<size_t>(count_++) * BatchField::kCount;
  record[BatchField::kKind] = kind;
  record[BatchField::kConnection] = connection == nullptr ? -1 : connection->index();
  record[BatchField::kGeneration] =
      connection == nullptr ? 0 : static_cast<int32_t>(connection->generation());
  return record;
}

/** Events may arise while JavaScript reads the batch: those wait for the next one. */
void BatchDispatcher::add_event(int32_t kind, Connection* connection, int32_t first, int32_t second) {
  Event event = {kind, -1, 0, first, second};
  if (connection != nullptr) {
    event.connection = connection->index();
    event.generation = static_cast<int32_t>(connection->generation());
  }
  events_.push_back(event);
  if (!delivering_) move_events();
}

void BatchDispatcher::move_events() {
  size_t moved = 0;
  while (moved < events_.size() && count_ < kMaxRecords) {
    const Event& event = events_[moved++];
    int32_t* record = next_record(event.kind, nullptr);
    record[BatchField::kConnection] = event.connection;
    record[BatchField::kGeneration] = event.generation;
    record[BatchField::kStart] = event.first;
    record[BatchField::kEnd] = event.second;
  }
  events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(moved));
}

void BatchDispatcher::end_of_batch() {
  if (delivering_) return;
  for (;;) {
    move_events();
    if (count_ == 0) break;
    if (!joined_.empty()) joined_.push_back(']');
    delivering_ = true;
    consumer_->deliver(count_, joined_.data(), joined_.size(), joined_ascii_);
    if (state_[EngineState::kCollectRequested] != 0) {
      state_[EngineState::kCollectRequested] = 0;
      consumer_->collect();
    }
    delivering_ = false;
    count_ = 0;
    joined_.clear();
    joined_ascii_ = true;
    for (const LargeFrame& frame : large_frames_) frame.slab->release();
    large_frames_.clear();
  }
}

void BatchDispatcher::before_poll() {
  if (state_[EngineState::kCollectRequested] == 0) return;
  state_[EngineState::kCollectRequested] = 0;
  consumer_->collect();
}

/** Delivers where no record is free; false where that closed the connection, or took the frame at hand back.
 */
bool BatchDispatcher::make_room(const Connection* connection) {
  if (count_ < kMaxRecords && joined_.size() < kMaxJoinedBytes) return true;
  end_of_batch();
  return !connection->closing() && !connection->stopped();
}

// ---- frames ----

size_t BatchDispatcher::on_lines(Connection* connection, const uint8_t* base, size_t offset, size_t length) {
  if (connection->user_flags == 0) return 0;
  const uint8_t* text = base + offset;
  size_t taken = 0;
  while (taken < length) {
    const uint8_t* run = text + taken;
    const size_t origin = offset + taken;
    const size_t count = scanner_.scan_lines(run, length - taken, lines_.data(), kLinesPerScan);
    if (count == 0) break;
    for (size_t i = 0; i < count; ++i) {
      // What JavaScript does in a delivery, and what a slow peer does not take, may stop the input here.
      if (!make_room(connection) || connection->input_blocked()) return taken;
      const int32_t* line = lines_.data() + i * EnvelopeField::kCount;
      const auto start = static_cast<size_t>(line[EnvelopeField::kFrameStart]);
      const auto end = static_cast<size_t>(line[EnvelopeField::kFrameEnd]);
      if (end - start > connection->max_frame_bytes()) {
        on_frame_too_large(connection);
      } else if (end != start && !dispatch(connection, run, origin, line)) {
        add_frame(connection, origin + start, origin + end);
      }
      taken = origin - offset + end + 1;
      connection->relieve();
    }
  }
  return taken;
}

void BatchDispatcher::on_frame(Connection* connection, const uint8_t* base, size_t start, size_t end) {
  if (!make_room(connection)) return;
  if (connection->user_flags != 0) {
    scanner_.scan(base + start, end - start, envelope_);
    if (dispatch(connection, base + start, start, envelope_)) return;
  }
  add_frame(connection, start, end);
}

void BatchDispatcher::add_frame(Connection* connection, size_t start, size_t end) {
  int32_t* record = next_record(BatchKind::kFrame, connection);
  record[BatchField::kStart] = static_cast<int32_t>(start);
  record[BatchField::kEnd] = static_cast<int32_t>(end);
}

void BatchDispatcher::on_large_frame(Connection* connection, Slab* slab, size_t start, size_t end) {
  if (!make_room(connection)) return;
  slab->retain();
  large_frames_.push_back({slab, start, end});
  const auto number = static_cast<int32_t>(large_frames_.size()) - 1;
  if (connection->user_flags != 0) {
    const size_t calls = static_cast<size_t>(count_);
    scanner_.scan(slab->data() + start, end - start, envelope_);
    large_number_ = number;
    const bool served = dispatch(connection, slab->data() + start, 0, envelope_);
    large_number_ = -1;
    if (served) {
      // Replied to or forwarded: nothing refers to the frame.
      if (static_cast<size_t>(count_) == calls) {
        large_frames_.pop_back();
        slab->release();
      }
      return;
    }
  }
  int32_t* record = next_record(BatchKind::kLargeFrame, connection);
  record[BatchField::kStart] = number;
  record[BatchField::kEnd] = 0;
}

void BatchDispatcher::discard_large_frame(int32_t number) {
  if (number < 0 || static_cast<size_t>(number) >= large_frames_.size()) return;
  large_frames_[static_cast<size_t>(number)].slab->discard();
}

Slab* BatchDispatcher::large_frame(int32_t number, size_t* start, size_t* end) {
  if (number < 0 || static_cast<size_t>(number) >= large_frames_.size()) return nullptr;
  const LargeFrame& frame = large_frames_[static_cast<size_t>(number)];
  *start = frame.start;
  *end = frame.end;
  return frame.slab;
}

/**
 * Serves a scanned frame by a route; false leaves it to the generic path. The envelope's offsets are into
 * `text`, which lies at `origin` in the arena.
 */
bool BatchDispatcher::dispatch(Connection* connection, const uint8_t* text, size_t origin, const int32_t* e) {
  if (e[EnvelopeField::kVerdict] != ScanVerdict::kOk) return false;
  const int32_t kind = e[EnvelopeField::kKind];
  if ((connection->user_flags & ConnectionFlag::kUpstream) != 0 &&
      (kind == EnvelopeKind::kResponse || kind == EnvelopeKind::kError))
    return take_upstream_reply(connection, text, e);
  if (kind != EnvelopeKind::kRequest || (connection->user_flags & ConnectionFlag::kDispatch) == 0)
    return false;
  const int32_t flags = e[EnvelopeField::kFlags];
  if ((flags & (EnvelopeFlag::kMethodEscaped | EnvelopeFlag::kNameEscaped)) != 0) return false;
  const auto id_length = static_cast<size_t>(e[EnvelopeField::kIdEnd] - e[EnvelopeField::kIdStart]);
  if (id_length > CallSlot::kMaxIdBytes) return false;
  const int profile = match_profile(profiles_, flags, connection->user_flags);
  if (profile < 0) return false;

  const ByteRange method = {
      text + e[EnvelopeField::kMethodStart],
      static_cast<size_t>(e[EnvelopeField::kMethodEnd] - e[EnvelopeField::kMethodStart])};
  ByteRange key;
  if (e[EnvelopeField::kNameStart] >= 0) {
    key = {text + e[EnvelopeField::kNameStart],
           static_cast<size_t>(e[EnvelopeField::kNameEnd] - e[EnvelopeField::kNameStart])};
  }
  const Route* route =
      routes_.find(method, key, (flags & EnvelopeFlag::kNameIsUri) != 0, static_cast<uint32_t>(profile));
  if (route == nullptr) return false;
  switch (route->kind) {
    case RouteKind::kHandler:
      add_call(connection, *route, profile, text, origin, e);
      return true;
    case RouteKind::kReply:
      write_reply(connection, text + e[EnvelopeField::kIdStart], id_length, route->reply);
      ++native_replies_;
      return true;
    case RouteKind::kForward:
      return forward(connection, *route, text, e);
  }
  return false;
}

void BatchDispatcher::add_call(Connection* connection, const Route& route, int profile, const uint8_t* text,
                               size_t origin, const int32_t* e) {
  const auto offset = static_cast<int32_t>(origin);
  const auto at = [offset](int32_t position) { return position < 0 ? -1 : position + offset; };
  const int32_t flags = e[EnvelopeField::kFlags];
  const int32_t input_start =
      e[route.wants_arguments ? EnvelopeField::kArgumentsStart : EnvelopeField::kParamsStart];
  const int32_t input_end =
      e[route.wants_arguments ? EnvelopeField::kArgumentsEnd : EnvelopeField::kParamsEnd];
  const size_t input_length = input_start < 0 ? 0 : static_cast<size_t>(input_end - input_start);

  int32_t* record = next_record(BatchKind::kCall, connection);
  record[BatchField::kStart] = at(e[EnvelopeField::kFrameStart]);
  record[BatchField::kEnd] = at(e[EnvelopeField::kFrameEnd]);
  record[BatchField::kFlags] = flags;
  record[BatchField::kRoute] = route.target;
  record[BatchField::kProfile] = profile;
  record[BatchField::kSlot] =
      slots_.take(connection->index(), connection->generation(), static_cast<uint8_t>(profile),
                  text + e[EnvelopeField::kIdStart],
                  static_cast<size_t>(e[EnvelopeField::kIdEnd] - e[EnvelopeField::kIdStart]));
  record[BatchField::kInputStart] = at(input_start);
  record[BatchField::kInputEnd] = at(input_end);
  record[BatchField::kMetaStart] = at(e[EnvelopeField::kMetaStart]);
  record[BatchField::kMetaEnd] = at(e[EnvelopeField::kMetaEnd]);
  record[BatchField::kIdStart] = at(e[EnvelopeField::kIdStart]);
  record[BatchField::kIdEnd] = at(e[EnvelopeField::kIdEnd]);
  record[BatchField::kJoined] = input_length > 0 && input_length <= kMaxJoinedInputBytes ? 1 : 0;
  if (large_number_ >= 0) {
    record[BatchField::kStart] = large_number_;
    record[BatchField::kJoined] = 2;
  } else if (record[BatchField::kJoined] != 0)
    join(text + input_start, input_length, (flags & EnvelopeFlag::kAscii) != 0);
}

void BatchDispatcher::join(const uint8_t* input, size_t length, bool ascii) {
  joined_.push_back(joined_.empty() ? '[' : ',');
  joined_.insert(joined_.end(), input, input + length);
  joined_ascii_ = joined_ascii_ && ascii;
}

// ---- events ----

void BatchDispatcher::on_frame_too_large(Connection* connection) {
  add_event(BatchKind::kFrameTooLarge, connection, static_cast<int32_t>(connection->oversize_bytes()), 0);
}
void BatchDispatcher::on_accept(Listener* listener, Connection* connection) {
  add_event(BatchKind::kAccepted, connection, listener->index(), 0);
}
void BatchDispatcher::on_accept_error(Listener* listener, int status) {
  add_event(BatchKind::kAcceptFailed, nullptr, listener->index(), status);
}
void BatchDispatcher::on_connect(Connection* connection, int status) {
  add_event(BatchKind::kConnected, connection, status, 0);
}
void BatchDispatcher::on_drain(Connection* connection) { add_event(BatchKind::kDrained, connection, 0, 0); }
void BatchDispatcher::on_listener_close(Listener* listener) {
  add_event(BatchKind::kListenerClosed, nullptr, listener->index(), 0);
}
void BatchDispatcher::on_end(Connection* connection) {
  add_event(BatchKind::kEnded, connection, static_cast<int32_t>(connection->held_bytes()),
            connection->inside_frame() ? 1 : 0);
}

void BatchDispatcher::on_close(Connection* connection, int status) {
  add_event(BatchKind::kClosed, connection, status, 0);
  if (forwards_.size() == 0) return;
  forwards_.drop_caller(connection->index(), connection->generation());
  for (const ForwardedCall& call : forwards_.take_all_of(connection->index(), connection->generation()))
    fail_forward(call);
}

}  // namespace ringwire
