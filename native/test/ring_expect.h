#pragma once
// What the ring tests share: a check that names its place, and a ring in heap memory.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "ring/ring_layout.h"

#define EXPECT(condition)                                                           \
  do {                                                                              \
    if (!(condition)) {                                                             \
      std::fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                                 \
    }                                                                               \
  } while (false)

namespace ringwire {

/** A formatted ring in memory of its own; `memory` may be spoilt to see what a side makes of it. */
struct HeapRing {
  HeapRing(uint32_t capacity_bytes, int32_t kind) : memory(ring_memory_bytes(capacity_bytes) / 8) {
    EXPECT(ring_format(memory.data(), bytes(), capacity_bytes, kind, 7, &view) == RingStatus::kOk);
  }
  size_t bytes() const { return memory.size() * 8; }

  std::vector<uint64_t> memory;
  RingView view;
};

/** xorshift: the same numbers in every run. */
struct Random {
  explicit Random(uint32_t seed) : state(seed * 2654435761u + 1) {}
  uint32_t next() {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
  }
  uint32_t below(uint32_t limit) { return next() % limit; }
  uint32_t state;
};

/** FNV-1a, to recognise a frame by its bytes. */
inline uint32_t checksum(const uint8_t* bytes, size_t length) {
  uint32_t hash = 2166136261u;
  for (size_t index = 0; index < length; ++index) hash = (hash ^ bytes[index]) * 16777619u;
  return hash;
}

}  // namespace ringwire
