#pragma once
// Cuts a byte stream into frames, by newline (MCP on byte streams) or by a 32-bit big-endian length before
// each. Knows nothing of sockets, so that it builds and fuzzes alone.
#include <cstddef>
#include <cstdint>

namespace ringwire {

enum class Framing : uint8_t { kNewline = 0, kLength = 1 };

class Framer {
 public:
  /** Bytes of the prefix under length framing. */
  static constexpr size_t kLengthPrefixBytes = 4;

  enum class Step : uint8_t {
    /** `start` and `end` hold the next frame; call again. */
    kFrame,
    /** No whole frame is left. Keep the bytes from `position` on and present them first next time. */
    kNeedMore,
    /** A frame larger than the limit begins at `position`; its bytes are being dropped. Call again. */
    kTooLarge,
  };

  Framer(Framing framing, size_t max_frame_bytes) : framing_(framing), max_frame_bytes_(max_frame_bytes) {}

  /**
   * The next frame of data[*position, length). Moves *position past what is consumed. Under kNeedMore the
   * caller must present the bytes from *position on again, at the start of the next region, with more bytes
   * after them. Empty frames are skipped under newline framing.
   */
  Step next(const uint8_t* data, size_t length, size_t* position, size_t* start, size_t* end);

  /** Bytes of the incomplete frame known to be needed (length framing), else 0. */
  size_t needed_bytes() const { return needed_bytes_; }
  /** After kTooLarge under length framing: the announced length, else 0. */
  uint32_t oversize_bytes() const {
    return framing_ == Framing::kLength ? static_cast<uint32_t>(skip_bytes_) : 0;
  }
  Framing framing() const { return framing_; }
  size_t max_frame_bytes() const { return max_frame_bytes_; }
  /** Whether a line that is too long is being dropped. */
  bool skipping() const { return skipping_line_; }
  /** Whole lines were taken from the front of the region without next(). */
  void lines_taken() { searched_bytes_ = 0; }
  /** Changes the framing from the next byte on; only valid between frames. */
  void set_framing(Framing framing);

 private:
  Step next_line(const uint8_t* data, size_t length, size_t* position, size_t* start, size_t* end);
  Step next_sized(const uint8_t* data, size_t length, size_t* position, size_t* start, size_t* end);

  Framing framing_;
  /** Newline framing: inside a line that is too long, dropping up to its newline. */
  bool skipping_line_ = false;
  size_t max_frame_bytes_;
  /** Bytes at the start of the next region that hold no newline: they are not searched twice. */
  size_t searched_bytes_ = 0;
  size_t needed_bytes_ = 0;
  /** Length framing: bytes of an oversize frame still to drop. */
  uint64_t skip_bytes_ = 0;
};

}  // namespace ringwire
