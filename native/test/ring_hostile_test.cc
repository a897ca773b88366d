// A peer that writes anything into the shared memory gets a refusal, never an access outside of the ring.
#include "ring/ring_reader.h"
#include "ring/ring_writer.h"
#include "ring_expect.h"

using namespace ringwire;

namespace {

RingResult read_one(const RingView& view) {
  RingReader reader(view);
  uint32_t count = 0;
  return reader.read_batch(8, &count, [](const uint8_t*, uint32_t) {});
}

void sizes_that_no_ring_has() {
  for (uint32_t capacity : {0u, 1u, 32u, 63u, 96u, 1000u, 0x80000000u, 0xffffffffu})
    EXPECT(ring_memory_bytes(capacity) == 0);
  EXPECT(ring_memory_bytes(64) == 576 && ring_memory_bytes(1u << 30) == (1u << 30) + 512);
  std::vector<uint64_t> memory(72);
  RingView view;
  EXPECT(ring_format(memory.data(), 575, 64, RingKind::kSpsc, 1, &view) == RingStatus::kNotARing);
  EXPECT(ring_format(memory.data(), 576, 64, 3, 1, &view) == RingStatus::kNotARing);
  EXPECT(ring_format(reinterpret_cast<char*>(memory.data()) + 4, 572, 32, 1, 1, &view) ==
         RingStatus::kNotARing);
  EXPECT(ring_format(memory.data(), 576, 64, RingKind::kSpsc, 1, &view) == RingStatus::kOk);
}

void headers_that_lie() {
  struct Lie {
    int32_t field, value;
    RingResult verdict;
  };
  for (const Lie& lie : std::initializer_list<Lie>{
           {RingField::kMagic, 0, RingStatus::kNotARing},
           {RingField::kVersion, 2, RingStatus::kNotARing},
           {RingField::kKind, 0, RingStatus::kNotARing},
           {RingField::kCapacityBytes, 512, RingStatus::kNotARing},
           {RingField::kCapacityBytes, 0, RingStatus::kNotARing},
           {RingField::kCapacityBytes, -256, RingStatus::kNotARing},
           {RingField::kCapacityBytes, 255, RingStatus::kNotARing},
           {RingField::kTail, 33, RingStatus::kCorrupt},
           {RingField::kHead, 33, RingStatus::kCorrupt},
           {RingField::kTail, INT32_MIN, RingStatus::kCorrupt},
       }) {
    HeapRing ring(256, RingKind::kSpsc);
    ring.view.word(lie.field).store(lie.value);
    RingView view;
    EXPECT(ring_open(ring.memory.data(), ring.bytes(), &view) == lie.verdict);
  }
  HeapRing ring(256, RingKind::kSpsc);
  RingView view;
  EXPECT(ring_open(ring.memory.data(), 511, &view) == RingStatus::kNotARing);
  EXPECT(ring_open(ring.memory.data(), 767, &view) == RingStatus::kNotARing);
  EXPECT(ring_open(ring.memory.data(), 768, &view) == RingStatus::kOk && view.capacity_bytes() == 256);
}

void marks_that_lie() {
  for (int32_t kind : {RingKind::kSpsc, RingKind::kMpsc}) {
    for (int32_t mark : {3, 7, -1, INT32_MIN, INT32_MAX, ring_mark(17, RingMark::kFrame),
                         ring_mark(240, RingMark::kFrame), ring_mark(300, RingMark::kSkip)}) {
      HeapRing ring(256, kind);
      ring.view.word(RingField::kTail).store(3);
      ring.view.mark_at(0).store(mark);
      EXPECT(read_one(ring.view) == RingStatus::kCorrupt);
    }
  }
  HeapRing single(256, RingKind::kSpsc);
  single.view.word(RingField::kTail).store(3);
  EXPECT(read_one(single.view) == RingStatus::kCorrupt);
}

/** The record fits what is committed, but not before the end of the ring. */
void records_across_the_end() {
  HeapRing ring(256, RingKind::kSpsc);
  ring.view.word(RingField::kHead).store(30);
  ring.view.word(RingField::kTail).store(40);
  ring.view.mark_at(30).store(ring_mark(16, RingMark::kFrame));
  EXPECT(read_one(ring.view) == RingStatus::kCorrupt);
}

void positions_that_lie_while_open() {
  HeapRing ring(256, RingKind::kSpsc);
  SpscRingWriter writer(ring.view);
  RingReader reader(ring.view);
  uint32_t count = 0;
  ring.view.word(RingField::kTail).store(100);
  EXPECT(reader.read_batch(1, &count, [](const uint8_t*, uint32_t) {}) == RingStatus::kCorrupt && count == 0);
  uint32_t length = 0;
  EXPECT(reader.peek_length(&length) == RingStatus::kCorrupt);
  for (int turn = 0; turn < 2; ++turn) EXPECT(writer.offer(ring.memory.data(), 100) == RingStatus::kOk);
  ring.view.word(RingField::kHead).store(-50);
  EXPECT(writer.offer(ring.memory.data(), 100) == RingStatus::kCorrupt);

  HeapRing shared(256, RingKind::kMpsc);
  MpscRingWriter multi(shared.view);
  shared.view.word(RingField::kTail).store(100);
  EXPECT(multi.offer(ring.memory.data(), 1) == RingStatus::kCorrupt);
}

}  // namespace

int main() {
  sizes_that_no_ring_has();
  headers_that_lie();
  marks_that_lie();
  records_across_the_end();
  positions_that_lie_while_open();
  return 0;
}
