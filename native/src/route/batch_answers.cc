// The answers of a BatchDispatcher: from JavaScript, from native replies, and from upstreams to their
// callers.
#include <algorithm>
#include <cstdio>
#include <string>

#include "json/text_encoder.h"
#include "net/stream_engine.h"
#include "route/batch_dispatcher.h"
#include "route/frame_builder.h"

namespace ringwire {

namespace {

constexpr char kResultHead[] = "{\"jsonrpc\":\"2.0\",\"id\":";
constexpr char kResultMember[] = ",\"result\":";
constexpr char kErrorMember[] = ",\"error\":";
constexpr char kUpstreamGone[] =
    "{\"code\":-32603,\"message\":\"The upstream connection closed before it answered\","
    "\"data\":{\"code\":\"CONNECTION_CLOSED\",\"retryable\":true}}";

}  // namespace

// ---- answers ----

int32_t BatchDispatcher::add_template(std::string before, std::string after) {
  templates_.push_back({std::move(before), std::move(after)});
  return static_cast<int32_t>(templates_.size()) - 1 + ReplyKind::kFirstTemplate;
}

void BatchDispatcher::reply(const int32_t* replies, int32_t count, const char16_t* text, size_t units) {
  size_t used = 0;
  for (int32_t i = 0; i < count; ++i) {
    const int32_t* answer = replies + static_cast<size_t>(i) * ReplyField::kCount;
    const auto length = std::min(static_cast<size_t>(answer[ReplyField::kUnits]), units - used);
    const CallSlot* slot = slots_.at(answer[ReplyField::kSlot]);
    if (slot != nullptr) {
      Connection* connection = engine_->find(slot->connection, slot->generation);
      if (connection != nullptr && !connection->closing() && answer[ReplyField::kKind] != ReplyKind::kDrop)
        write_answer(connection, *slot, answer[ReplyField::kKind], text + used, length);
      slots_.give_back(answer[ReplyField::kSlot]);
    }
    used += length;
  }
}

const BatchDispatcher::Template* BatchDispatcher::template_of(int32_t kind) const {
  const size_t number = static_cast<size_t>(kind - ReplyKind::kFirstTemplate);
  return kind >= ReplyKind::kFirstTemplate && number < templates_.size() ? &templates_[number] : nullptr;
}

void BatchDispatcher::write_answer(Connection* connection, const CallSlot& slot, int32_t kind,
                                   const char16_t* text, size_t units) {
  constexpr size_t kFixedBytes = sizeof kResultHead + sizeof kResultMember + CallSlot::kMaxIdBytes;
  const Template* shape = template_of(kind);
  // Texts are short as a rule; of a long one only the first step is provided for.
  size_t expected = kFixedBytes + std::min<size_t>(units, 1024) * kEscapeBytesPerUnit + kEncoderSlack;
  if (shape != nullptr) expected += shape->before.size() + shape->after.size();
  FrameBuilder frame(connection, expected);
  frame.put_text(kResultHead);
  frame.put(slot.id, slot.id_length);
  if (shape != nullptr) {
    frame.put_text(kResultMember);
    frame.put(shape->before);
    frame.encode(text, units, escape_utf16);
    frame.put(shape->after);
  } else {
    if (kind == ReplyKind::kError) {
      frame.put_text(kErrorMember);
    } else {
      frame.put_text(kResultMember);
    }
    frame.encode(text, units, encode_utf16);
  }
  frame.put_text("}");
  frame.finish();
}

bool BatchDispatcher::begin_long_answer(int32_t slot_number, int32_t kind) {
  long_answer_ = {};
  const CallSlot* slot = slots_.at(slot_number);
  if (slot == nullptr) return false;
  Connection* connection = engine_->find(slot->connection, slot->generation);
  const bool open = connection != nullptr && !connection->closing();
  if (open) {
    const Template* shape = template_of(kind);
    FrameBuilder frame(connection, sizeof kResultHead + CallSlot::kMaxIdBytes + sizeof kResultMember);
    frame.put_text(kResultHead);
    frame.put(slot->id, slot->id_length);
    if (kind == ReplyKind::kError) {
      frame.put_text(kErrorMember);
    } else {
      frame.put_text(kResultMember);
    }
    if (shape != nullptr) frame.put(shape->before);
    frame.pause();
    long_answer_ = {slot->connection, slot->generation, kind};
  }
  slots_.give_back(slot_number);
  return open;
}

void BatchDispatcher::append_long_answer(const char16_t* text, size_t units) {
  Connection* connection = engine_->find(long_answer_.connection, long_answer_.generation);
  if (connection == nullptr || connection->closing()) return;
  FrameBuilder frame = FrameBuilder::resume(connection);
  frame.encode(text, units, template_of(long_answer_.kind) != nullptr ? escape_utf16 : encode_utf16);
  frame.pause();
}

void BatchDispatcher::abort_long_answer() {
  Connection* connection = engine_->find(long_answer_.connection, long_answer_.generation);
  if (connection != nullptr) connection->destroy(UV_ENOMEM);
  long_answer_ = {};
}

void BatchDispatcher::end_long_answer() {
  Connection* connection = engine_->find(long_answer_.connection, long_answer_.generation);
  if (connection != nullptr && !connection->closing()) {
    const Template* shape = template_of(long_answer_.kind);
    FrameBuilder frame = FrameBuilder::resume(connection);
    if (shape != nullptr) frame.put(shape->after);
    frame.put_text("}");
    frame.finish();
  }
  long_answer_ = {};
}

void BatchDispatcher::write_reply(Connection* connection, const uint8_t* id, size_t id_length,
                                  const std::string& result) {
  FrameBuilder frame(connection, sizeof kResultHead + id_length + sizeof kResultMember + result.size());
  frame.put_text(kResultHead);
  frame.put(id, id_length);
  frame.put_text(kResultMember);
  frame.put(result);
  frame.put_text("}");
  frame.finish();
}

// ---- forwards ----

namespace {

/** The frame with another id. */
void write_with_id(Connection* connection, const uint8_t* text, const int32_t* e, const void* id,
                   size_t id_length) {
  const auto start = static_cast<size_t>(e[EnvelopeField::kFrameStart]);
  const auto end = static_cast<size_t>(e[EnvelopeField::kFrameEnd]);
  const auto id_start = static_cast<size_t>(e[EnvelopeField::kIdStart]);
  const auto id_end = static_cast<size_t>(e[EnvelopeField::kIdEnd]);
  FrameBuilder frame(connection, end - start + id_length);
  frame.put(text + start, id_start - start);
  frame.put(id, id_length);
  frame.put(text + id_end, end - id_end);
  frame.finish();
}

}  // namespace

bool BatchDispatcher::forward(Connection* connection, const Route& route, const uint8_t* text,
                              const int32_t* e) {
  Connection* upstream = engine_->find(route.target, route.target_generation);
  if (upstream == nullptr || !upstream->takes_output() || upstream->above_high_watermark()) return false;
  ForwardedCall call;
  call.caller = connection->index();
  call.caller_generation = connection->generation();
  call.upstream = upstream->index();
  call.upstream_generation = upstream->generation();
  call.id.assign(reinterpret_cast<const char*>(text + e[EnvelopeField::kIdStart]),
                 static_cast<size_t>(e[EnvelopeField::kIdEnd] - e[EnvelopeField::kIdStart]));
  char id[24];
  const int id_length =
      std::snprintf(id, sizeof id, "%llu", static_cast<unsigned long long>(forwards_.add(std::move(call))));
  write_with_id(upstream, text, e, id, static_cast<size_t>(id_length));
  return true;
}

bool BatchDispatcher::take_upstream_reply(Connection* connection, const uint8_t* text, const int32_t* e) {
  // An error response may lack its id; then it answers nobody's call.
  const size_t digits = e[EnvelopeField::kIdStart] < 0
                            ? 0
                            : static_cast<size_t>(e[EnvelopeField::kIdEnd] - e[EnvelopeField::kIdStart]);
  uint64_t id = 0;
  bool numeric = digits > 0 && digits <= 19;
  for (size_t i = 0; numeric && i < digits; ++i) {
    const uint8_t digit = text[static_cast<size_t>(e[EnvelopeField::kIdStart]) + i];
    numeric = digit >= '0' && digit <= '9';
    id = id * 10 + static_cast<uint64_t>(digit - '0');
  }
  ForwardedCall call;
  if (!numeric || !forwards_.take(id, connection->index(), connection->generation(), &call)) {
    // Late, invented or not ours: it must reach nobody.
    ++unknown_replies_;
    return true;
  }
  Connection* caller = engine_->find(call.caller, call.caller_generation);
  if (caller != nullptr && !caller->closing()) write_with_id(caller, text, e, call.id.data(), call.id.size());
  return true;
}

void BatchDispatcher::fail_forward(const ForwardedCall& call) {
  Connection* caller = engine_->find(call.caller, call.caller_generation);
  if (caller == nullptr || caller->closing()) return;
  FrameBuilder frame(caller,
                     sizeof kResultHead + call.id.size() + sizeof kErrorMember + sizeof kUpstreamGone);
  frame.put_text(kResultHead);
  frame.put(call.id);
  frame.put_text(kErrorMember);
  frame.put_text(kUpstreamGone);
  frame.put_text("}");
  frame.finish();
}

}  // namespace ringwire
