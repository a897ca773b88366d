#include "ring/ring_wait.h"

#include <chrono>
#include <climits>
#include <thread>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#endif

#include "ring/ring_memory.h"

namespace ringwire {

static int32_t sleepers_field(RingSide side) {
  return side == RingSide::kReader ? RingField::kReadableSleepers : RingField::kWritableSleepers;
}
static int32_t signal_field(RingSide side) {
  return side == RingSide::kReader ? RingField::kReadableSignal : RingField::kWritableSignal;
}

int32_t ring_prepare_sleep(const RingView& view, RingSide side, int32_t sleeper_bit) {
  int32_t ticket = view.word(signal_field(side)).load(std::memory_order_seq_cst);
  view.word(sleepers_field(side)).fetch_or(sleeper_bit, std::memory_order_seq_cst);
  // JavaScript publishes with sequentially consistent stores and only loads `sleepers`; these loads order the
  // look that follows after the bit set above.
  (void)view.word(RingField::kTail).load(std::memory_order_seq_cst);
  (void)view.word(RingField::kHead).load(std::memory_order_seq_cst);
  (void)view.word(RingField::kClosed).load(std::memory_order_seq_cst);
  return ticket;
}

int64_t ring_now_ms() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  return duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

#if defined(__linux__)

void ring_sleep(const RingView& view, RingSide side, int32_t ticket, int32_t timeout_ms) {
  if (timeout_ms <= 0) return;
  timespec timeout{timeout_ms / 1000, (timeout_ms % 1000) * 1000000L};
  // Not FUTEX_WAIT_PRIVATE: the same words may be mapped into two processes.
  syscall(SYS_futex, &view.word(signal_field(side)), FUTEX_WAIT, ticket, &timeout, nullptr, 0);
}

static void wake_futex(RingWord& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

#else

// No futex that works on shared memory everywhere: look at the word every millisecond.
void ring_sleep(const RingView& view, RingSide side, int32_t ticket, int32_t timeout_ms) {
  int64_t deadline = ring_now_ms() + timeout_ms;
  while (view.word(signal_field(side)).load(std::memory_order_acquire) == ticket && ring_now_ms() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

static void wake_futex(RingWord&) {}

#endif

void ring_wake_futex(const RingView& view, RingSide side) { wake_futex(view.word(signal_field(side))); }

int32_t ring_wake(const RingView& view, RingSide side, int event_fd) {
  int32_t bits = view.word(sleepers_field(side)).exchange(0, std::memory_order_seq_cst);
  if (bits == 0) return 0;
  RingWord& signal = view.word(signal_field(side));
  signal.fetch_add(1, std::memory_order_seq_cst);
  if ((bits & RingSleeper::kFutex) != 0) ring_wake_futex(view, side);
  if ((bits & RingSleeper::kEventFd) != 0 && event_fd >= 0) ring_event_signal(event_fd);
  return bits;
}

void ring_close(const RingView& view, int32_t reason, int reader_event_fd, int writer_event_fd) {
  int32_t open = RingClosed::kOpen;
  view.word(RingField::kClosed).compare_exchange_strong(open, reason, std::memory_order_seq_cst);
  ring_wake(view, RingSide::kReader, reader_event_fd);
  ring_wake(view, RingSide::kWriter, writer_event_fd);
}

}  // namespace ringwire
