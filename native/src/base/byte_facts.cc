#include "base/byte_facts.h"

#include "base/simd_bytes.h"

namespace ringwire {

namespace {

template <bool kLine>
ByteFacts scalar_facts(const uint8_t* text, size_t length) {
  bool ascii = true;
  bool backslash = false;
  for (size_t at = 0; at < length; ++at) {
    const uint8_t byte = text[at];
    if (kLine && byte == '\n') return {at, true, ascii, backslash};
    ascii &= byte < 0x80;
    backslash |= byte == '\\';
  }
  return {length, false, ascii, backslash};
}

#if defined(RINGWIRE_SIMD_BYTES)
template <bool kLine>
ByteFacts facts(const uint8_t* text, size_t length) {
  if (length < 16) return scalar_facts<kLine>(text, length);
  Bytes16 seen = Bytes16::zero();
  Bytes16 slashes = Bytes16::zero();
  size_t at = 0;
  // Four blocks at a time while no newline is near and a block remains for the loop below.
  for (; length - at > 64; at += 64) {
    const Bytes16 a = Bytes16::load(text + at);
    const Bytes16 b = Bytes16::load(text + at + 16);
    const Bytes16 c = Bytes16::load(text + at + 32);
    const Bytes16 d = Bytes16::load(text + at + 48);
    if (kLine) {
      const Bytes16 newlines = (a.equal('\n') | b.equal('\n')) | (c.equal('\n') | d.equal('\n'));
      if (newlines.high().any()) break;
    }
    seen = seen | ((a | b) | (c | d));
    slashes = slashes | ((a.equal('\\') | b.equal('\\')) | (c.equal('\\') | d.equal('\\')));
  }
  if (at > length - 16) at = length - 16;
  for (;;) {
    const Bytes16 block = Bytes16::load(text + at);
    const Bytes16 slash = block.equal('\\');
    if (kLine) {
      const Lanes16 newlines = block.equal('\n').high();
      if (newlines.any()) {
        const unsigned lane = newlines.first();
        return {at + lane, true, !seen.high().any() && !block.high().any_before(lane),
                slashes.high().any() || slash.high().any_before(lane)};
      }
    }
    seen = seen | block;
    slashes = slashes | slash;
    at += 16;
    if (at == length) return {length, false, !seen.high().any(), slashes.high().any()};
    // The last block overlaps the one before it: seeing a byte twice changes nothing.
    if (at > length - 16) at = length - 16;
  }
}
#else
template <bool kLine>
ByteFacts facts(const uint8_t* text, size_t length) {
  return scalar_facts<kLine>(text, length);
}
#endif

}  // namespace

ByteFacts line_facts(const uint8_t* text, size_t length) { return facts<true>(text, length); }
ByteFacts frame_facts(const uint8_t* text, size_t length) { return facts<false>(text, length); }

}  // namespace ringwire
