#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "options.h"

namespace loadgen {

// Monotonic nanoseconds.
uint64_t NowNs();

// The two directions of one connection; the same descriptor for sockets. Non-blocking.
struct Endpoint {
  int read_fd = -1;
  int write_fd = -1;
};

// Opens one connection to options.url. Returns an empty string or the reason it failed.
std::string Connect(const Options& options, Endpoint* endpoint);

// Starts options.child with its stdin and stdout on the endpoint; stderr is inherited.
std::string SpawnChild(const Options& options, Endpoint* endpoint, pid_t* child);

void Close(Endpoint* endpoint);

// Ends the child: end of input first, SIGTERM after 2 s, SIGKILL after 2 more.
void ReapChild(pid_t child);

bool PinToCpu(int cpu);

// Moves bytes in whichever direction is ready: `out` from `written` on, and what there is to read to the end
// of `in`. Returns an empty string or what went wrong.
std::string MoveBytes(const Endpoint& endpoint, const std::string& out, size_t* written, std::string* in);

// Writes `out`, then reads lines until one holds `"id":` + id; other lines are skipped. For use before the
// clock starts. `rest` receives what arrived behind that line. Returns an empty string or what went wrong.
std::string Exchange(const Endpoint& endpoint, const std::string& out, const std::string& id,
                     double timeout_seconds, std::string* reply, std::string* rest);

}  // namespace loadgen
