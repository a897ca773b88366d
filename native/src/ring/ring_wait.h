#pragma once
// Sleeping until the other side has done something, without losing a wake-up.
//
//   sleeper:  set a bit in `sleepers`, look again, sleep while `signal` still has the value read before
//   looking waker:    publish (tail, head or closed), then if `sleepers` is not 0: clear it, change `signal`,
//   wake
//
// Both touch `sleepers` with a read-modify-write after, or before, what they publish, or look at. One of the
// two comes second and sees the other. A sleeper that dies leaves at most one superfluous wake behind.
//
// Three kinds of sleepers share the two words. Futex: threads in C++, and JavaScript through the addon; woken
// from anywhere. Atomics: JavaScript without the addon; V8 keeps their list inside the process, so this side
// cannot wake them, and they look again every few milliseconds. EventFd: an event loop polling a descriptor.
#include "ring/ring_layout.h"

namespace ringwire {

/** The side that sleeps: the reader until a frame comes, a writer until there is room. */
enum class RingSide { kReader, kWriter };

/** A sleeper wakes at least this often to see whether the other process still lives. */
constexpr int32_t kRingSliceMs = 100;

/** Announces a sleeper. Look again after this; if there is still nothing, sleep with the ticket. */
int32_t ring_prepare_sleep(const RingView& view, RingSide side, int32_t sleeper_bit = RingSleeper::kFutex);

/** Sleeps until woken since the ticket was taken, or for `timeout_ms` (0: not at all). May wake for no
 * reason. */
void ring_sleep(const RingView& view, RingSide side, int32_t ticket, int32_t timeout_ms);

/**
 * Wakes that side if it sleeps. `event_fd` is the descriptor a polling sleeper waits on, -1 where there is
 * none; it is never taken from the shared memory. Returns the RingSleeper bits that were set.
 */
int32_t ring_wake(const RingView& view, RingSide side, int event_fd = -1);

/** Wakes futex sleepers of that side whose bit the caller has already taken and whose signal it has changed.
 */
void ring_wake_futex(const RingView& view, RingSide side);

inline void ring_wake_reader(const RingView& view, int event_fd = -1) {
  if (view.word(RingField::kReadableSleepers).fetch_or(0, std::memory_order_seq_cst) != 0)
    ring_wake(view, RingSide::kReader, event_fd);
}
inline void ring_wake_writers(const RingView& view, int event_fd = -1) {
  if (view.word(RingField::kWritableSleepers).fetch_or(0, std::memory_order_seq_cst) != 0)
    ring_wake(view, RingSide::kWriter, event_fd);
}

/** No more frames: writers get Closed at once, the reader after the last frame. Wakes both sides. Idempotent.
 */
void ring_close(const RingView& view, int32_t reason = RingClosed::kClosed, int reader_event_fd = -1,
                int writer_event_fd = -1);

/** Milliseconds of a clock that never goes back. */
int64_t ring_now_ms();

/**
 * Calls ready() until it returns something else than `not_ready` or `timeout_ms` (negative: no limit) are
 * over; then TimedOut. alive() is asked once per slice, and false ends the wait with PeerGone after a last
 * look.
 */
template <class Ready, class Alive>
RingResult ring_wait(const RingView& view, RingSide side, RingResult not_ready, int32_t timeout_ms,
                     uint32_t spins, Ready&& ready, Alive&& alive) {
  for (uint32_t spin = 0; spin < spins; ++spin) {
    RingResult status = ready();
    if (status != not_ready) return status;
  }
  int64_t deadline = timeout_ms < 0 ? INT64_MAX : ring_now_ms() + timeout_ms;
  for (;;) {
    int32_t ticket = ring_prepare_sleep(view, side);
    RingResult status = ready();
    if (status != not_ready) return status;
    int64_t left = deadline - ring_now_ms();
    if (left <= 0) return RingStatus::kTimedOut;
    ring_sleep(view, side, ticket, left < kRingSliceMs ? static_cast<int32_t>(left) : kRingSliceMs);
    if (alive()) continue;
    status = ready();
    return status != not_ready ? status : RingStatus::kPeerGone;
  }
}

}  // namespace ringwire
