// Connections that are open and say nothing: what they cost the server, and the
// others on it.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "runner.h"

namespace loadgen {
namespace {

// Late frees and lazy growth settle within this time; those of few connections
// sooner.
int SettleMs(uint64_t connections) { return static_cast<int>(std::min<uint64_t>(1000, 100 + connections)); }

}  // namespace

std::string Runner::OpenIdle() {
  idle_.reserve(options_.connections);
  std::string reply;
  for (uint64_t i = 0; i < options_.connections; i++) {
    idle_.emplace_back();
    Link& link = idle_.back();
    std::string problem = OpenLink(options_, plan_, requests_, &addresses_, &link, &child_);
    if (problem.empty()) problem = CallOnce(options_, &link, 0, &reply);
    if (problem.empty() && reply != common_.samples[0].bytes)
      problem = "a different reply: " + reply.substr(0, 200);
    if (!problem.empty()) return "idle connection " + std::to_string(i + 1) + ": " + problem;
  }
  return "";
}

uint64_t Runner::CountClosedIdle() const {
  uint64_t closed = 0;
  for (const Link& link : idle_) {
    char byte;
    if (recv(link.endpoint.read_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) closed++;
  }
  return closed;
}

std::string Runner::RunIdle() {
  // As many calls as the idle connections will make: what calls leave behind is
  // no cost of a connection.
  std::string reply;
  for (uint64_t i = 0; i < options_.connections; i++) {
    std::string problem = CallOnce(options_, &links_[i % links_.size()], 0, &reply);
    if (!problem.empty()) return problem;
  }
  poll(nullptr, 0, SettleMs(options_.connections));
  before_idle_ = TakeSnapshot();
  std::string problem = OpenIdle();
  if (!problem.empty()) return problem;
  poll(nullptr, 0, SettleMs(options_.connections));
  after_idle_ = TakeSnapshot();
  // Connections that were gone by now have not been measured; later on,
  // keep-alive times may run out.
  const uint64_t closed = CountClosedIdle();
  problem = Run();
  if (closed > 0) common_.tally.AddError("the server closed " + std::to_string(closed) + " idle connections");
  closed_later_ = CountClosedIdle() - closed;
  return problem;
}

}  // namespace loadgen
