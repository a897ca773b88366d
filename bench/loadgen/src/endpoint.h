#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "options.h"

namespace loadgen {

// Monotonic nanoseconds.
uint64_t NowNs();

// The two directions of one connection; the same descriptor for sockets.
// Non-blocking.
struct Endpoint {
  int read_fd = -1;
  int write_fd = -1;
};

// Where the server of a run is: what its name resolved to, the address that
// answered first.
struct Address {
  sockaddr_storage address = {};
  socklen_t length = 0;
};
using Addresses = std::vector<Address>;

// Opens one connection to options.url and waits for it; the first call fills
// `addresses`. Returns an empty string or the reason it failed.
std::string Connect(const Options& options, Addresses* addresses, Endpoint* endpoint);

// Begins to open one more. It is open once it can be written to and
// FinishConnect says so.
std::string StartConnect(const Addresses& addresses, Endpoint* endpoint);
std::string FinishConnect(const Endpoint& endpoint);

// Starts options.child with its stdin and stdout on the endpoint; stderr is
// inherited.
std::string SpawnChild(const Options& options, Endpoint* endpoint, pid_t* child);

void Close(Endpoint* endpoint);

// Cuts the connection: the other side sees a reset, and no port of ours waits
// for stragglers afterwards.
void Reset(Endpoint* endpoint);

// Ends the child: end of input first, SIGTERM after 2 s, SIGKILL after 2 more.
void ReapChild(pid_t child);

bool PinToCpu(int cpu);

// As many descriptors as the system lets this process have.
void RaiseDescriptorLimit();

// Moves bytes in whichever direction is ready: `out` from `written` on, and
// what there is to read to the end of `in`. Returns an empty string or what
// went wrong.
std::string MoveBytes(const Endpoint& endpoint, const std::string& out, size_t* written, std::string* in);

}  // namespace loadgen
