#include "json/text_encoder.h"

#include <algorithm>
#include <cstring>

#include "base/simd_bytes.h"

namespace ringwire {

namespace {

constexpr char kHex[] = "0123456789abcdef";

bool is_high_surrogate(uint32_t unit) { return unit - 0xD800 < 0x400; }
bool is_low_surrogate(uint32_t unit) { return unit - 0xDC00 < 0x400; }
bool is_surrogate(uint32_t unit) { return unit - 0xD800 < 0x800; }

uint8_t* put_unicode_escape(uint32_t unit, uint8_t* out) {
  out[0] = '\\';
  out[1] = 'u';
  for (int i = 0; i < 4; ++i) out[2 + i] = static_cast<uint8_t>(kHex[unit >> (12 - 4 * i) & 15]);
  return out + 6;
}

/** The letter after the backslash for a byte that JSON.stringify escapes, 'u' for \u00XX, 0 for none. */
uint8_t escape_letter(uint32_t unit) {
  if (unit == '"' || unit == '\\') return static_cast<uint8_t>(unit);
  if (unit >= 0x20) return 0;
  switch (unit) {
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 'u';
  }
}

/** One code point below 0x110000, no surrogate. */
uint8_t* put_utf8(uint32_t code, uint8_t* out) {
  if (code < 0x80) {
    *out = static_cast<uint8_t>(code);
    return out + 1;
  }
  if (code < 0x800) {
    out[0] = static_cast<uint8_t>(0xC0 | code >> 6);
    out[1] = static_cast<uint8_t>(0x80 | (code & 63));
    return out + 2;
  }
  if (code < 0x10000) {
    out[0] = static_cast<uint8_t>(0xE0 | code >> 12);
    out[1] = static_cast<uint8_t>(0x80 | (code >> 6 & 63));
    out[2] = static_cast<uint8_t>(0x80 | (code & 63));
    return out + 3;
  }
  out[0] = static_cast<uint8_t>(0xF0 | code >> 18);
  out[1] = static_cast<uint8_t>(0x80 | (code >> 12 & 63));
  out[2] = static_cast<uint8_t>(0x80 | (code >> 6 & 63));
  out[3] = static_cast<uint8_t>(0x80 | (code & 63));
  return out + 4;
}

template <bool kEscape>
uint8_t* put_ascii(uint32_t unit, uint8_t* out) {
  const uint8_t letter = kEscape ? escape_letter(unit) : 0;
  if (letter == 0) {
    *out = static_cast<uint8_t>(unit);
    return out + 1;
  }
  if (letter == 'u') return put_unicode_escape(unit, out);
  out[0] = '\\';
  out[1] = letter;
  return out + 2;
}

/** The unit or pair at text[*at]; moves *at past it. */
template <bool kEscape>
uint8_t* put_unit(const char16_t* text, size_t length, size_t* at, uint8_t* out) {
  const uint32_t unit = text[(*at)++];
  if (unit < 0x80) return put_ascii<kEscape>(unit, out);
  if (!is_surrogate(unit)) return put_utf8(unit, out);
  if (is_high_surrogate(unit) && *at < length && is_low_surrogate(text[*at])) {
    const uint32_t low = text[(*at)++];
    return put_utf8(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00), out);
  }
  return kEscape ? put_unicode_escape(unit, out) : put_utf8(0xFFFD, out);
}

template <bool kEscape>
uint8_t* put_unit(const uint8_t* text, size_t, size_t* at, uint8_t* out) {
  const uint32_t unit = text[(*at)++];
  return unit < 0x80 ? put_ascii<kEscape>(unit, out) : put_utf8(unit, out);
}

#if defined(RINGWIRE_SIMD_BYTES)
Bytes16 load_units(const char16_t* text) { return Bytes16::narrow(text); }
Bytes16 load_units(const uint8_t* text) { return Bytes16::load(text); }

/** Below this many units left, going unit by unit costs less than a padded block. */
constexpr size_t kShortUnits = 4;

/** A block of fewer than sixteen units; the lanes behind them hold spaces. */
template <typename Unit>
Bytes16 load_last(const Unit* text, size_t length) {
  Unit padded[16];
  for (Unit& unit : padded) unit = ' ';
  std::memcpy(padded, text, length * sizeof(Unit));
  return load_units(padded);
}

/** Lanes that cannot be copied as they are. */
template <bool kEscape>
Lanes16 special(Bytes16 block) {
  if (!kEscape) return block.high();
  return (block | block.control() | block.equal('"') | block.equal('\\')).high();
}
#endif

template <bool kEscape, typename Unit>
size_t convert(const Unit* text, size_t length, uint8_t* out) {
  const uint8_t* start = out;
  size_t at = 0;
  while (at < length) {
#if defined(RINGWIRE_SIMD_BYTES)
    const size_t left = length - at;
    if (left >= kShortUnits) {
      const Bytes16 block = left >= 16 ? load_units(text + at) : load_last(text + at, left);
      block.store(out);
      const Lanes16 lanes = special<kEscape>(block);
      const size_t plain = std::min<size_t>(lanes.any() ? lanes.first() : 16, left);
      at += plain;
      out += plain;
      if (plain == 16 || plain == left) continue;
      // What is special seldom stands alone: go on unit by unit until a plain one.
      do {
        out = put_unit<kEscape>(text, length, &at, out);
      } while (at < length && text[at] >= 0x80);
      continue;
    }
#endif
    out = put_unit<kEscape>(text, length, &at, out);
  }
  return static_cast<size_t>(out - start);
}

}  // namespace

size_t escape_utf16(const char16_t* text, size_t length, uint8_t* out) {
  return convert<true>(text, length, out);
}
size_t escape_latin1(const uint8_t* text, size_t length, uint8_t* out) {
  return convert<true>(text, length, out);
}
size_t encode_utf16(const char16_t* text, size_t length, uint8_t* out) {
  return convert<false>(text, length, out);
}
size_t encode_latin1(const uint8_t* text, size_t length, uint8_t* out) {
  return convert<false>(text, length, out);
}

size_t decode_utf8_to_utf16(const uint8_t* text, size_t length, char16_t* out) {
  const char16_t* start = out;
  size_t at = 0;
  while (at < length) {
#if defined(RINGWIRE_SIMD_BYTES)
    if (length - at >= 16) {
      const Bytes16 block = Bytes16::load(text + at);
      block.widen(out);
      const Lanes16 lanes = block.high();
      const size_t plain = lanes.any() ? lanes.first() : 16;
      at += plain;
      out += plain;
      if (plain == 16) continue;
    }
#endif
    const uint32_t byte = text[at];
    if (byte < 0x80) {
      *out++ = static_cast<char16_t>(byte);
      ++at;
    } else if (byte < 0xE0) {
      *out++ = static_cast<char16_t>((byte & 31) << 6 | (text[at + 1] & 63));
      at += 2;
    } else if (byte < 0xF0) {
      *out++ = static_cast<char16_t>((byte & 15) << 12 | (text[at + 1] & 63) << 6 | (text[at + 2] & 63));
      at += 3;
    } else {
      const uint32_t code =
          (byte & 7) << 18 | (text[at + 1] & 63u) << 12 | (text[at + 2] & 63u) << 6 | (text[at + 3] & 63u);
      *out++ = static_cast<char16_t>(0xD7C0 + (code >> 10));
      *out++ = static_cast<char16_t>(0xDC00 + (code & 0x3FF));
      at += 4;
    }
  }
  return static_cast<size_t>(out - start);
}

}  // namespace ringwire
