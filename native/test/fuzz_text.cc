// Any units through the text encoders, against encoders that do one unit at a time in the plainest way.
#include <simdjson.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "json/text_encoder.h"

using namespace ringwire;

namespace {

void require(bool condition) {
  if (!condition) __builtin_trap();
}

void append_utf8(std::string& out, uint32_t code) {
  const auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 63));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 63));
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  }
}

void append_escape(std::string& out, uint32_t unit) {
  char text[8];
  std::snprintf(text, sizeof text, "\\u%04x", unit);
  out += text;
}

template <typename Unit>
std::string plainest(const std::vector<Unit>& units, bool escape) {
  static const std::string kShort = "\"\"\\\\\bb\ff\nn\rr\tt";
  std::string out;
  for (size_t at = 0; at < units.size(); ++at) {
    const uint32_t unit = units[at];
    const bool paired = unit >= 0xD800 && unit < 0xDC00 && at + 1 < units.size() && units[at + 1] >= 0xDC00 &&
                        units[at + 1] < 0xE000;
    size_t known = escape && unit < 0x80 ? 0 : kShort.size();
    while (known < kShort.size() && static_cast<uint32_t>(kShort[known]) != unit) known += 2;
    if (known < kShort.size()) {
      out += {'\\', kShort[known + 1]};
    } else if (escape && unit < 0x20) {
      append_escape(out, unit);
    } else if (paired) {
      append_utf8(out, 0x10000 + ((unit - 0xD800) << 10) + (units[++at] - 0xDC00u));
    } else if (unit >= 0xD800 && unit < 0xE000) {
      if (escape) append_escape(out, unit);
      if (!escape) append_utf8(out, 0xFFFD);
    } else {
      append_utf8(out, unit);
    }
  }
  return out;
}

/** In a buffer of exactly the size that the header asks for. */
template <typename Unit>
std::string convert(size_t (*converter)(const Unit*, size_t, uint8_t*), const std::vector<Unit>& units,
                    size_t most) {
  std::unique_ptr<Unit[]> text(new Unit[units.size()]);
  if (!units.empty()) std::memcpy(text.get(), units.data(), units.size() * sizeof(Unit));
  std::unique_ptr<uint8_t[]> out(new uint8_t[units.size() * most + kEncoderSlack]);
  const size_t written = converter(text.get(), units.size(), out.get());
  require(written <= units.size() * most);
  return std::string(reinterpret_cast<const char*>(out.get()), written);
}

/** What is valid UTF-8 comes back from UTF-16 byte for byte. */
void goes_there_and_back(const uint8_t* data, size_t size) {
  if (!simdjson::validate_utf8(reinterpret_cast<const char*>(data), size)) return;
  std::unique_ptr<uint8_t[]> text(new uint8_t[size]);
  if (size != 0) std::memcpy(text.get(), data, size);
  std::unique_ptr<char16_t[]> wide(new char16_t[size + kEncoderSlack]);
  const size_t units = decode_utf8_to_utf16(text.get(), size, wide.get());
  require(units <= size);
  const std::vector<char16_t> copy(wide.get(), wide.get() + units);
  const std::string back = convert<char16_t>(encode_utf16, copy, kUtf8BytesPerUtf16Unit);
  require(back == std::string(reinterpret_cast<const char*>(data), size));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<uint8_t> bytes(data, data + size);
  std::vector<char16_t> units(size / 2);
  if (!units.empty()) std::memcpy(units.data(), data, units.size() * 2);
  require(convert<char16_t>(escape_utf16, units, kEscapeBytesPerUnit) == plainest(units, true));
  require(convert<char16_t>(encode_utf16, units, kUtf8BytesPerUtf16Unit) == plainest(units, false));
  require(convert<uint8_t>(escape_latin1, bytes, kEscapeBytesPerUnit) == plainest(bytes, true));
  require(convert<uint8_t>(encode_latin1, bytes, kUtf8BytesPerLatin1) == plainest(bytes, false));
  goes_there_and_back(data, size);
  return 0;
}
