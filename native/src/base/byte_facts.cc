#include "base/byte_facts.h"

#include "base/simd_bytes.h"

namespace ringwire {

namespace {

template <bool kLine>
ByteFacts facts(const uint8_t* text, size_t length) {
  size_t at = 0;
  bool ascii = true;
  bool backslash = false;
#if defined(RINGWIRE_SIMD_BYTES)
  Bytes16 seen = Bytes16::zero();
  Bytes16 slashes = Bytes16::zero();
  while (length - at >= 16) {
    const Bytes16 block = Bytes16::load(text + at);
    // The block that holds the newline is left to the loop below: bytes after it are another frame's.
    if (kLine && block.equal('\n').high().any()) break;
    seen = seen | block;
    slashes = slashes | block.equal('\\');
    at += 16;
  }
  ascii = !seen.high().any();
  backslash = slashes.high().any();
#endif
  for (; at < length; ++at) {
    const uint8_t byte = text[at];
    if (kLine && byte == '\n') return {at, true, ascii, backslash};
    ascii &= byte < 0x80;
    backslash |= byte == '\\';
  }
  return {length, false, ascii, backslash};
}

}  // namespace

ByteFacts line_facts(const uint8_t* text, size_t length) { return facts<true>(text, length); }
ByteFacts frame_facts(const uint8_t* text, size_t length) { return facts<false>(text, length); }

}  // namespace ringwire
