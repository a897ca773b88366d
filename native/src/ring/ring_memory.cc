#include "ring/ring_memory.h"

#if defined(__linux__)
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace ringwire {

#if defined(__linux__)

RingResult ring_memory_create(size_t bytes, int* fd) {
  int file = memfd_create("ringwire", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file < 0) return RingStatus::kSystemError;
  if (fchmod(file, 0600) != 0 || ftruncate(file, static_cast<off_t>(bytes)) != 0 ||
      fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    close(file);
    return RingStatus::kSystemError;
  }
  *fd = file;
  return RingStatus::kOk;
}

RingResult ring_memory_map(int fd, void** memory, size_t* bytes) {
  int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 && errno == EBADF) return RingStatus::kSystemError;
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) return RingStatus::kNotARing;
  // The size by seeking: fstat is a symbol of glibc 2.33 when compiled there, and we run on 2.28.
  off_t size = lseek(fd, 0, SEEK_END);
  if (size < 0) return RingStatus::kSystemError;
  size_t largest = static_cast<size_t>(RingFormat::kHeaderBytes) + RingFormat::kMaxCapacityBytes;
  if (size <= RingFormat::kHeaderBytes || static_cast<size_t>(size) > largest) return RingStatus::kNotARing;
  void* mapped = mmap(nullptr, static_cast<size_t>(size), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return RingStatus::kSystemError;
  *memory = mapped;
  *bytes = static_cast<size_t>(size);
  return RingStatus::kOk;
}

void ring_memory_unmap(void* memory, size_t bytes) { munmap(memory, bytes); }

RingResult ring_event_create(int* fd) {
  *fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return *fd < 0 ? RingStatus::kSystemError : RingStatus::kOk;
}

void ring_event_signal(int fd) {
  uint64_t one = 1;
  // Can fail only with EAGAIN: the counter is at its limit, and so the descriptor is readable already.
  ssize_t written = write(fd, &one, sizeof one);
  (void)written;
}

void ring_event_drain(int fd) {
  uint64_t count = 0;
  ssize_t got = read(fd, &count, sizeof count);
  (void)got;
}

#else

RingResult ring_memory_create(size_t, int*) { return RingStatus::kUnsupported; }
RingResult ring_memory_map(int, void**, size_t*) { return RingStatus::kUnsupported; }
void ring_memory_unmap(void*, size_t) {}
RingResult ring_event_create(int*) { return RingStatus::kUnsupported; }
void ring_event_signal(int) {}
void ring_event_drain(int) {}

#endif

}  // namespace ringwire
