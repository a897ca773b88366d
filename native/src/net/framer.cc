#include "net/framer.h"

#include <cstring>

namespace ringwire {

void Framer::set_framing(Framing framing) {
  framing_ = framing;
  searched_bytes_ = 0;
  needed_bytes_ = 0;
}

Framer::Step Framer::next(const uint8_t* data, size_t length, size_t* position, size_t* start, size_t* end) {
  return framing_ == Framing::kNewline ? next_line(data, length, position, start, end)
                                       : next_sized(data, length, position, start, end);
}

Framer::Step Framer::next_line(const uint8_t* data, size_t length, size_t* position, size_t* start,
                               size_t* end) {
  while (*position < length) {
    const size_t from = *position + searched_bytes_;
    searched_bytes_ = 0;
    const auto* newline =
        from < length ? static_cast<const uint8_t*>(std::memchr(data + from, '\n', length - from)) : nullptr;
    if (skipping_line_) {
      *position = newline == nullptr ? length : static_cast<size_t>(newline - data) + 1;
      skipping_line_ = newline == nullptr;
      continue;
    }
    if (newline == nullptr) {
      const size_t pending = length - *position;
      if (pending > max_frame_bytes_) {
        skipping_line_ = true;
        *position = length;
        return Step::kTooLarge;
      }
      searched_bytes_ = pending;
      return Step::kNeedMore;
    }
    *start = *position;
    *end = static_cast<size_t>(newline - data);
    *position = *end + 1;
    if (*end - *start > max_frame_bytes_) return Step::kTooLarge;
    if (*end != *start) return Step::kFrame;
  }
  return Step::kNeedMore;
}

Framer::Step Framer::next_sized(const uint8_t* data, size_t length, size_t* position, size_t* start,
                                size_t* end) {
  if (skip_bytes_ > 0) {
    const uint64_t available = length - *position;
    const uint64_t dropped = available < skip_bytes_ ? available : skip_bytes_;
    *position += static_cast<size_t>(dropped);
    skip_bytes_ -= dropped;
    if (skip_bytes_ > 0) return Step::kNeedMore;
  }
  needed_bytes_ = 0;
  while (length - *position >= kLengthPrefixBytes) {
    const uint8_t* prefix = data + *position;
    const uint32_t size = (uint32_t{prefix[0]} << 24) | (uint32_t{prefix[1]} << 16) |
                          (uint32_t{prefix[2]} << 8) | uint32_t{prefix[3]};
    if (size > max_frame_bytes_) {
      *position += kLengthPrefixBytes;
      skip_bytes_ = size;
      return Step::kTooLarge;
    }
    if (length - *position - kLengthPrefixBytes < size) {
      needed_bytes_ = kLengthPrefixBytes + size;
      return Step::kNeedMore;
    }
    *start = *position + kLengthPrefixBytes;
    *end = *start + size;
    *position = *end;
    if (size > 0) return Step::kFrame;
  }
  return Step::kNeedMore;
}

}  // namespace ringwire
