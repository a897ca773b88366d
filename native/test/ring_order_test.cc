// One thread against a model: every frame comes out once, whole, in order, wherever the ring's end falls.
#include <deque>
#include <string>

#include "ring/ring_reader.h"
#include "ring/ring_wait.h"
#include "ring/ring_writer.h"
#include "ring_expect.h"

using namespace ringwire;

namespace {

std::string take(RingReader& reader, RingResult expected = RingStatus::kOk) {
  std::string frame;
  uint32_t count = 0;
  RingResult status = reader.read_batch(1, &count, [&](const uint8_t* data, uint32_t length) {
    frame.assign(reinterpret_cast<const char*>(data), length);
  });
  EXPECT(status == expected && count == (expected == RingStatus::kOk ? 1u : 0u));
  return frame;
}

template <class Writer>
void wraps_at_every_offset(int32_t kind) {
  for (uint32_t length = 0; length <= 120; ++length) {
    HeapRing ring(256, kind);
    Writer writer(ring.view);
    RingReader reader(ring.view);
    std::string frame(length, static_cast<char>('a' + length % 26));
    // A ring of 32 units: 33 frames of n units start at each offset that frames of this length reach.
    for (int turn = 0; turn < 70; ++turn) {
      EXPECT(writer.offer(frame.data(), length) == RingStatus::kOk);
      EXPECT(take(reader) == frame);
    }
    take(reader, RingStatus::kEmpty);
  }
}

template <class Writer>
void follows_the_model(int32_t kind, uint32_t seed) {
  Random random(seed);
  HeapRing ring(64u << random.below(6), kind);
  Writer writer(ring.view);
  RingReader reader(ring.view);
  std::deque<std::string> model;
  uint32_t largest = ring.view.max_frame_bytes();
  for (int step = 0; step < 20000; ++step) {
    uint32_t choice = random.below(10);
    uint32_t length = random.below(8) == 0 ? random.below(largest + 1) : random.below(largest / 4 + 1);
    if (choice < 4) {
      std::string frame(length, static_cast<char>(random.next()));
      RingResult status = writer.offer(frame.data(), length);
      // An aborted claim of an MPSC ring takes room until the reader passes over it.
      bool may_be_full = !model.empty() || kind == RingKind::kMpsc;
      EXPECT(status == RingStatus::kOk || (status == RingStatus::kFull && may_be_full));
      if (status == RingStatus::kOk) model.push_back(frame);
    } else if (choice < 5) {
      RingClaim claim = writer.claim(length);
      if (claim.status == RingStatus::kOk) {
        std::memset(claim.data, 0xee, length);
        writer.abort(claim);
      }
    } else if (choice < 6) {
      uint32_t next = 0;
      RingResult status = reader.peek_length(&next);
      EXPECT((status == RingStatus::kOk) == !model.empty());
      if (status == RingStatus::kOk) EXPECT(next == model.front().size());
    } else {
      uint32_t count = 0, most = 1 + random.below(4);
      reader.read_batch(most, &count, [&](const uint8_t* data, uint32_t size) {
        EXPECT(!model.empty() && model.front() == std::string(reinterpret_cast<const char*>(data), size));
        model.pop_front();
      });
      EXPECT(count == most || model.empty());
    }
  }
}

/** The reader gives room back although skips and aborted claims are all it found. */
void skips_free_room() {
  HeapRing ring(64, RingKind::kMpsc);
  MpscRingWriter writer(ring.view);
  RingReader reader(ring.view);
  for (int turn = 0; turn < 1000; ++turn) {
    RingClaim claim = writer.claim(24);
    EXPECT(claim.status == RingStatus::kOk);
    writer.abort(claim);
    take(reader, RingStatus::kEmpty);
  }
}

void largest_frame_always_fits_an_empty_ring() {
  for (uint32_t start = 0; start < 64; ++start) {
    HeapRing ring(512, RingKind::kSpsc);
    SpscRingWriter writer(ring.view);
    RingReader reader(ring.view);
    for (uint32_t unit = 0; unit < start; ++unit) {
      EXPECT(writer.offer("", 0) == RingStatus::kOk);
      take(reader);
    }
    std::string frame(ring.view.max_frame_bytes(), 'x');
    EXPECT(writer.offer(frame.data(), static_cast<uint32_t>(frame.size())) == RingStatus::kOk);
    EXPECT(take(reader) == frame);
    EXPECT(writer.claim(ring.view.max_frame_bytes() + 1).status == RingStatus::kTooLarge);
    EXPECT(writer.claim(0xffffffffu).status == RingStatus::kTooLarge);
  }
}

void positions_survive_their_wrap() {
  for (int32_t kind : {RingKind::kSpsc, RingKind::kMpsc}) {
    HeapRing ring(128, kind);
    for (int32_t field : {RingField::kTail, RingField::kHead}) ring.view.word(field).store(-8);
    SpscRingWriter single(ring.view);
    MpscRingWriter multi(ring.view);
    RingReader reader(ring.view);
    for (int turn = 0; turn < 64; ++turn) {
      std::string frame = "frame " + std::to_string(turn);
      uint32_t length = static_cast<uint32_t>(frame.size());
      EXPECT((kind == RingKind::kSpsc ? single.offer(frame.data(), length)
                                      : multi.offer(frame.data(), length)) == RingStatus::kOk);
      EXPECT(take(reader) == frame);
    }
  }
}

void an_open_claim_holds_up_later_frames() {
  HeapRing ring(256, RingKind::kMpsc);
  MpscRingWriter first(ring.view), second(ring.view);
  RingReader reader(ring.view);
  RingClaim claim = first.claim(3);
  EXPECT(second.offer("later", 5) == RingStatus::kOk);
  take(reader, RingStatus::kEmpty);
  std::memcpy(claim.data, "now", 3);
  first.commit(claim);
  EXPECT(take(reader) == "now");
  EXPECT(take(reader) == "later");
}

void close_lets_the_reader_finish() {
  HeapRing ring(256, RingKind::kSpsc);
  SpscRingWriter writer(ring.view);
  RingReader reader(ring.view);
  EXPECT(writer.offer("last", 4) == RingStatus::kOk);
  ring_close(ring.view);
  ring_close(ring.view, RingClosed::kPeerGone);
  EXPECT(ring.view.word(RingField::kClosed).load() == RingClosed::kClosed);
  EXPECT(writer.offer("more", 4) == RingStatus::kClosed);
  EXPECT(take(reader) == "last");
  take(reader, RingStatus::kClosed);
}

void readable_bytes_count_records() {
  HeapRing ring(256, RingKind::kSpsc);
  SpscRingWriter writer(ring.view);
  uint32_t bytes = 1;
  EXPECT(ring_readable_bytes(ring.view, &bytes) == RingStatus::kOk && bytes == 0);
  EXPECT(writer.offer("123456789", 9) == RingStatus::kOk);
  EXPECT(ring_readable_bytes(ring.view, &bytes) == RingStatus::kOk && bytes == 24);
}

}  // namespace

int main() {
  wraps_at_every_offset<SpscRingWriter>(RingKind::kSpsc);
  wraps_at_every_offset<MpscRingWriter>(RingKind::kMpsc);
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    follows_the_model<SpscRingWriter>(RingKind::kSpsc, seed);
    follows_the_model<MpscRingWriter>(RingKind::kMpsc, seed);
  }
  skips_free_room();
  largest_frame_always_fits_an_empty_ring();
  positions_survive_their_wrap();
  an_open_claim_holds_up_later_frames();
  close_lets_the_reader_finish();
  readable_bytes_count_records();
  return 0;
}
