// Rings between processes: sealed memory, one holder per side, and the death of a peer inside the ring.
#if defined(__linux__)
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring/ring_memory.h"
#include "ring/ring_reader.h"
#include "ring/ring_writer.h"
#include "ring_expect.h"

using namespace ringwire;

namespace {

struct MappedRing {
  explicit MappedRing(int32_t kind) {
    EXPECT(ring_memory_create(ring_memory_bytes(4096), &fd) == RingStatus::kOk);
    EXPECT(ring_memory_map(fd, &memory, &bytes) == RingStatus::kOk && bytes == ring_memory_bytes(4096));
    EXPECT(ring_format(memory, bytes, 4096, kind, 1, &view) == RingStatus::kOk);
  }
  ~MappedRing() {
    ring_memory_unmap(memory, bytes);
    close(fd);
  }
  int fd = -1;
  void* memory = nullptr;
  size_t bytes = 0;
  RingView view;
};

void memory_is_private_and_sealed() {
  MappedRing ring(RingKind::kSpsc);
  struct stat facts;
  EXPECT(fstat(ring.fd, &facts) == 0 && (facts.st_mode & 0777) == 0600);
  EXPECT((fcntl(ring.fd, F_GETFD) & FD_CLOEXEC) != 0);
  EXPECT(ftruncate(ring.fd, 0) != 0 && ftruncate(ring.fd, 1 << 20) != 0);
}

void memory_that_could_shrink_is_refused() {
  void* memory = nullptr;
  size_t bytes = 0;
  int fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  EXPECT(ftruncate(fd, 8192) == 0);
  EXPECT(ring_memory_map(fd, &memory, &bytes) == RingStatus::kNotARing);
  EXPECT(ftruncate(fd, 512) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
  EXPECT(ring_memory_map(fd, &memory, &bytes) == RingStatus::kNotARing);
  close(fd);
  int pipes[2];
  EXPECT(pipe(pipes) == 0);
  EXPECT(ring_memory_map(pipes[0], &memory, &bytes) == RingStatus::kNotARing);
  close(pipes[0]);
  close(pipes[1]);
  EXPECT(ring_memory_map(-1, &memory, &bytes) == RingStatus::kSystemError);
}

/** Runs `work` in a child that never returns from here; the caller waits for it or kills it. */
template <class Work>
pid_t in_child(Work&& work) {
  pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    // A check that fails ends the test at once: nobody would end its children.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    work();
    _exit(0);
  }
  return child;
}

void one_living_process_per_side() {
  MappedRing ring(RingKind::kSpsc);
  EXPECT(ring_peer_state(ring.view, RingSide::kReader) == RingPeerState::kNone);
  EXPECT(ring_join(ring.view, RingSide::kReader) == RingStatus::kOk);
  EXPECT(ring_join(ring.view, RingSide::kReader) == RingStatus::kOk);
  EXPECT(ring_peer_state(ring.view, RingSide::kReader) == RingPeerState::kAlive);
  int status = 0;
  pid_t child = in_child([&] {
    bool refused = ring_join(ring.view, RingSide::kReader) == RingStatus::kBusy;
    bool joined = ring_join(ring.view, RingSide::kWriter) == RingStatus::kOk;
    _exit(refused && joined ? 0 : 1);
  });
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  EXPECT(ring_peer_state(ring.view, RingSide::kWriter) == RingPeerState::kGone);
  EXPECT(ring_join(ring.view, RingSide::kWriter) == RingStatus::kOk);

  // The same pid, but another start time, is another process; another namespace cannot be judged.
  pid_t sleeper = in_child([] { pause(); });
  ring.view.word(RingField::kWriterPid).store(sleeper);
  // Start times count in hundredths of a second: the sleeper may share its own with the child that ended.
  ring.view.word(RingField::kWriterPid + 1).fetch_sub(1);
  EXPECT(ring_peer_state(ring.view, RingSide::kWriter) == RingPeerState::kGone);
  ring.view.word(RingField::kWriterPid + 1).store(0);
  EXPECT(ring_peer_state(ring.view, RingSide::kWriter) == RingPeerState::kAlive);
  ring.view.word(RingField::kWriterPid + 2).fetch_add(1);
  EXPECT(ring_peer_state(ring.view, RingSide::kWriter) == RingPeerState::kUnknown);
  ring.view.word(RingField::kWriterPid + 2).fetch_sub(1);
  kill(sleeper, SIGKILL);
  // A zombie has ended, although its pid is still taken.
  siginfo_t info;
  EXPECT(waitid(P_PID, static_cast<id_t>(sleeper), &info, WEXITED | WNOWAIT) == 0);
  EXPECT(ring_peer_state(ring.view, RingSide::kWriter) == RingPeerState::kGone);
  EXPECT(waitpid(sleeper, &status, 0) == sleeper);
}

/** A writer dies between claim and commit; its last committed frame arrives, and then the reader leaves. */
void reader_leaves_when_the_writer_dies(int32_t kind) {
  MappedRing ring(kind);
  EXPECT(ring_join(ring.view, RingSide::kReader) == RingStatus::kOk);
  int ready[2];
  EXPECT(pipe(ready) == 0);
  pid_t child = in_child([&] {
    if (ring_join(ring.view, RingSide::kWriter) != RingStatus::kOk) _exit(1);
    SpscRingWriter single(ring.view);
    MpscRingWriter multi(ring.view);
    RingResult offered = kind == RingKind::kSpsc ? single.offer("last", 4) : multi.offer("last", 4);
    RingClaim claim = kind == RingKind::kSpsc ? single.claim(100) : multi.claim(100);
    if (offered != RingStatus::kOk || claim.status != RingStatus::kOk || write(ready[1], "r", 1) != 1)
      _exit(1);
    pause();
  });
  char byte = 0;
  EXPECT(read(ready[0], &byte, 1) == 1);
  kill(child, SIGKILL);
  siginfo_t info;
  EXPECT(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
  RingReader reader(ring.view);
  uint32_t frames = 0, count = 0, slices = 0;
  auto take = [&] { return reader.read_batch(8, &count, [&](const uint8_t*, uint32_t) { ++frames; }); };
  auto alive = [&] {
    ++slices;
    return ring_peer_state(ring.view, RingSide::kWriter) != RingPeerState::kGone;
  };
  RingResult status;
  do status = ring_wait(ring.view, RingSide::kReader, RingStatus::kEmpty, -1, 0, take, alive);
  while (status == RingStatus::kOk);
  EXPECT(status == RingStatus::kPeerGone && frames == 1);
  // The first slice of kRingSliceMs notices.
  EXPECT(slices == 1);
  int exit_status = 0;
  EXPECT(waitpid(child, &exit_status, 0) == child);
  close(ready[0]);
  close(ready[1]);
}

/** Killed at a random moment of writing: what was committed is whole and in order, and the reader gets away.
 */
void reader_survives_random_kills(int32_t kind, uint32_t seed) {
  Random random(seed);
  MappedRing ring(kind);
  pid_t child = in_child([&] {
    if (ring_join(ring.view, RingSide::kWriter) != RingStatus::kOk) _exit(1);
    SpscRingWriter single(ring.view);
    MpscRingWriter multi(ring.view);
    uint8_t frame[200];
    for (uint32_t number = 0;; ++number) {
      uint32_t length = 4 + random.below(196);
      std::memset(frame, static_cast<int>(number), length);
      std::memcpy(frame, &number, 4);
      auto offer = [&] {
        return kind == RingKind::kSpsc ? single.offer(frame, length) : multi.offer(frame, length);
      };
      if (ring_wait(ring.view, RingSide::kWriter, RingStatus::kFull, -1, 0, offer, [] { return true; }) !=
          RingStatus::kOk)
        _exit(1);
      ring_wake_reader(ring.view);
    }
  });
  RingReader reader(ring.view);
  uint32_t expected = 0, count = 0, kill_after = 1 + random.below(20000);
  auto take = [&] {
    return reader.read_batch(16, &count, [&](const uint8_t* data, uint32_t length) {
      uint32_t number;
      std::memcpy(&number, data, 4);
      EXPECT(number == expected++);
      for (uint32_t index = 4; index < length; ++index) EXPECT(data[index] == static_cast<uint8_t>(number));
    });
  };
  auto alive = [&] { return ring_peer_state(ring.view, RingSide::kWriter) != RingPeerState::kGone; };
  bool killed = false;
  RingResult status;
  do {
    status = ring_wait(ring.view, RingSide::kReader, RingStatus::kEmpty, -1, 0, take, alive);
    ring_wake_writers(ring.view);
    if (!killed && expected >= kill_after) killed = kill(child, SIGKILL) == 0;
  } while (status == RingStatus::kOk);
  EXPECT(killed && status == RingStatus::kPeerGone);
  int exit_status = 0;
  EXPECT(waitpid(child, &exit_status, 0) == child);
}

void an_event_fd_is_signalled_only_for_a_sleeper_that_asked() {
  MappedRing ring(RingKind::kSpsc);
  int fd = -1;
  EXPECT(ring_event_create(&fd) == RingStatus::kOk);
  auto readable = [fd] {
    pollfd poll_set{fd, POLLIN, 0};
    return poll(&poll_set, 1, 0) == 1;
  };
  ring_wake_reader(ring.view, fd);
  EXPECT(!readable());
  ring_prepare_sleep(ring.view, RingSide::kReader, RingSleeper::kEventFd);
  ring_wake_reader(ring.view, fd);
  EXPECT(readable());
  ring_event_drain(fd);
  ring_event_drain(fd);
  ring_wake_reader(ring.view, fd);
  EXPECT(!readable());
  close(fd);
}

}  // namespace

int main() {
  memory_is_private_and_sealed();
  memory_that_could_shrink_is_refused();
  one_living_process_per_side();
  reader_leaves_when_the_writer_dies(RingKind::kSpsc);
  reader_leaves_when_the_writer_dies(RingKind::kMpsc);
  for (uint32_t seed = 1; seed <= 10; ++seed) {
    reader_survives_random_kills(RingKind::kSpsc, seed);
    reader_survives_random_kills(RingKind::kMpsc, seed);
  }
  an_event_fd_is_signalled_only_for_a_sleeper_that_asked();
  return 0;
}
#else
int main() { return 0; }
#endif
