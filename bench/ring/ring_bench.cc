// Rates and latencies of the C++ rings between threads. Prints one JSON line per contender and round.
//   ring_bench [--seconds S] [--rounds N] [--bytes B] [--capacity BYTES] [--producers P]
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ring/ring_reader.h"
#include "ring/ring_wait.h"
#include "ring/ring_writer.h"

using namespace ringwire;

namespace {

struct Options {
  double seconds = 1;
  uint32_t rounds = 3;
  uint32_t bytes = 270;
  uint32_t capacity = 256 * 1024;
  uint32_t producers = 3;
};

struct Ring {
  explicit Ring(const Options& options, int32_t kind) {
    size_t bytes = ring_memory_bytes(options.capacity);
    memory.reset(static_cast<uint8_t*>(aligned_alloc(4096, (bytes + 4095) / 4096 * 4096)));
    if (ring_format(memory.get(), bytes, options.capacity, kind, 1, &view) != RingStatus::kOk) {
      std::fprintf(stderr, "ring_bench: --capacity must be a power of two from 64 to 1073741824\n");
      std::exit(2);
    }
  }
  struct Free {
    void operator()(uint8_t* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<uint8_t, Free> memory;
  RingView view;
};

double now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double cpu_seconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](timeval time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/** Best effort: a container may forbid it, and then the line says so by its spread. */
void pin_to_core(unsigned core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core % std::max(1u, std::thread::hardware_concurrency()), &cores);
  pthread_setaffinity_np(pthread_self(), sizeof cores, &cores);
}

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/** Fills a message with its number at the start, so that the reader proves order and completeness. */
template <class Writer>
void produce(const RingView& view, uint32_t bytes, const std::atomic<bool>& stop, unsigned core) {
  pin_to_core(core);
  Writer writer(view);
  std::vector<uint8_t> message(bytes, 0x5a);
  uint64_t number = 0;
  while (!stop.load(std::memory_order_relaxed)) {
    for (uint32_t burst = 0; burst < 64; ++burst) {
      std::memcpy(message.data(), &number, sizeof number);
      while (writer.offer(message.data(), bytes) == RingStatus::kFull) {
        if (stop.load(std::memory_order_relaxed)) return;
        pause_cpu();
      }
      ++number;
    }
  }
}

/** With `copy` the reader copies every message out, else it reads the first bytes in place. */
void one_way(const Options& options, const char* contender, int32_t kind, uint32_t producers, bool copy,
             uint32_t round) {
  Ring ring(options, kind);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (uint32_t index = 0; index < producers; ++index)
    threads.emplace_back([&, index] {
      kind == RingKind::kSpsc ? produce<SpscRingWriter>(ring.view, options.bytes, stop, index + 1)
                              : produce<MpscRingWriter>(ring.view, options.bytes, stop, index + 1);
    });
  pin_to_core(0);
  RingReader reader(ring.view);
  std::vector<uint8_t> out(options.bytes);
  uint64_t messages = 0, disorder = 0, expected = 0;
  double cpu_before = cpu_seconds(), start = now(), elapsed = 0;
  while (elapsed < options.seconds) {
    for (uint32_t turn = 0; turn < 1024; ++turn) {
      uint32_t count = 0;
      reader.read_batch(256, &count, [&](const uint8_t* data, uint32_t length) {
        uint64_t number;
        std::memcpy(&number, data, sizeof number);
        if (kind == RingKind::kSpsc && number != expected++) ++disorder;
        if (copy) {
          std::memcpy(out.data(), data, length);
          asm volatile("" : : "r"(out.data()) : "memory");
        }
      });
      messages += count;
      if (count == 0) pause_cpu();
    }
    elapsed = now() - start;
  }
  double cpu = cpu_seconds() - cpu_before;
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
  std::printf(
      "{\"scenario\":\"ring\",\"contender\":\"%s\",\"round\":%u,\"messageBytes\":%u,\"capacityBytes\":%u,"
      "\"producers\":%u,\"messages\":%llu,\"outOfOrder\":%llu,\"rate\":%.0f,\"cpuUsPerMsg\":%.5f}\n",
      contender, round, options.bytes, options.capacity, producers, static_cast<unsigned long long>(messages),
      static_cast<unsigned long long>(disorder), static_cast<double>(messages) / elapsed,
      cpu * 1e6 / static_cast<double>(messages));
}

/** One message there and back over two rings; `sleep` waits by futex instead of spinning. */
void round_trip(const Options& options, const char* contender, bool sleep, uint32_t round) {
  Ring there(options, RingKind::kSpsc), back(options, RingKind::kSpsc);
  auto receive = [sleep](RingReader& reader, uint8_t* out) {
    auto take = [&] {
      uint32_t count = 0;
      RingResult status = reader.read_batch(
          1, &count, [&](const uint8_t* data, uint32_t length) { std::memcpy(out, data, length); });
      return status;
    };
    if (sleep)
      return ring_wait(reader.view(), RingSide::kReader, RingStatus::kEmpty, -1, 0, take,
                       [] { return true; });
    RingResult status;
    while ((status = take()) == RingStatus::kEmpty) pause_cpu();
    return status;
  };
  std::thread echo([&] {
    pin_to_core(1);
    RingReader reader(there.view);
    SpscRingWriter writer(back.view);
    std::vector<uint8_t> message(options.bytes);
    while (receive(reader, message.data()) == RingStatus::kOk) {
      writer.offer(message.data(), options.bytes);
      if (sleep) ring_wake_reader(back.view);
    }
  });
  pin_to_core(0);
  SpscRingWriter writer(there.view);
  RingReader reader(back.view);
  std::vector<uint8_t> message(options.bytes, 1);
  std::vector<float> micros;
  double start = now(), before = start;
  while (before - start < options.seconds) {
    writer.offer(message.data(), options.bytes);
    if (sleep) ring_wake_reader(there.view);
    receive(reader, message.data());
    double after = now();
    micros.push_back(static_cast<float>((after - before) * 1e6));
    before = after;
  }
  ring_close(there.view);
  echo.join();
  std::sort(micros.begin(), micros.end());
  auto percentile = [&](double share) {
    return micros[static_cast<size_t>(share * static_cast<double>(micros.size() - 1))];
  };
  std::printf(
      "{\"scenario\":\"ring\",\"contender\":\"%s\",\"round\":%u,\"messageBytes\":%u,\"roundTrips\":%zu,"
      "\"rate\":%.0f,\"p50us\":%.3f,\"p99us\":%.3f}\n",
      contender, round, options.bytes, micros.size(), static_cast<double>(micros.size()) / (before - start),
      percentile(0.5), percentile(0.99));
}

bool parse(int argc, char** argv, Options* options) {
  for (int index = 1; index < argc; index += 2) {
    std::string name = argv[index];
    if (index + 1 >= argc) return false;
    double value = std::atof(argv[index + 1]);
    if (!(value > 0)) return false;
    if (name == "--seconds")
      options->seconds = value;
    else if (name == "--rounds")
      options->rounds = static_cast<uint32_t>(value);
    else if (name == "--bytes")
      options->bytes = static_cast<uint32_t>(value);
    else if (name == "--capacity")
      options->capacity = static_cast<uint32_t>(value);
    else if (name == "--producers")
      options->producers = static_cast<uint32_t>(value);
    else
      return false;
  }
  return options->bytes >= 8 && options->bytes <= options->capacity / 2 - 8;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, &options)) {
    std::fprintf(stderr,
                 "usage: ring_bench [--seconds S] [--rounds N] [--bytes 8..capacity/2-8] [--capacity 2^n] "
                 "[--producers P]\n");
    return 2;
  }
  for (uint32_t round = 1; round <= options.rounds; ++round) {
    one_way(options, "ring-cpp-spsc", RingKind::kSpsc, 1, false, round);
    one_way(options, "ring-cpp-spsc-copy", RingKind::kSpsc, 1, true, round);
    one_way(options, "ring-cpp-mpsc", RingKind::kMpsc, options.producers, false, round);
    round_trip(options, "ring-cpp-roundtrip-spin", false, round);
    round_trip(options, "ring-cpp-roundtrip-futex", true, round);
  }
  return 0;
}
