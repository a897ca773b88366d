#pragma once
// The writing side. A claim hands out contiguous bytes of the ring to fill in place; commit shows them to the
// reader, abort gives them back. Full is an answer, not an error. A commit does not wake a sleeping reader:
// call ring_wake_reader (ring_wait.h) after one commit or after a batch of them.
#include <cstring>

#include "ring/ring_layout.h"

namespace ringwire {

/** Bytes claimed for one frame. `data` is null unless `status` is Ok; valid until commit or abort. */
struct RingClaim {
  RingResult status = RingStatus::kFull;
  uint8_t* data = nullptr;
  uint32_t length = 0;
  /** Where the record starts, and where the next one will; for commit and abort. */
  uint32_t position = 0;
  uint32_t end = 0;
};

/** One writing thread. At most one claim is open: a second claim before commit gives the same bytes again. */
class SpscRingWriter {
 public:
  explicit SpscRingWriter(const RingView& view) : view_(view) {
    tail_ = static_cast<uint32_t>(view_.word(RingField::kTail).load(std::memory_order_acquire));
    head_seen_ = static_cast<uint32_t>(view_.word(RingField::kHead).load(std::memory_order_acquire));
  }

  RingClaim claim(uint32_t length) {
    RingClaim claim;
    if (length > view_.max_frame_bytes()) return refused(RingStatus::kTooLarge);
    if (view_.closed()) return refused(RingStatus::kClosed);
    uint32_t units = ring_record_units(length);
    uint32_t to_end = view_.units_to_end(tail_);
    uint32_t skip = units > to_end ? to_end : 0;
    if (!has_room(units + skip)) {
      // Only now touch the reader's line: the remembered head spares a cache miss per frame.
      head_seen_ = static_cast<uint32_t>(view_.word(RingField::kHead).load(std::memory_order_acquire));
      if (tail_ - head_seen_ > view_.capacity_units) return refused(RingStatus::kCorrupt);
      if (!has_room(units + skip)) return claim;
    }
    if (skip > 0)
      view_.mark_at(tail_).store(ring_mark((skip - 1) * kRingUnit, RingMark::kSkip),
                                 std::memory_order_relaxed);
    claim.status = RingStatus::kOk;
    claim.position = tail_ + skip;
    claim.end = claim.position + units;
    claim.length = length;
    claim.data = view_.payload_at(claim.position);
    return claim;
  }

  void commit(const RingClaim& claim) {
    view_.mark_at(claim.position).store(ring_mark(claim.length, RingMark::kFrame), std::memory_order_relaxed);
    tail_ = claim.end;
    view_.word(RingField::kTail).store(static_cast<int32_t>(tail_), std::memory_order_release);
  }

  /** Nothing was published, so nothing is undone: the next claim starts at the same place. */
  void abort(const RingClaim&) {}

  /** Claims, copies and commits. */
  RingResult offer(const void* bytes, uint32_t length) {
    RingClaim claimed = claim(length);
    if (claimed.status != RingStatus::kOk) return claimed.status;
    if (length > 0) std::memcpy(claimed.data, bytes, length);
    commit(claimed);
    return RingStatus::kOk;
  }

  const RingView& view() const { return view_; }

 private:
  bool has_room(uint32_t units) const { return units <= view_.capacity_units - (tail_ - head_seen_); }
  static RingClaim refused(RingResult status) {
    RingClaim claim;
    claim.status = status;
    return claim;
  }

  RingView view_;
  uint32_t tail_;
  uint32_t head_seen_;
};

/**
 * One of several writing threads; each has its own MpscRingWriter. Order is the order of claims: a claim that
 * is neither committed nor aborted holds up every frame after it.
 *
 * A claim compares tail with a value read before. Were a thread suspended right there while the ring turned
 * by a multiple of 2^32 units (32 GiB) to the very same tail, its view of the head would be stale; an
 * accident of one in 2^32 per suspension of several seconds.
 */
class MpscRingWriter {
 public:
  explicit MpscRingWriter(const RingView& view) : view_(view) {
    head_seen_ = static_cast<uint32_t>(view_.word(RingField::kHead).load(std::memory_order_acquire));
  }

  RingClaim claim(uint32_t length) {
    RingClaim claim;
    claim.status = length > view_.max_frame_bytes() ? RingStatus::kTooLarge
                   : view_.closed()                 ? RingStatus::kClosed
                                                    : RingStatus::kOk;
    if (claim.status != RingStatus::kOk) return claim;
    uint32_t units = ring_record_units(length);
    RingWord& tail_word = view_.word(RingField::kTail);
    int32_t seen = tail_word.load(std::memory_order_acquire);
    for (;;) {
      uint32_t tail = static_cast<uint32_t>(seen);
      uint32_t to_end = view_.units_to_end(tail);
      uint32_t skip = units > to_end ? to_end : 0;
      if (!has_room(tail, units + skip)) {
        head_seen_ = static_cast<uint32_t>(view_.word(RingField::kHead).load(std::memory_order_acquire));
        if (!has_room(tail, units + skip)) {
          int32_t now = tail_word.load(std::memory_order_acquire);
          if (now == seen) {
            claim.status =
                tail - head_seen_ > view_.capacity_units ? RingStatus::kCorrupt : RingStatus::kFull;
            return claim;
          }
          seen = now;
          continue;
        }
      }
      claim.position = tail + skip;
      claim.end = claim.position + units;
      if (!tail_word.compare_exchange_weak(seen, static_cast<int32_t>(claim.end), std::memory_order_acq_rel,
                                           std::memory_order_acquire))
        continue;
      if (skip > 0)
        view_.mark_at(tail).store(ring_mark((skip - 1) * kRingUnit, RingMark::kSkip),
                                  std::memory_order_release);
      claim.length = length;
      claim.data = view_.payload_at(claim.position);
      return claim;
    }
  }

  void commit(const RingClaim& claim) {
    view_.mark_at(claim.position).store(ring_mark(claim.length, RingMark::kFrame), std::memory_order_release);
  }

  /** The bytes stay claimed, so the reader is told to pass over them. */
  void abort(const RingClaim& claim) {
    view_.mark_at(claim.position).store(ring_mark(claim.length, RingMark::kSkip), std::memory_order_release);
  }

  RingResult offer(const void* bytes, uint32_t length) {
    RingClaim claimed = claim(length);
    if (claimed.status != RingStatus::kOk) return claimed.status;
    if (length > 0) std::memcpy(claimed.data, bytes, length);
    commit(claimed);
    return RingStatus::kOk;
  }

  const RingView& view() const { return view_; }

 private:
  /** False, too, where the remembered head lies so far back that the difference exceeds the capacity. */
  bool has_room(uint32_t tail, uint32_t units) const {
    uint32_t used = tail - head_seen_;
    return used <= view_.capacity_units && units <= view_.capacity_units - used;
  }

  RingView view_;
  uint32_t head_seen_;
};

}  // namespace ringwire
