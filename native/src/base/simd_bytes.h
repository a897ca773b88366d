#pragma once
// Sixteen bytes at once with what every x64 and every arm64 CPU has, so that no dispatch is needed.
// RINGWIRE_SIMD_BYTES is defined where the type exists; elsewhere the callers' scalar loops do the work.
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__) || defined(_M_X64)
#define RINGWIRE_SIMD_BYTES 1
#include <emmintrin.h>
#elif defined(__aarch64__) || defined(_M_ARM64)
#define RINGWIRE_SIMD_BYTES 1
#include <arm_neon.h>
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

namespace ringwire {

/** Index of the lowest set bit; undefined for 0. */
inline unsigned lowest_bit(uint64_t bits) {
#if defined(_MSC_VER) && !defined(__clang__)
  unsigned long index;
  _BitScanForward64(&index, bits);
  return index;
#else
  return static_cast<unsigned>(__builtin_ctzll(bits));
#endif
}

#if defined(RINGWIRE_SIMD_BYTES)

#if defined(__SSE2__) || defined(_M_X64)

/** A set of lanes; `first()` is the lowest lane in it. */
struct Lanes16 {
  unsigned bits;
  bool any() const { return bits != 0; }
  /** Whether a lane before `lane` is in the set. */
  bool any_before(unsigned lane) const { return (bits & ((1u << lane) - 1)) != 0; }
  unsigned first() const { return lowest_bit(bits); }
};

struct Bytes16 {
  __m128i value;

  static Bytes16 load(const void* from) { return {_mm_loadu_si128(static_cast<const __m128i*>(from))}; }
  void store(void* to) const { _mm_storeu_si128(static_cast<__m128i*>(to), value); }
  static Bytes16 zero() { return {_mm_setzero_si128()}; }
  Bytes16 operator|(Bytes16 other) const { return {_mm_or_si128(value, other.value)}; }
  /** 0xFF in lanes equal to `byte`, 0 in the others. */
  Bytes16 equal(char byte) const { return {_mm_cmpeq_epi8(value, _mm_set1_epi8(byte))}; }
  /** 0xFF in lanes below 0x20. */
  Bytes16 control() const { return {_mm_cmpeq_epi8(_mm_min_epu8(value, _mm_set1_epi8(0x1F)), value)}; }
  /** Lanes whose top bit is set. */
  Lanes16 high() const { return {static_cast<unsigned>(_mm_movemask_epi8(value))}; }
  /** Eight UTF-16 units at `from` and eight more, as bytes; units above 0x7F come out with the top bit set.
   */
  static Bytes16 narrow(const char16_t* from) {
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 8));
    // packus saturates signed 16-bit: 0x8000 and above would become 0, so those lanes are forced to 0xFF.
    const __m128i packed = _mm_packus_epi16(low, high);
    const __m128i negative = _mm_packs_epi16(_mm_srai_epi16(low, 15), _mm_srai_epi16(high, 15));
    return {_mm_or_si128(packed, negative)};
  }
  void widen(char16_t* to) const {
    const __m128i zeros = _mm_setzero_si128();
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_unpacklo_epi8(value, zeros));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 8), _mm_unpackhi_epi8(value, zeros));
  }
};

#else

struct Lanes16 {
  uint64_t nibbles;
  bool any() const { return nibbles != 0; }
  bool any_before(unsigned lane) const { return (nibbles & ((uint64_t{1} << (4 * lane)) - 1)) != 0; }
  unsigned first() const { return lowest_bit(nibbles) >> 2; }
};

struct Bytes16 {
  uint8x16_t value;

  static Bytes16 load(const void* from) { return {vld1q_u8(static_cast<const uint8_t*>(from))}; }
  void store(void* to) const { vst1q_u8(static_cast<uint8_t*>(to), value); }
  static Bytes16 zero() { return {vdupq_n_u8(0)}; }
  Bytes16 operator|(Bytes16 other) const { return {vorrq_u8(value, other.value)}; }
  Bytes16 equal(char byte) const { return {vceqq_u8(value, vdupq_n_u8(static_cast<uint8_t>(byte)))}; }
  Bytes16 control() const { return {vcltq_u8(value, vdupq_n_u8(0x20))}; }
  Lanes16 high() const {
    // NEON has no movemask: spread the top bits, then halve each byte to a nibble of a 64-bit word.
    const uint8x16_t mask = vcgeq_u8(value, vdupq_n_u8(0x80));
    return {vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(mask), 4)), 0)};
  }
  static Bytes16 narrow(const char16_t* from) {
    const uint16_t* units = reinterpret_cast<const uint16_t*>(from);
    return {vcombine_u8(vqmovn_u16(vld1q_u16(units)), vqmovn_u16(vld1q_u16(units + 8)))};
  }
  void widen(char16_t* to) const {
    uint16_t* units = reinterpret_cast<uint16_t*>(to);
    vst1q_u16(units, vmovl_u8(vget_low_u8(value)));
    vst1q_u16(units + 8, vmovl_u8(vget_high_u8(value)));
  }
};

#endif
#endif

}  // namespace ringwire
