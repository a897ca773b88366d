#pragma once

#include <sys/types.h>

#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connection.h"
#include "link.h"
#include "options.h"
#include "plan.h"
#include "proc_stats.h"

namespace loadgen {

class JsonObject;

// One run: opens all connections, learns the replies with one call each, then
// warm-up, measurement and drain.
class Runner {
 public:
  Runner(const Options& options, const Plan& plan);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Connects or spawns and makes the first calls. Returns an empty string or
  // the reason it failed.
  std::string Open();

  // Loads the server. Call once, after Open.
  std::string Run();

  std::string FirstReply() const { return common_.samples[0].bytes; }
  // Leaves the server alone for options.seconds, then looks at its memory.
  // Instead of Run.
  void StayIdle();

  // Leaves options.connections idle on the server, then loads it on the active
  // ones. Instead of Run.
  std::string RunIdle();

  // What Run measured, or only the start after StayIdle.
  std::string ResultJson() const;

 private:
  struct Snapshot {
    uint64_t at_ns = 0;
    double own_cpu = 0;
    ProcStats server;
    uint64_t replies = 0;
    uint64_t errors = 0;
  };

  bool has_plan() const { return options_.command == Command::kLoad; }
  std::string LearnReplies();
  std::string LearnReply(size_t operation, bool* is_answered);
  std::string OpenIdle();
  uint64_t CountClosedIdle() const;
  uint64_t Unsent() const;
  uint64_t Waiting() const;
  bool IsBehind() const;
  std::string StartLoop();
  Snapshot TakeSnapshot() const;
  std::string LoadJson() const;
  std::string StartJson() const;
  void AddIdle(JsonObject* json) const;
  void AddLoad(JsonObject* json) const;
  void AddServer(JsonObject* json, double seconds) const;
  std::string OperationsJson() const;
  void BeginMeasuring();
  void EndInterval(bool measuring, double at_seconds);
  void WaitForEvents(uint64_t wake_at_ns);
  uint32_t Draw();
  void SendDue(uint64_t now);
  void Pump(size_t index);
  void Handle(size_t index, uint32_t events);
  void HandleConnecting(size_t index);
  bool Act(size_t index, Connection::Io io);
  void Watch(size_t index, int operation, uint32_t events);
  void WatchWrite(size_t index, bool wanted);
  void Drop(size_t index);
  void Reopen(size_t index);
  void ReopenLater(size_t index, const std::string& why);
  void ReopenDue(uint64_t now);
  void Drain();
  void CountLost();
  uint64_t ScheduledAt(uint64_t request) const;

  Options options_;
  Plan plan_;
  Common common_;
  std::shared_ptr<const Requests> requests_;
  Addresses addresses_;
  std::vector<Link> links_;
  std::vector<Link> idle_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<double> weights_;  // of operations, each added to those before it
  uint64_t random_ = 0;
  std::vector<uint64_t> due_;  // open loop: requests scheduled so far, per connection
  std::vector<size_t> due_touched_;
  std::vector<size_t> ready_;                           // connections whose answers were just read
  std::deque<std::pair<uint64_t, size_t>> reopenings_;  // when, and which connection
  uint64_t scheduled_ = 0;  // open loop: requests scheduled so far, all connections
  uint64_t unsent_ = 0;     // of them, when the time was up
  uint64_t sends_left_ = UINT64_MAX;
  uint64_t start_ns_ = 0;
  bool sending_ = true;
  size_t open_ = 0;
  int epoll_ = -1;
  int timer_ = -1;
  pid_t child_ = 0;
  int server_pid_ = 0;
  double first_reply_ms_ = 0;
  Histogram latency_;          // of the whole window, once it is over
  Histogram lateness_;         // open loop: from the scheduled send to the generator's
                               // own turn
  Histogram recent_lateness_;  // of this interval
  Snapshot interval_;          // its beginning
  Snapshot before_;
  Snapshot after_;
  uint64_t closed_later_ = 0;  // idle connections, while the active ones called
  Snapshot before_idle_;
  Snapshot after_idle_;
};

}  // namespace loadgen
