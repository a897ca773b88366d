#pragma once
// The one reader of a ring, SPSC or MPSC. Frames are visited in place and released together: one store to the
// shared head per batch. What a visitor gets is borrowed until read_batch returns.
//
// Nothing read from the ring is trusted: a record's first word is loaded once, checked against the record's
// room and the committed bytes, and the checked copy is used. Payload bytes may still change under the
// visitor when the other side is hostile; whoever parses them in place must survive that, or copy first.
#include <cstring>

#include "ring/ring_layout.h"

namespace ringwire {

class RingReader {
 public:
  explicit RingReader(const RingView& view) : view_(view) {
    head_ = static_cast<uint32_t>(view_.word(RingField::kHead).load(std::memory_order_acquire));
    tail_seen_ = head_;
  }

  /**
   * Visits at most `max_frames` frames as visit(const uint8_t* data, uint32_t length) and releases them.
   * Ok: `*count` > 0 frames were visited. Empty: none is ready. Closed: none is left and none will come.
   * Corrupt: the ring is unusable; frames visited before the damage count.
   */
  template <class Visit>
  RingResult read_batch(uint32_t max_frames, uint32_t* count, Visit&& visit) {
    uint32_t visited = 0;
    uint32_t position = head_;
    RingResult status = RingStatus::kOk;
    while (visited < max_frames) {
      Record record;
      status = next(position, &record);
      if (status != RingStatus::kOk) break;
      if (!record.skip) {
        visit(static_cast<const uint8_t*>(view_.payload_at(position)), record.length);
        ++visited;
      }
      position += record.units;
    }
    release_to(position);
    *count = visited;
    return visited > 0 && status != RingStatus::kCorrupt ? RingStatus::kOk : status;
  }

  /** Length of the next frame without taking it; Empty, Closed or Corrupt as in read_batch. */
  RingResult peek_length(uint32_t* length) {
    uint32_t position = head_;
    for (;;) {
      Record record;
      RingResult status = next(position, &record);
      if (status == RingStatus::kOk && !record.skip) *length = record.length;
      if (status != RingStatus::kOk || !record.skip) return status;
      position += record.units;
    }
  }

  const RingView& view() const { return view_; }

 private:
  struct Record {
    uint32_t units = 0;
    uint32_t length = 0;
    bool skip = false;
  };

  RingResult next(uint32_t position, Record* record) {
    if (position == tail_seen_) {
      RingResult status = refresh_tail(position);
      if (status != RingStatus::kOk) return status;
    }
    int32_t word = view_.mark_at(position).load(std::memory_order_acquire);
    int32_t mark = ring_mark_kind(word);
    if (word == RingMark::kPending && view_.kind == RingKind::kMpsc)
      // Claimed, not committed. In a closed ring nobody waits for it: its writer may be gone.
      return view_.closed() ? RingStatus::kClosed : RingStatus::kEmpty;
    if (word < 0 || (mark != RingMark::kFrame && mark != RingMark::kSkip)) return RingStatus::kCorrupt;
    record->length = ring_mark_length(word);
    record->units = ring_record_units(record->length);
    record->skip = mark == RingMark::kSkip;
    if (record->units > view_.units_to_end(position) || record->units > tail_seen_ - position)
      return RingStatus::kCorrupt;
    return RingStatus::kOk;
  }

  /** Loads the writers' line, which next() does only once all it knew of is read. */
  RingResult refresh_tail(uint32_t position) {
    // Closed is loaded first: a frame committed before the close is then seen below.
    bool closed = view_.closed();
    uint32_t tail = static_cast<uint32_t>(view_.word(RingField::kTail).load(std::memory_order_acquire));
    if (tail - head_ > view_.capacity_units || tail - position > view_.capacity_units)
      return RingStatus::kCorrupt;
    tail_seen_ = tail;
    if (tail != position) return RingStatus::kOk;
    return closed ? RingStatus::kClosed : RingStatus::kEmpty;
  }

  void release_to(uint32_t position) {
    if (position == head_) return;
    // In an MPSC ring every unit may become the start of a record, and zero is what says "not committed".
    if (view_.kind == RingKind::kMpsc) clear(head_, position);
    head_ = position;
    view_.word(RingField::kHead).store(static_cast<int32_t>(head_), std::memory_order_release);
  }

  void clear(uint32_t from, uint32_t to) {
    while (from != to) {
      uint32_t units = to - from;
      uint32_t to_end = view_.units_to_end(from);
      if (units > to_end) units = to_end;
      std::memset(view_.data + static_cast<size_t>(view_.index_of(from)) * kRingUnit, 0,
                  static_cast<size_t>(units) * kRingUnit);
      from += units;
    }
  }

  RingView view_;
  uint32_t head_;
  uint32_t tail_seen_;
};

}  // namespace ringwire
