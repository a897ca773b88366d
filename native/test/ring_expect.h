#pragma once
// What the ring tests share: a ring in heap memory, numbers that repeat, checksums.
#include <cstring>
#include <vector>

#include "expect.h"
#include "ring/ring_layout.h"

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
