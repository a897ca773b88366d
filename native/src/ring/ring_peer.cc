// Which process holds a side of a ring, and whether it still lives. The header's word is taken as a hint: a
// peer that lies about its pid only decides when we give up on it.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "ring/ring_memory.h"

#if defined(__linux__)
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#endif

namespace ringwire {

static int32_t first_field(RingSide side) {
  return side == RingSide::kReader ? RingField::kReaderPid : RingField::kWriterPid;
}

#if defined(__linux__)

/** Fields 3 (state) and 22 (start time) of /proc/<pid>/stat; false where there is no such process. */
static bool read_stat(int32_t pid, char* state, int32_t* start_ticks) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char text[1024];
  ssize_t got = read(file, text, sizeof text - 1);
  close(file);
  if (got <= 0) return false;
  text[got] = '\0';
  // The command in parentheses may hold spaces and parentheses itself: count from the last one.
  const char* field = std::strrchr(text, ')');
  if (field == nullptr || field[1] != ' ') return false;
  *state = field[2];
  for (int skipped = 2; skipped < 22; ++skipped) {
    field = std::strchr(field + 1, ' ');
    if (field == nullptr) return false;
  }
  *start_ticks = static_cast<int32_t>(std::strtoull(field + 1, nullptr, 10) & 0x7fffffff);
  return true;
}

static int32_t own_pid_namespace() {
  // The link reads "pid:[4026531836]"; stat would tell the same number, by a symbol newer than glibc 2.28.
  char text[64];
  ssize_t got = readlink("/proc/self/ns/pid", text, sizeof text - 1);
  if (got <= 0) return 0;
  text[got] = '\0';
  const char* number = std::strchr(text, '[');
  if (number == nullptr) return 0;
  return static_cast<int32_t>(std::strtoull(number + 1, nullptr, 10) & 0x7fffffff);
}

RingPeer ring_self() {
  RingPeer self;
  char state = 0;
  self.pid = static_cast<int32_t>(getpid());
  if (!read_stat(self.pid, &state, &self.start_ticks)) self.start_ticks = 0;
  self.pid_namespace = own_pid_namespace();
  return self;
}

static bool is_gone(int32_t pid, int32_t start_ticks) {
  if (kill(pid, 0) != 0) return errno == ESRCH;
  char state = 0;
  int32_t ticks = 0;
  // /proc may be hidden from us; the signal above then has the last word.
  if (!read_stat(pid, &state, &ticks)) return kill(pid, 0) != 0 && errno == ESRCH;
  return state == 'Z' || state == 'X' || (start_ticks != 0 && ticks != start_ticks);
}

RingPeerState ring_peer_state(const RingView& view, RingSide side) {
  int32_t field = first_field(side);
  int32_t pid = view.word(field).load(std::memory_order_acquire);
  if (pid == 0) return RingPeerState::kNone;
  if (pid < 0) return RingPeerState::kUnknown;
  if (pid == static_cast<int32_t>(getpid())) return RingPeerState::kAlive;
  if (view.word(field + 2).load(std::memory_order_relaxed) != own_pid_namespace())
    return RingPeerState::kUnknown;
  return is_gone(pid, view.word(field + 1).load(std::memory_order_relaxed)) ? RingPeerState::kGone
                                                                            : RingPeerState::kAlive;
}

#else

RingPeer ring_self() { return {}; }

RingPeerState ring_peer_state(const RingView& view, RingSide side) {
  return view.word(first_field(side)).load(std::memory_order_acquire) == 0 ? RingPeerState::kNone
                                                                           : RingPeerState::kUnknown;
}

#endif

RingResult ring_join(const RingView& view, RingSide side) {
  RingPeer self = ring_self();
  if (self.pid == 0) return RingStatus::kUnsupported;
  int32_t field = first_field(side);
  int32_t held = view.word(field).load(std::memory_order_acquire);
  RingPeerState state = ring_peer_state(view, side);
  bool free = state == RingPeerState::kNone || state == RingPeerState::kGone || held == self.pid;
  // Until our own start time stands there, nobody may judge us by that of the holder before.
  if (state == RingPeerState::kGone) view.word(field + 2).store(0, std::memory_order_relaxed);
  if (!free || !view.word(field).compare_exchange_strong(held, self.pid, std::memory_order_acq_rel))
    return RingStatus::kBusy;
  view.word(field + 1).store(self.start_ticks, std::memory_order_relaxed);
  view.word(field + 2).store(self.pid_namespace, std::memory_order_release);
  return RingStatus::kOk;
}

}  // namespace ringwire
