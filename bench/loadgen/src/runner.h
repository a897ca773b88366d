#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "connection.h"
#include "link.h"
#include "options.h"
#include "proc_stats.h"

namespace loadgen {

class JsonObject;

// One run: opens all connections, learns the reply with one call, then warm-up, measurement and drain.
class Runner {
 public:
  explicit Runner(const Options& options) : options_(options) {}
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Connects or spawns and makes the first call. Returns an empty string or the reason it failed.
  std::string Open();

  // Loads the server. Call once, after Open.
  std::string Run();

  const Template& reply() const { return reply_; }
  // Leaves the server alone for options.seconds, then looks at its memory. Instead of Run.
  void StayIdle();

  // Leaves options.connections idle on the server, then loads it on the active ones. Instead of Run.
  std::string RunIdle();

  // What Run measured, or only the start after StayIdle.
  std::string ResultJson() const;

 private:
  struct Snapshot {
    uint64_t at_ns = 0;
    double own_cpu = 0;
    ProcStats server;
  };

  std::string LearnReply();
  std::string OpenIdle();
  uint64_t CountClosedIdle() const;
  uint64_t Waiting() const;
  std::string StartLoop();
  Snapshot TakeSnapshot() const;
  std::string LoadJson() const;
  std::string StartJson() const;
  void AddIdle(JsonObject* json) const;
  void WaitForEvents(uint64_t wake_at_ns);
  void SendDue(uint64_t now);
  void Pump(size_t index);
  void Handle(size_t index, uint32_t events);
  void WatchWrite(size_t index, bool wanted);
  void Drop(size_t index);
  void Drain();
  uint64_t ScheduledAt(uint64_t request) const;

  Options options_;
  Template request_;
  Template reply_;
  std::vector<Link> links_;
  std::vector<Link> idle_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<uint64_t> due_;  // open loop: requests scheduled so far, per connection
  std::vector<size_t> due_touched_;
  uint64_t scheduled_ = 0;  // open loop: requests scheduled so far, all connections
  uint64_t sends_left_ = UINT64_MAX;
  uint64_t window_ = 1;
  uint64_t start_ns_ = 0;
  size_t request_bytes_ = 0;  // with what the wire adds
  bool sending_ = true;
  size_t open_ = 0;
  int epoll_ = -1;
  int timer_ = -1;
  pid_t child_ = 0;
  int server_pid_ = 0;
  double first_reply_ms_ = 0;
  Histogram latency_;
  Histogram lateness_;  // open loop: from the scheduled send to the generator's own turn
  Traffic traffic_;
  Snapshot before_;
  Snapshot after_;
  uint64_t closed_later_ = 0;  // idle connections, while the active ones called
  Snapshot before_idle_;
  Snapshot after_idle_;
};

}  // namespace loadgen
