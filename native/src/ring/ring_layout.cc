#include "ring/ring_layout.h"

#include <cstring>

namespace ringwire {

static bool is_kind(int32_t kind) { return kind == RingKind::kSpsc || kind == RingKind::kMpsc; }

static bool is_aligned(const void* memory) { return reinterpret_cast<uintptr_t>(memory) % kRingUnit == 0; }

static RingView view_of(void* memory, uint32_t capacity_bytes, int32_t kind, int32_t generation) {
  RingView view;
  view.words = static_cast<RingWord*>(memory);
  view.data = static_cast<uint8_t*>(memory) + RingFormat::kHeaderBytes;
  view.capacity_units = capacity_bytes / kRingUnit;
  view.kind = kind;
  view.generation = generation;
  return view;
}

size_t ring_memory_bytes(uint32_t capacity_bytes) {
  bool power_of_two = capacity_bytes != 0 && (capacity_bytes & (capacity_bytes - 1)) == 0;
  if (!power_of_two || capacity_bytes < static_cast<uint32_t>(RingFormat::kMinCapacityBytes) ||
      capacity_bytes > static_cast<uint32_t>(RingFormat::kMaxCapacityBytes))
    return 0;
  return static_cast<size_t>(RingFormat::kHeaderBytes) + capacity_bytes;
}

RingResult ring_format(void* memory, size_t bytes, uint32_t capacity_bytes, int32_t kind, int32_t generation,
                       RingView* view) {
  size_t needed = ring_memory_bytes(capacity_bytes);
  if (needed == 0 || bytes < needed || !is_kind(kind) || !is_aligned(memory)) return RingStatus::kNotARing;
  std::memset(memory, 0, needed);
  *view = view_of(memory, capacity_bytes, kind, generation);
  view->word(RingField::kVersion).store(RingFormat::kVersion, std::memory_order_relaxed);
  view->word(RingField::kKind).store(kind, std::memory_order_relaxed);
  view->word(RingField::kCapacityBytes)
      .store(static_cast<int32_t>(capacity_bytes), std::memory_order_relaxed);
  view->word(RingField::kGeneration).store(generation, std::memory_order_relaxed);
  // Last: whoever sees the magic sees the rest of the header.
  view->word(RingField::kMagic).store(RingFormat::kMagic, std::memory_order_release);
  return RingStatus::kOk;
}

RingResult ring_open(void* memory, size_t bytes, RingView* view) {
  if (bytes < static_cast<size_t>(RingFormat::kHeaderBytes) || !is_aligned(memory))
    return RingStatus::kNotARing;
  RingView header = view_of(memory, 0, 0, 0);
  if (header.word(RingField::kMagic).load(std::memory_order_acquire) != RingFormat::kMagic ||
      header.word(RingField::kVersion).load(std::memory_order_relaxed) != RingFormat::kVersion)
    return RingStatus::kNotARing;
  int32_t kind = header.word(RingField::kKind).load(std::memory_order_relaxed);
  int32_t capacity = header.word(RingField::kCapacityBytes).load(std::memory_order_relaxed);
  size_t needed = ring_memory_bytes(static_cast<uint32_t>(capacity));
  if (!is_kind(kind) || needed == 0 || needed > bytes) return RingStatus::kNotARing;
  int32_t generation = header.word(RingField::kGeneration).load(std::memory_order_relaxed);
  RingView opened = view_of(memory, static_cast<uint32_t>(capacity), kind, generation);
  uint32_t readable = 0;
  if (ring_readable_bytes(opened, &readable) != RingStatus::kOk) return RingStatus::kCorrupt;
  *view = opened;
  return RingStatus::kOk;
}

RingResult ring_readable_bytes(const RingView& view, uint32_t* bytes) {
  // Tail first: either side then sees a difference within the capacity, because its own position stands
  // still. For a third party the reader may overtake the tail in between, and what was there is read.
  uint32_t tail = static_cast<uint32_t>(view.word(RingField::kTail).load(std::memory_order_acquire));
  uint32_t head = static_cast<uint32_t>(view.word(RingField::kHead).load(std::memory_order_acquire));
  if (tail - head <= view.capacity_units) {
    *bytes = (tail - head) * kRingUnit;
    return RingStatus::kOk;
  }
  *bytes = 0;
  return head - tail <= view.capacity_units ? RingStatus::kOk : RingStatus::kCorrupt;
}

}  // namespace ringwire
