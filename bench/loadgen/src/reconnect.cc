// Connections that end while a run goes on.
#include <sys/epoll.h>

#include "runner.h"

namespace loadgen {
namespace {

// Between two attempts to reach a server that refuses connections.
constexpr uint64_t kRetryNs = 50000000;

}  // namespace

// The server closed the connection, or broke it.
void Runner::Drop(size_t index) {
  Connection& connection = *connections_[index];
  const uint64_t lost = connection.in_flight();
  const std::string why =
      "the server closed a connection with " + std::to_string(lost) + " requests in flight";
  // Between two requests HTTP allows it.
  const bool is_allowed = has_plan() && options_.wire == Wire::kHttp && lost == 0;
  if (has_plan() && lost > 0) {
    connection.LoseRequests(why);
  } else if (!is_allowed) {
    common_.tally.AddError(why);
  }
  if (options_.reconnect && options_.child.empty()) return Reopen(index);
  connection.CloseEndpoint();
  connection.Forget();
  connection.state = Connection::State::kAway;
  open_--;
}

void Runner::Reopen(size_t index) {
  std::string problem = connections_[index]->Reopen(addresses_);
  if (!problem.empty()) return ReopenLater(index, problem);
  Watch(index, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

void Runner::ReopenLater(size_t index, const std::string& why) {
  Connection& connection = *connections_[index];
  common_.tally.AddError(why);
  connection.CloseEndpoint();
  connection.state = Connection::State::kAway;
  reopenings_.emplace_back(NowNs() + kRetryNs, index);
}

void Runner::ReopenDue(uint64_t now) {
  while (!reopenings_.empty() && reopenings_.front().first <= now) {
    const size_t index = reopenings_.front().second;
    reopenings_.pop_front();
    Reopen(index);
  }
}

void Runner::HandleConnecting(size_t index) {
  Connection& connection = *connections_[index];
  std::string problem = FinishConnect(connection.endpoint());
  if (!problem.empty()) return ReopenLater(index, problem);
  Watch(index, EPOLL_CTL_MOD, EPOLLIN);
  connection.BeginHandshake();
  Pump(index);
}

}  // namespace loadgen
