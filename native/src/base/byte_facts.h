#pragma once
// One pass over a frame that answers the three questions asked of every frame, sixteen bytes at a time.
#include <cstddef>
#include <cstdint>

namespace ringwire {

struct ByteFacts {
  /** Bytes before the newline, or all of them where there is none. */
  size_t length;
  /** Whether the pass ended at a newline. */
  bool newline;
  /** Every byte is below 0x80. */
  bool ascii;
  /** There is a backslash. */
  bool backslash;
};

/** Facts about the bytes up to the first newline. Reads nothing at or past `text + length`. */
ByteFacts line_facts(const uint8_t* text, size_t length);

/** The same about all bytes, newlines included; `newline` is false. */
ByteFacts frame_facts(const uint8_t* text, size_t length);

}  // namespace ringwire
