// Random operations on a ring against a deque, and then the same ring with bytes of its memory spoilt: the
// first must agree with the model, the second must stay inside the memory.
#include <deque>
#include <string>

#include "ring/ring_reader.h"
#include "ring/ring_wait.h"
#include "ring/ring_writer.h"
#include "ring_expect.h"

using namespace ringwire;

namespace {

struct Input {
  const uint8_t* data;
  size_t left;
  bool empty() const { return left == 0; }
  uint8_t byte() {
    if (left == 0) return 0;
    --left;
    return *data++;
  }
  uint32_t word() {
    uint32_t value = 0;
    for (int index = 0; index < 4; ++index) value = value << 8 | byte();
    return value;
  }
};

void require(bool condition) {
  if (!condition) __builtin_trap();
}

template <class Writer>
void agree_with_the_model(Input input, int32_t kind, uint32_t capacity, int32_t start) {
  HeapRing ring(capacity, kind);
  ring.view.word(RingField::kTail).store(start);
  ring.view.word(RingField::kHead).store(start);
  Writer writer(ring.view);
  RingReader reader(ring.view);
  std::deque<std::string> model;
  bool closed = false;
  while (!input.empty()) {
    uint8_t op = input.byte();
    uint32_t length = input.byte() * (1u + op / 64);
    bool fits = length <= ring.view.max_frame_bytes();
    if (op % 8 < 3) {
      std::string frame(length, static_cast<char>(op));
      RingResult status = writer.offer(frame.data(), length);
      require(fits || status == RingStatus::kTooLarge);
      if (fits) require(closed ? status == RingStatus::kClosed : status <= RingStatus::kFull);
      if (status == RingStatus::kOk) model.push_back(frame);
    } else if (op % 8 == 3) {
      RingClaim claim = writer.claim(length);
      if (claim.status == RingStatus::kOk) {
        std::memset(claim.data, 0xff, length);
        writer.abort(claim);
      }
    } else if (op % 8 == 4 && op > 250) {
      ring_close(ring.view);
      closed = true;
    } else {
      uint32_t count = 0, most = 1 + op / 64;
      RingResult status = reader.read_batch(most, &count, [&](const uint8_t* data, uint32_t size) {
        require(!model.empty() && model.front() == std::string(reinterpret_cast<const char*>(data), size));
        model.pop_front();
      });
      require(count == most || model.empty());
      if (count == 0) require(status == (closed ? RingStatus::kClosed : RingStatus::kEmpty));
    }
  }
}

template <class Writer>
void survive_damage(Input input, int32_t kind, uint32_t capacity) {
  HeapRing ring(capacity, kind);
  Writer writer(ring.view);
  RingReader reader(ring.view);
  uint32_t words = static_cast<uint32_t>(ring.bytes() / 4);
  uint32_t sum = 0;
  while (!input.empty()) {
    uint8_t op = input.byte();
    if (op % 4 == 0) ring.view.words[input.word() % words].store(static_cast<int32_t>(input.word()));
    if (op % 4 == 1) {
      std::string frame(input.byte(), 'x');
      writer.offer(frame.data(), static_cast<uint32_t>(frame.size()));
    }
    if (op % 4 == 2) {
      uint32_t count = 0;
      reader.read_batch(4, &count,
                        [&](const uint8_t* data, uint32_t length) { sum += checksum(data, length); });
    }
    if (op % 4 == 3) {
      RingView view;
      ring_open(ring.memory.data(), ring.bytes(), &view);
    }
  }
  asm volatile("" : : "r"(sum));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input{data, size};
  uint8_t setup = input.byte();
  uint32_t capacity = 64u << (setup >> 2 & 3);
  // Half of the runs cross the point where positions wrap.
  int32_t start = (setup & 16) != 0 ? -4 : 0;
  bool single = (setup & 1) != 0;
  if ((setup & 2) != 0)
    single ? survive_damage<SpscRingWriter>(input, RingKind::kSpsc, capacity)
           : survive_damage<MpscRingWriter>(input, RingKind::kMpsc, capacity);
  else
    single ? agree_with_the_model<SpscRingWriter>(input, RingKind::kSpsc, capacity, start)
           : agree_with_the_model<MpscRingWriter>(input, RingKind::kMpsc, capacity, start);
  return 0;
}
