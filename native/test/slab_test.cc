// A slab keeps its bytes while it grows, has its padding, and goes with its last reference.
#include "slab/slab.h"

#include <cstring>

#include "expect.h"

using namespace ringwire;

namespace {

constexpr size_t kCapacities[] = {50, 100, 101, 4096, 1000000};

}  // namespace

int main() {
  Slab* slab = Slab::create(100);
  EXPECT(slab != nullptr && slab->capacity() == 100);
  for (size_t i = 0; i < 100; ++i) slab->data()[i] = static_cast<uint8_t>(i);
  for (const size_t capacity : kCapacities) {
    EXPECT(slab->grow(capacity));
    EXPECT(slab->capacity() == (capacity < 100 ? 100 : capacity));
    // The padding may be touched wherever the capacity ends.
    std::memset(slab->data() + 100, 0xAA, slab->capacity() + Slab::kPadding - 100);
    for (size_t i = 0; i < 100; ++i) EXPECT(slab->data()[i] == i);
  }
  slab->retain();
  slab->release();
  EXPECT(slab->data()[99] == 99);
  slab->release();

  Slab* empty = Slab::create(0);
  EXPECT(empty != nullptr);
  std::memset(empty->data(), 0, Slab::kPadding);
  empty->release();
  return 0;
}
