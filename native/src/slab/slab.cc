#include "slab/slab.h"

#include <cstdlib>
#include <new>

namespace ringwire {

Slab* Slab::create(size_t capacity) {
  auto* data = static_cast<uint8_t*>(std::malloc(capacity + kPadding));
  if (data == nullptr) return nullptr;
  auto* slab = new (std::nothrow) Slab(data, capacity);
  if (slab == nullptr) std::free(data);
  return slab;
}

bool Slab::grow(size_t capacity) {
  if (capacity <= capacity_) return true;
  // realloc moves large blocks by remapping pages, so a growing 50 MB frame is not copied at each step.
  auto* data = static_cast<uint8_t*>(std::realloc(data_, capacity + kPadding));
  if (data == nullptr) return false;
  data_ = data;
  capacity_ = capacity;
  return true;
}

void Slab::discard() {
  std::free(data_);
  data_ = nullptr;
  capacity_ = 0;
}

void Slab::release() {
  if (--references_ != 0) return;
  std::free(data_);
  delete this;
}

}  // namespace ringwire
