#include "json/json_text.h"

#include <cstring>

namespace ringwire {

namespace {

bool is_digit(uint8_t byte) { return static_cast<uint8_t>(byte - '0') < 10; }

int hex_digit(uint8_t byte) {
  if (is_digit(byte)) return byte - '0';
  const uint8_t letter = static_cast<uint8_t>((byte | 0x20) - 'a');
  return letter < 6 ? letter + 10 : -1;
}

/** Past the digits at `at`, or nullptr where there is none. */
const uint8_t* digits_end(const uint8_t* at, const uint8_t* end) {
  const uint8_t* start = at;
  while (at < end && is_digit(*at)) ++at;
  return at == start ? nullptr : at;
}

}  // namespace

const uint8_t* number_end(const uint8_t* at, const uint8_t* end) {
  if (at < end && *at == '-') ++at;
  if (at >= end) return nullptr;
  if (*at == '0') {
    ++at;
  } else {
    at = digits_end(at, end);
    if (at == nullptr) return nullptr;
  }
  if (at < end && *at == '.') {
    at = digits_end(at + 1, end);
    if (at == nullptr) return nullptr;
  }
  if (at < end && (*at | 0x20) == 'e') {
    ++at;
    if (at < end && (*at == '+' || *at == '-')) ++at;
    at = digits_end(at, end);
  }
  return at;
}

const uint8_t* literal_end(const uint8_t* at, const uint8_t* end) {
  const size_t length = static_cast<size_t>(end - at);
  if (length >= 4 && (memcmp(at, "true", 4) == 0 || memcmp(at, "null", 4) == 0)) return at + 4;
  if (length >= 5 && memcmp(at, "false", 5) == 0) return at + 5;
  return nullptr;
}

size_t escape_length(const uint8_t* at) {
  switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return 2;
    case 'u':
      for (int i = 2; i < 6; ++i) {
        if (hex_digit(at[i]) < 0) return 0;
      }
      return 6;
    default:
      return 0;
  }
}

int unescape_ascii(const uint8_t* text, size_t length, uint8_t* out, int capacity) {
  int written = 0;
  for (size_t at = 0; at < length; ++written) {
    if (written == capacity || text[at] >= 0x80) return -1;
    if (text[at] != '\\') {
      out[written] = text[at++];
      continue;
    }
    const uint8_t kind = text[at + 1];
    if (kind != 'u') {
      static const char kNames[] = "bfnrt";
      static const char kValues[] = "\b\f\n\r\t";
      const char* name = static_cast<const char*>(memchr(kNames, kind, 5));
      out[written] = name == nullptr ? kind : static_cast<uint8_t>(kValues[name - kNames]);
      at += 2;
      continue;
    }
    int unit = 0;
    for (size_t i = at + 2; i < at + 6; ++i) unit = unit << 4 | hex_digit(text[i]);
    if (unit >= 0x80) return -1;
    out[written] = static_cast<uint8_t>(unit);
    at += 6;
  }
  return written;
}

size_t lexical_error(const uint8_t* text, size_t length) {
  bool in_string = false;
  size_t opened = 0;
  for (size_t at = 0; at < length; ++at) {
    if (in_string && text[at] < 0x20) return at;
    if (text[at] == '\\') {
      ++at;
      if (at < length && in_string && text[at] < 0x20) return at;
    } else if (text[at] == '"') {
      in_string = !in_string;
      opened = at;
    }
  }
  return in_string ? opened : kNoLexicalError;
}

}  // namespace ringwire
