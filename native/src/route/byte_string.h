#pragma once
// Bytes as a map key, looked up by a view without building a string.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace ringwire {

struct ByteRange {
  const uint8_t* data = nullptr;
  size_t length = 0;

  bool equals(const std::string& other) const {
    return other.size() == length && (length == 0 || std::memcmp(other.data(), data, length) == 0);
  }
};

/** FNV-1a over at most the first and last 16 bytes: names are short, and a collision costs one comparison. */
inline uint32_t hash_bytes(uint32_t seed, const uint8_t* data, size_t length) {
  uint32_t hash = (2166136261u ^ seed) + static_cast<uint32_t>(length);
  const size_t head = length < 16 ? length : 16;
  for (size_t i = 0; i < head; ++i) hash = (hash ^ data[i]) * 16777619u;
  const size_t tail_start = length > 32 ? length - 16 : head;
  for (size_t i = tail_start; i < length; ++i) hash = (hash ^ data[i]) * 16777619u;
  return hash;
}

}  // namespace ringwire
