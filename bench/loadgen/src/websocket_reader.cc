#include <cstring>

#include "reader.h"
#include "wire.h"

namespace loadgen {
namespace {

constexpr int kContinuation = 0, kBinary = 2, kClose = 8, kPing = 9, kPong = 10;

// The frame at `data`: false while its header is not complete.
bool ParseHeader(const unsigned char* data, size_t length, size_t* header_bytes, uint64_t* payload_bytes) {
  if (length < 2) return false;
  *payload_bytes = data[1] & 0x7F;
  const size_t extended = *payload_bytes == 126 ? 2 : *payload_bytes == 127 ? 8 : 0;
  *header_bytes = 2 + extended;
  if (length < *header_bytes) return false;
  if (extended == 0) return true;
  *payload_bytes = 0;
  for (size_t i = 0; i < extended; i++) *payload_bytes = *payload_bytes << 8 | data[2 + i];
  return true;
}

}  // namespace

Reader::Found WebSocketReader::TakeControl(int opcode, const char* payload, size_t length) {
  if (opcode == kPing) {
    control += WebSocketFrame(std::string(payload, length), kPong, 0);
    return Found::kMessage;
  }
  if (opcode == kPong) return Found::kMessage;
  if (opcode != kClose) return Broken("a frame of the unknown kind " + std::to_string(opcode));
  const auto* bytes = reinterpret_cast<const unsigned char*>(payload);
  std::string code = length < 2 ? "no code" : std::to_string(bytes[0] << 8 | bytes[1]);
  std::string reason = length < 2 ? "" : " " + std::string(payload + 2, length - 2);
  return Broken("the server closed the WebSocket with " + code + reason);
}

Reader::Found WebSocketReader::Next(const char* data, size_t length, size_t* consumed, Message* message) {
  for (*consumed = 0;;) {
    const char* frame = data + *consumed;
    const auto* bytes = reinterpret_cast<const unsigned char*>(frame);
    const size_t left = length - *consumed;
    size_t header_bytes = 0;
    uint64_t payload_bytes = 0;
    if (!ParseHeader(bytes, left, &header_bytes, &payload_bytes)) return Found::kNeedMore;
    if ((bytes[0] & 0x70) != 0) return Broken("a frame with reserved bits");
    if ((bytes[1] & 0x80) != 0) return Broken("a masked frame from a server");
    if (left - header_bytes < payload_bytes) return Found::kNeedMore;
    const char* payload = frame + header_bytes;
    const int opcode = bytes[0] & 0x0F;
    const bool is_last = (bytes[0] & 0x80) != 0;
    *consumed += header_bytes + payload_bytes;
    if (opcode > kBinary) {
      if (TakeControl(opcode, payload, payload_bytes) == Found::kBroken) return Found::kBroken;
      continue;
    }
    if ((opcode == kContinuation) != in_fragments_) return Broken("a fragment out of its order");
    if (is_last && !in_fragments_) {
      *message = {payload, payload_bytes, 200};
      return Found::kMessage;
    }
    if (opcode != kContinuation) fragments_.clear();
    fragments_.append(payload, payload_bytes);
    in_fragments_ = !is_last;
    if (!is_last) continue;
    *message = {fragments_.data(), fragments_.size(), 200};
    return Found::kMessage;
  }
}

}  // namespace loadgen
