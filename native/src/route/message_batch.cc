#include "route/message_batch.h"

#include <algorithm>

namespace ringwire {

namespace {

bool is_ascii(const uint8_t* text, size_t length) {
  return std::all_of(text, text + length, [](uint8_t byte) { return byte < 0x80; });
}

ByteRange range_at(const uint8_t* arena, const int32_t* envelope, int32_t field) {
  const int32_t start = envelope[field];
  if (start < 0) return {};
  return {arena + start, static_cast<size_t>(envelope[field + 1] - start)};
}

}  // namespace

bool MessageBatch::route(const uint8_t* arena, size_t length, const int32_t* messages, int32_t count,
                         int32_t* records) {
  const auto wanted = static_cast<size_t>(count);
  if (envelopes_.size() < wanted * EnvelopeField::kCount) envelopes_.resize(wanted * EnvelopeField::kCount);
  joined_.clear();
  joined_is_ascii_ = true;
  ids_.clear();
  if (scanner_.scan_lines(arena, length, envelopes_.data(), wanted) != wanted) return false;
  for (size_t i = 0; i < wanted; ++i) {
    const int32_t* message = messages + i * MessageField::kCount;
    const int32_t* envelope = envelopes_.data() + i * EnvelopeField::kCount;
    if (envelope[EnvelopeField::kFrameEnd] != message[MessageField::kEnd]) return false;
    int32_t* record = records + i * BatchField::kCount;
    record[BatchField::kConnection] = message[MessageField::kConnection];
    record[BatchField::kStart] = envelope[EnvelopeField::kFrameStart];
    record[BatchField::kEnd] = envelope[EnvelopeField::kFrameEnd];
    record[BatchField::kKind] =
        route_one(arena, envelope, static_cast<uint32_t>(message[MessageField::kFlags]), record);
  }
  return true;
}

/** Returns the BatchKind. */
int32_t MessageBatch::route_one(const uint8_t* arena, const int32_t* e, uint32_t connection_flags,
                                int32_t* record) {
  const int32_t flags = e[EnvelopeField::kFlags];
  if (e[EnvelopeField::kVerdict] != ScanVerdict::kOk || e[EnvelopeField::kKind] != EnvelopeKind::kRequest ||
      (connection_flags & ConnectionFlag::kDispatch) == 0 ||
      (flags & (EnvelopeFlag::kMethodEscaped | EnvelopeFlag::kNameEscaped)) != 0)
    return BatchKind::kFrame;
  const int profile = match_profile(profiles_, flags, connection_flags);
  if (profile < 0) return BatchKind::kFrame;
  const Route* route = routes_.find(range_at(arena, e, EnvelopeField::kMethodStart),
                                    range_at(arena, e, EnvelopeField::kNameStart),
                                    (flags & EnvelopeFlag::kNameIsUri) != 0, static_cast<uint32_t>(profile));
  if (route == nullptr || route->kind == RouteKind::kForward) return BatchKind::kFrame;
  const ByteRange id = range_at(arena, e, EnvelopeField::kIdStart);
  const bool ascii = (flags & EnvelopeFlag::kAscii) != 0;
  if (!ascii && !is_ascii(id.data, id.length)) return BatchKind::kFrame;
  ids_.insert(ids_.end(), id.data, id.data + id.length);
  const int32_t input = route->wants_arguments ? EnvelopeField::kArgumentsStart : EnvelopeField::kParamsStart;
  record[BatchField::kFlags] = flags;
  record[BatchField::kRoute] = route->target;
  record[BatchField::kProfile] = profile;
  record[BatchField::kInputStart] = e[input];
  record[BatchField::kInputEnd] = e[input + 1];
  record[BatchField::kMetaStart] = e[EnvelopeField::kMetaStart];
  record[BatchField::kMetaEnd] = e[EnvelopeField::kMetaEnd];
  record[BatchField::kIdStart] = e[EnvelopeField::kIdStart];
  record[BatchField::kIdEnd] = e[EnvelopeField::kIdEnd];
  record[BatchField::kJoined] = 0;
  if (route->kind == RouteKind::kReply) return BatchKind::kReply;
  const ByteRange text = range_at(arena, e, input);
  if (text.length > 0 && text.length <= kMaxJoinedInputBytes) {
    record[BatchField::kJoined] = 1;
    joined_.push_back(joined_.empty() ? '[' : ',');
    joined_.insert(joined_.end(), text.data, text.data + text.length);
    joined_is_ascii_ = joined_is_ascii_ && ascii;
  }
  return BatchKind::kCall;
}

}  // namespace ringwire
