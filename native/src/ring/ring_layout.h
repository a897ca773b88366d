#pragma once
// The memory of a ring, shared by every side: C++ threads, JavaScript over Atomics, another process.
//
//   byte 0        128           256           384               448               512
//   ┌─────────────┬─────────────┬─────────────┬─────────────────┬─────────────────┬──────────────────────┐
//   │ magic, kind,│ tail        │ head        │ readable:       │ writable:       │ records              │
//   │ capacity,   │ (writers)   │ (reader)    │ sleepers, signal│ sleepers, signal│ capacityBytes        │
//   │ closed, pids│             │             │                 │                 │ (a power of two)     │
//   └─────────────┴─────────────┴─────────────┴─────────────────┴─────────────────┴──────────────────────┘
//
//   A record: ┌──────────────────────┬──────────┬───────────────────────────────┬─────────────┐
//             │ length * 4 + mark    │ reserved │ payload, `length` bytes       │ pad to 8    │
//             │ int32                │ int32    │ contiguous, 8-byte aligned    │             │
//             └──────────────────────┴──────────┴───────────────────────────────┴─────────────┘
//
// Tail and head are 128 bytes apart because CPUs prefetch lines in pairs: closer, each side's store would
// take the other's line. They count units of 8 bytes and wrap at 2^32, so a difference is always taken in
// uint32_t. A frame never wraps around the end: what does not fit there becomes a skip record and the frame
// starts at 0. That is why the largest frame is half the capacity: it fits either before the end or after the
// start.
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/constants.generated.h"

namespace ringwire {

using RingWord = std::atomic<int32_t>;
static_assert(sizeof(RingWord) == sizeof(int32_t) && RingWord::is_always_lock_free,
              "shared memory needs plain, lock-free int32 words");

constexpr uint32_t kRingUnit = RingFormat::kUnitBytes;

/** Operations give a RingStatus::k… constant. */
using RingResult = int32_t;

/** A process as one side of a ring; pid 0 means that the sides are threads of one process. */
struct RingPeer {
  int32_t pid = 0;
  /** Start time in clock ticks after boot, low 31 bits: tells a process from a later one with the same pid.
   */
  int32_t start_ticks = 0;
  /** Inode of the PID namespace: a pid of another namespace says nothing here. */
  int32_t pid_namespace = 0;
};

/** Where the words and records of one checked ring lie, with the sizes that no longer come from shared
 * memory. */
struct RingView {
  RingWord* words = nullptr;
  uint8_t* data = nullptr;
  uint32_t capacity_units = 0;
  int32_t kind = 0;
  int32_t generation = 0;

  RingWord& word(int32_t field) const { return words[field]; }
  /** The first int32 of the record at this position. */
  RingWord& mark_at(uint32_t position) const {
    return *reinterpret_cast<RingWord*>(data + static_cast<size_t>(index_of(position)) * kRingUnit);
  }
  uint8_t* payload_at(uint32_t position) const {
    return data + static_cast<size_t>(index_of(position)) * kRingUnit + RingFormat::kRecordHeaderBytes;
  }
  uint32_t index_of(uint32_t position) const { return position & (capacity_units - 1); }
  uint32_t units_to_end(uint32_t position) const { return capacity_units - index_of(position); }
  uint32_t capacity_bytes() const { return capacity_units * kRingUnit; }
  uint32_t max_frame_bytes() const { return capacity_bytes() / 2 - RingFormat::kRecordHeaderBytes; }
  bool closed() const {
    return word(RingField::kClosed).load(std::memory_order_acquire) != RingClosed::kOpen;
  }
};

constexpr uint32_t ring_record_units(uint32_t length) { return 1 + (length + kRingUnit - 1) / kRingUnit; }
constexpr int32_t ring_mark(uint32_t length, int32_t mark) {
  return static_cast<int32_t>(length * 4 + static_cast<uint32_t>(mark));
}
constexpr int32_t ring_mark_kind(int32_t word) { return word & 3; }
constexpr uint32_t ring_mark_length(int32_t word) { return static_cast<uint32_t>(word) >> 2; }

/** Bytes of memory a ring needs, or 0 where `capacity_bytes` is no power of two within RingFormat's bounds.
 */
size_t ring_memory_bytes(uint32_t capacity_bytes);

/** Makes an empty ring in zeroed or reused memory that nobody else reads yet. NotARing: wrong size, kind,
 * alignment. */
RingResult ring_format(void* memory, size_t bytes, uint32_t capacity_bytes, int32_t kind, int32_t generation,
                       RingView* view);

/** Checks the header of memory that someone else made; every size is read once and compared with `bytes`. */
RingResult ring_open(void* memory, size_t bytes, RingView* view);

/** Bytes between head and tail, record headers and skips included. Corrupt where the two cannot belong
 * together. */
RingResult ring_readable_bytes(const RingView& view, uint32_t* bytes);

}  // namespace ringwire
