#pragma once
// Text between JavaScript's two string encodings (one byte latin1, two bytes UTF-16) and UTF-8, plain or as
// the inside of a JSON string. No function checks the room in `out`: the constants below say how much to
// provide.
#include <cstddef>
#include <cstdint>

namespace ringwire {

/** The most bytes that escape_* writes per unit: \u0001, or \ud800 for a lone surrogate. */
constexpr size_t kEscapeBytesPerUnit = 6;
/** The most bytes that encode_utf16 writes per unit. */
constexpr size_t kUtf8BytesPerUtf16Unit = 3;
/** The most bytes that encode_latin1 writes per byte. */
constexpr size_t kUtf8BytesPerLatin1 = 2;
/** Bytes (units) past the worst case that the blocks of sixteen may overwrite; provide them on top. */
constexpr size_t kEncoderSlack = 16;

/**
 * Writes what JSON.stringify(text) puts between the quotes, as UTF-8 (well-formed: a lone surrogate becomes
 * \udXXX). `out` takes length * kEscapeBytesPerUnit + kEncoderSlack bytes. Returns the bytes written.
 */
size_t escape_utf16(const char16_t* text, size_t length, uint8_t* out);
size_t escape_latin1(const uint8_t* text, size_t length, uint8_t* out);

/**
 * Writes the text as UTF-8; a lone surrogate becomes U+FFFD, as in Buffer.from. `out` takes length *
 * kUtf8BytesPerUtf16Unit (kUtf8BytesPerLatin1) + kEncoderSlack bytes. Returns the bytes written.
 */
size_t encode_utf16(const char16_t* text, size_t length, uint8_t* out);
size_t encode_latin1(const uint8_t* text, size_t length, uint8_t* out);

/**
 * Decodes UTF-8 that is known to be valid (a scanned frame is). `out` takes length + kEncoderSlack units.
 * Returns the units written.
 */
size_t decode_utf8_to_utf16(const uint8_t* text, size_t length, char16_t* out);

}  // namespace ringwire
