// Bytes out of a write queue are those that went in, in order, however much the kernel takes at a time.
#include "net/write_queue.h"

#include <string>

#include "expect.h"

using namespace ringwire;

namespace {

std::string tail_of(const WriteQueue& queue) {
  return std::string(reinterpret_cast<const char*>(queue.tail()), queue.tail_bytes());
}

/** Deterministic, and different in its low bits. */
uint32_t next_random(uint32_t* state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

void keeps_order() {
  uint32_t random = 1;
  WriteQueue queue;
  std::string in;
  std::string out;
  for (int step = 0; step < 20000; ++step) {
    const uint32_t choice = next_random(&random) % 8;
    if (choice < 4) {
      const std::string bytes(next_random(&random) % 3000, static_cast<char>('a' + step % 26));
      EXPECT(queue.append(bytes.data(), bytes.size()));
      in += bytes;
    } else if (choice == 4) {
      const size_t length = 1 + next_random(&random) % 100;
      uint8_t* room = queue.reserve(length);
      EXPECT(room != nullptr);
      for (size_t i = 0; i < length; ++i) room[i] = static_cast<uint8_t>('A' + step % 26);
      // Less may be committed than was reserved.
      const size_t used = length - next_random(&random) % length;
      queue.commit(used);
      in.append(used, static_cast<char>('A' + step % 26));
    } else if (choice < 7 && !queue.in_flight() && queue.tail_bytes() > 0) {
      const size_t taken = next_random(&random) % (queue.tail_bytes() + 1);
      out += tail_of(queue).substr(0, taken);
      queue.consume_tail(taken);
    } else if (!queue.in_flight() && queue.tail_bytes() > 0) {
      size_t length = 0;
      const uint8_t* flight = queue.launch(&length);
      out.append(reinterpret_cast<const char*>(flight), length);
      EXPECT(queue.in_flight() && queue.tail_bytes() == 0 && queue.pending_bytes() == length);
    } else if (queue.in_flight()) {
      queue.finish_flight();
      EXPECT(!queue.in_flight());
    }
    EXPECT(queue.tail_bytes() == in.size() - out.size());
  }
  out += tail_of(queue);
  EXPECT(out == in);
}

void survives_with_bytes_in_flight() {
  WriteQueue queue;
  EXPECT(queue.pending_bytes() == 0 && !queue.in_flight());
  EXPECT(queue.append("flight", 6));
  size_t length = 0;
  queue.launch(&length);
  EXPECT(queue.append("tail", 4));
  EXPECT(queue.pending_bytes() == 10);
  // The destructor frees both; a sanitizer sees whether it does.
}

}  // namespace

int main() {
  keeps_order();
  survives_with_bytes_in_flight();
  return 0;
}
