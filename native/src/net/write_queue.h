#pragma once
// Bytes on their way to one peer: `tail` collects a tick's output, `flight` is what the kernel did not take
// at once.
//
//   append() ──► tail ──flush──► kernel            (all taken: the usual case)
//                  └──────────► flight ──uv_write──► kernel      (peer or network is slow)
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringwire {

class WriteQueue {
 public:
  /** Adds bytes; false where memory is short (nothing is added). */
  bool append(const void* bytes, size_t length);
  /** Room for `length` more bytes at the end, to be filled and then confirmed with commit(); nullptr if
   * short. */
  uint8_t* reserve(size_t length);
  void commit(size_t length) { tail_used_ += length; }

  const uint8_t* tail() const { return tail_ + tail_start_; }
  size_t tail_bytes() const { return tail_used_ - tail_start_; }
  /** Bytes the kernel has not taken. */
  size_t pending_bytes() const { return tail_bytes() + flight_bytes_; }
  bool in_flight() const { return flight_ != nullptr; }

  /** The kernel took the first `length` bytes of the tail. */
  void consume_tail(size_t length);
  /** Moves the tail into flight and returns it; it must stay in place until finish_flight(). */
  const uint8_t* launch(size_t* length);
  void finish_flight();

  WriteQueue() = default;
  ~WriteQueue();
  WriteQueue(const WriteQueue&) = delete;
  WriteQueue& operator=(const WriteQueue&) = delete;

 private:
  /** An idle connection keeps no buffer larger than this. */
  static constexpr size_t kKeptBytes = 64 * 1024;

  uint8_t* tail_ = nullptr;
  size_t tail_capacity_ = 0;
  /** Bytes at the front that the kernel has taken; they are not moved, because the rest goes into flight
   * next. */
  size_t tail_start_ = 0;
  size_t tail_used_ = 0;
  uint8_t* flight_ = nullptr;
  size_t flight_bytes_ = 0;
};

}  // namespace ringwire
