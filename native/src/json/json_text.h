#pragma once
// The grammar of single JSON tokens (RFC 8259), where the scanner needs it byte by byte.
#include <cstddef>
#include <cstdint>

namespace ringwire {

/** Space, tab, line feed, carriage return: all the white space JSON knows. */
inline bool is_json_space(uint8_t byte) {
  constexpr uint64_t kSpaces = uint64_t{1} << ' ' | 1u << '\n' | 1u << '\r' | 1u << '\t';
  return byte <= ' ' && (kSpaces >> byte & 1) != 0;
}

/** `{ } [ ] , :` */
inline bool is_json_operator(uint8_t byte) {
  return byte == ',' || byte == ':' || (byte | 0x20) == '{' || (byte | 0x20) == '}';
}

/** The end of the number that starts at `at`, or nullptr where none does. Reads below `end` only. */
const uint8_t* number_end(const uint8_t* at, const uint8_t* end);

/** The same for true, false and null. */
const uint8_t* literal_end(const uint8_t* at, const uint8_t* end);

/**
 * The length of the escape at `at` (a backslash), 2 or 6, or 0 where it is none. `at` must lie in a string
 * whose closing quote follows: that quote stops the read. Lone surrogates pass, as they do in JSON.parse.
 */
size_t escape_length(const uint8_t* at);

/**
 * Unescapes the inside of a valid JSON string as far as it is ASCII. Returns the bytes written, or -1 where
 * the text holds anything else or more than `capacity` bytes: then it equals no key that the scanner knows.
 */
int unescape_ascii(const uint8_t* text, size_t length, uint8_t* out, int capacity);

constexpr size_t kNoLexicalError = SIZE_MAX;

/**
 * Where the first control character inside a string stands, else the opening quote of a string without end,
 * else kNoLexicalError. A backslash takes the next byte with it wherever it stands, as in simdjson.
 */
size_t lexical_error(const uint8_t* text, size_t length);

}  // namespace ringwire
