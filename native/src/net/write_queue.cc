#include "net/write_queue.h"

#include <cstdlib>
#include <cstring>

namespace ringwire {

WriteQueue::~WriteQueue() {
  std::free(tail_);
  std::free(flight_);
}

uint8_t* WriteQueue::reserve(size_t length) {
  const size_t wanted = tail_used_ + length;
  if (wanted > tail_capacity_ || tail_ == nullptr) {
    size_t capacity = tail_capacity_ == 0 ? 1024 : tail_capacity_ * 2;
    if (capacity < wanted) capacity = wanted;
    auto* grown = static_cast<uint8_t*>(std::realloc(tail_, capacity));
    if (grown == nullptr) return nullptr;
    tail_ = grown;
    tail_capacity_ = capacity;
  }
  return tail_ + tail_used_;
}

bool WriteQueue::append(const void* bytes, size_t length) {
  uint8_t* room = reserve(length);
  if (room == nullptr) return false;
  std::memcpy(room, bytes, length);
  tail_used_ += length;
  return true;
}

void WriteQueue::consume_tail(size_t length) {
  tail_start_ += length;
  if (tail_start_ < tail_used_) return;
  tail_start_ = 0;
  tail_used_ = 0;
  if (tail_capacity_ > kKeptBytes) {
    std::free(tail_);
    tail_ = nullptr;
    tail_capacity_ = 0;
  }
}

const uint8_t* WriteQueue::launch(size_t* length) {
  flight_ = tail_;
  flight_bytes_ = tail_bytes();
  const uint8_t* bytes = tail();
  tail_ = nullptr;
  tail_capacity_ = 0;
  tail_start_ = 0;
  tail_used_ = 0;
  *length = flight_bytes_;
  return bytes;
}

void WriteQueue::finish_flight() {
  std::free(flight_);
  flight_ = nullptr;
  flight_bytes_ = 0;
}

}  // namespace ringwire
