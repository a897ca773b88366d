#pragma once
// Builds one frame in place at the end of a connection's write queue.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "json/text_encoder.h"
#include "net/connection.h"

namespace ringwire {

class FrameBuilder {
 public:
  /** `expected` bytes are made room for at once; more is possible. */
  FrameBuilder(Connection* connection, size_t expected) : connection_(connection) {
    failed_ = !connection->begin_frame();
    ensure(expected);
  }
  /** Goes on with the frame that pause() left; nothing else may have been sent on the connection in between.
   */
  static FrameBuilder resume(Connection* connection) { return FrameBuilder(connection); }
  FrameBuilder(const FrameBuilder&) = delete;
  FrameBuilder& operator=(const FrameBuilder&) = delete;

  void put(const void* bytes, size_t length) {
    if (!ensure(length)) return;
    std::memcpy(at_, bytes, length);
    at_ += length;
  }
  void put(const std::string& text) { put(text.data(), text.size()); }
  template <size_t N>
  void put_text(const char (&text)[N]) {
    put(text, N - 1);
  }

  using Encoder = size_t (*)(const char16_t*, size_t, uint8_t*);
  /** Encodes a text, a long one step by step; a pair of surrogates is never cut. */
  void encode(const char16_t* text, size_t units, Encoder encoder) {
    while (units > 0) {
      size_t step = units < kStepUnits ? units : kStepUnits;
      if (step < units && (text[step - 1] & 0xFC00) == 0xD800) --step;
      if (!ensure(step * kEscapeBytesPerUnit + kEncoderSlack)) return;
      at_ += encoder(text, step, at_);
      text += step;
      units -= step;
    }
  }

  /** Leaves the frame to be gone on with. */
  void pause() {
    commit();
    if (failed_) connection_->destroy(UV_ENOMEM);
  }

  /** Completes the frame. A frame for which memory was short ends its connection: half of it must not be
   * sent. */
  void finish() {
    commit();
    if (failed_ || !connection_->end_frame()) connection_->destroy(UV_ENOMEM);
  }

 private:
  explicit FrameBuilder(Connection* connection) : connection_(connection) {}

  /** Units encoded per step, so that room for the worst case (6 bytes a unit) stays small. */
  static constexpr size_t kStepUnits = 16 * 1024;

  bool ensure(size_t length) {
    if (static_cast<size_t>(end_ - at_) >= length) return true;
    commit();
    start_ = at_ = failed_ ? nullptr : connection_->reserve(length);
    end_ = at_ == nullptr ? nullptr : at_ + length;
    failed_ = failed_ || at_ == nullptr;
    return !failed_;
  }

  void commit() {
    if (at_ != start_) connection_->finish_frame(static_cast<size_t>(at_ - start_));
    start_ = at_;
  }

  Connection* connection_;
  uint8_t* start_ = nullptr;
  uint8_t* at_ = nullptr;
  uint8_t* end_ = nullptr;
  bool failed_ = false;
};

}  // namespace ringwire
