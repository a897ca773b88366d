// Threads against each other, for ThreadSanitizer too: order, completeness, sleeping, waking, closing.
#include <thread>

#include "ring/ring_reader.h"
#include "ring/ring_wait.h"
#include "ring/ring_writer.h"
#include "ring_expect.h"

using namespace ringwire;

namespace {

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RINGWIRE_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(RINGWIRE_TSAN)
constexpr uint32_t kFrames = 60000;
#else
constexpr uint32_t kFrames = 400000;
#endif
constexpr uint32_t kHeader = 12;

bool always_alive() { return true; }

/** Frames of random length: producer, number, checksum of the rest. */
template <class Writer>
void produce(const RingView& view, uint32_t producer, uint32_t frames, bool sleeps) {
  Writer writer(view);
  Random random(producer + 1);
  uint32_t largest = view.max_frame_bytes();
  std::vector<uint8_t> frame(largest);
  for (uint32_t number = 0; number < frames; ++number) {
    uint32_t length = kHeader + random.below(number % 64 == 0 ? largest - kHeader + 1 : 64);
    for (uint32_t index = kHeader; index < length; ++index)
      frame[index] = static_cast<uint8_t>(random.next());
    uint32_t sum = checksum(frame.data() + kHeader, length - kHeader);
    std::memcpy(frame.data(), &producer, 4);
    std::memcpy(frame.data() + 4, &number, 4);
    std::memcpy(frame.data() + 8, &sum, 4);
    auto offer = [&] { return writer.offer(frame.data(), length); };
    RingResult status;
    if (sleeps)
      status = ring_wait(view, RingSide::kWriter, RingStatus::kFull, -1, 20, offer, always_alive);
    else
      while ((status = offer()) == RingStatus::kFull) std::this_thread::yield();
    EXPECT(status == RingStatus::kOk);
    if (sleeps) ring_wake_reader(view);
    if (number % 97 == 0) {
      RingClaim claim = writer.claim(8);
      if (claim.status == RingStatus::kOk) writer.abort(claim);
    }
  }
}

void stress(int32_t kind, uint32_t producers, bool sleeps) {
  HeapRing ring(4096, kind);
  std::vector<std::thread> threads;
  for (uint32_t producer = 0; producer < producers; ++producer)
    threads.emplace_back([&, producer] {
      if (kind == RingKind::kSpsc)
        produce<SpscRingWriter>(ring.view, producer, kFrames, sleeps);
      else
        produce<MpscRingWriter>(ring.view, producer, kFrames / producers, sleeps);
    });
  std::thread closer([&] {
    for (std::thread& thread : threads) thread.join();
    ring_close(ring.view);
  });
  RingReader reader(ring.view);
  std::vector<uint32_t> expected(producers, 0);
  auto visit = [&](const uint8_t* data, uint32_t length) {
    uint32_t producer, number, sum;
    EXPECT(length >= kHeader);
    std::memcpy(&producer, data, 4);
    std::memcpy(&number, data + 4, 4);
    std::memcpy(&sum, data + 8, 4);
    EXPECT(producer < producers && number == expected[producer]++);
    EXPECT(sum == checksum(data + kHeader, length - kHeader));
  };
  RingResult status;
  do {
    uint32_t count = 0;
    auto read = [&] { return reader.read_batch(16, &count, visit); };
    if (sleeps)
      status = ring_wait(ring.view, RingSide::kReader, RingStatus::kEmpty, -1, 20, read, always_alive);
    else if ((status = read()) == RingStatus::kEmpty)
      std::this_thread::yield();
    if (sleeps) ring_wake_writers(ring.view);
  } while (status != RingStatus::kClosed);
  closer.join();
  for (uint32_t count : expected) EXPECT(count == (kind == RingKind::kSpsc ? kFrames : kFrames / producers));
}

/** Sleepers on both sides leave when the ring is closed; the clock would end the test otherwise. */
void close_wakes_sleepers() {
  HeapRing ring(64, RingKind::kSpsc);
  SpscRingWriter writer(ring.view);
  EXPECT(writer.offer("12345678", 8) == RingStatus::kOk && writer.offer("12345678", 8) == RingStatus::kOk &&
         writer.offer("12345678", 8) == RingStatus::kOk && writer.offer("12345678", 8) == RingStatus::kOk);
  HeapRing quiet(64, RingKind::kSpsc);
  RingReader reader(quiet.view);
  std::thread write([&] {
    auto offer = [&] { return writer.offer("12345678", 8); };
    EXPECT(ring_wait(ring.view, RingSide::kWriter, RingStatus::kFull, -1, 0, offer, always_alive) ==
           RingStatus::kClosed);
  });
  std::thread read([&] {
    uint32_t length = 0;
    auto peek = [&] { return reader.peek_length(&length); };
    EXPECT(ring_wait(quiet.view, RingSide::kReader, RingStatus::kEmpty, -1, 0, peek, always_alive) ==
           RingStatus::kClosed);
  });
  while (ring.view.word(RingField::kWritableSleepers).load() == 0 ||
         quiet.view.word(RingField::kReadableSleepers).load() == 0)
    std::this_thread::yield();
  ring_close(ring.view);
  ring_close(quiet.view);
  write.join();
  read.join();
}

void waits_end_by_time_and_by_death() {
  HeapRing ring(64, RingKind::kSpsc);
  RingReader reader(ring.view);
  uint32_t length = 0;
  auto peek = [&] { return reader.peek_length(&length); };
  EXPECT(ring_wait(ring.view, RingSide::kReader, RingStatus::kEmpty, 0, 0, peek, always_alive) ==
         RingStatus::kTimedOut);
  EXPECT(ring_wait(ring.view, RingSide::kReader, RingStatus::kEmpty, 5, 0, peek, always_alive) ==
         RingStatus::kTimedOut);
  EXPECT(ring_wait(ring.view, RingSide::kReader, RingStatus::kEmpty, -1, 0, peek, [] { return false; }) ==
         RingStatus::kPeerGone);
}

}  // namespace

int main() {
  stress(RingKind::kSpsc, 1, false);
  stress(RingKind::kSpsc, 1, true);
  stress(RingKind::kMpsc, 3, false);
  stress(RingKind::kMpsc, 3, true);
  close_wakes_sleepers();
  waits_end_by_time_and_by_death();
  return 0;
}
