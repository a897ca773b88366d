#include "runner.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "scan.h"
#include "stop.h"

namespace loadgen {
namespace {

constexpr uint64_t kDrainNs = 10ull * 1000000000;
// Whoever ends a run early does not want to wait.
constexpr uint64_t kStoppedDrainNs = 1000000000;
// Open loop: requests a connection may have in flight; beyond it they wait, and
// their wait is measured. Over HTTP/1.1 it is the depth: clients do not send a
// request before the answer to the last one.
constexpr uint64_t kOpenLoopWindow = 4096;
constexpr uint32_t kTimerEvent = UINT32_MAX;
// A server that fails now and then is worth a load; one that fails each time is not.
constexpr int kFirstAttempts = 5;
// How soon a wish to stop is seen.
constexpr uint64_t kStopCheckNs = 50000000;
// Open loop: how often a warm-up that left requests behind is looked at again, and what may always wait.
constexpr uint64_t kSettleNs = 5000000;
// It is waited for as long as the warm-up took, and at least this long.
constexpr uint64_t kLeastSettledNs = 1000000000;
constexpr double kSettledSeconds = 0.01;

}  // namespace

Runner::Runner(const Options& options, const Plan& plan)
    : options_(options), plan_(plan), common_{options_, plan_, {}, 1, {}, {}}, random_(options.seed) {}

Runner::~Runner() {
  for (auto& connection : connections_) {
    connection->EndSession();
    connection->CloseEndpoint();
  }
  for (size_t i = connections_.size(); i < links_.size(); i++) Close(&links_[i].endpoint);
  for (Link& link : idle_) Close(&link.endpoint);
  if (epoll_ >= 0) close(epoll_);
  if (timer_ >= 0) close(timer_);
  if (common_.tally.latencies != nullptr) fclose(common_.tally.latencies);
  if (child_ > 0) ReapChild(child_);
}

std::string Runner::Open() {
  if (options_.cpu >= 0 && !PinToCpu(options_.cpu))
    return "cannot pin to CPU " + std::to_string(options_.cpu);
  requests_ = Prepare(options_, plan_, {});
  const uint64_t begin = NowNs();
  const uint64_t count = options_.command == Command::kIdle ? options_.active : options_.connections;
  for (uint64_t i = 0; i < count; i++) {
    links_.emplace_back();
    std::string problem = OpenLink(options_, plan_, requests_, &addresses_, &links_.back(), &child_);
    if (!problem.empty())
      return count == 1 ? problem : "connection " + std::to_string(i + 1) + ": " + problem;
  }
  server_pid_ = options_.server_pid > 0 ? options_.server_pid : child_;
  std::string problem = LearnReplies();
  first_reply_ms_ = static_cast<double>(NowNs() - begin) / 1e6;
  return problem;
}

std::string Runner::LearnReplies() {
  for (size_t i = 0; i < plan_.operations.size(); i++) {
    common_.samples.emplace_back();
    common_.tally.operations.emplace_back();
    weights_.push_back((i == 0 ? 0 : weights_.back()) + plan_.operations[i].weight);
    if (plan_.operations[i].expect == Expect::kSubscription) continue;
    std::string problem;
    for (int attempt = 0; attempt < (has_plan() ? kFirstAttempts : 1); attempt++) {
      bool is_answered = false;
      problem = LearnReply(i, &is_answered);
      if (problem.empty() || !is_answered) break;
    }
    if (!problem.empty()) return "first call: " + problem;
  }
  return "";
}

std::string Runner::LearnReply(size_t operation, bool* is_answered) {
  Sample& sample = common_.samples[operation];
  std::string problem = CallOnce(options_, &links_[0], operation, &sample.bytes);
  if (!problem.empty()) return problem;
  *is_answered = true;
  MessageFacts facts;
  ScanMessage(sample.bytes.data(), sample.bytes.size(), &facts);
  sample.id_offset = static_cast<size_t>(facts.id - sample.bytes.data());
  const bool is_right = facts.has_result && !(has_plan() && facts.is_tool_error);
  return is_right ? "" : "not a result: " + sample.bytes.substr(0, 500);
}

std::string Runner::StartLoop() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  common_.window = options_.rate == 0             ? options_.depth
                   : options_.window > 0          ? options_.window
                   : options_.wire == Wire::kHttp ? options_.depth
                                                  : kOpenLoopWindow;
  for (size_t i = 0; i < links_.size(); i++) {
    connections_.push_back(std::make_unique<Connection>(&common_, &links_[i]));
    Watch(i, EPOLL_CTL_ADD, EPOLLIN);
  }
  open_ = connections_.size();
  due_.assign(connections_.size(), 0);
  if (options_.messages > 0) sends_left_ = options_.messages;
  if (!options_.latencies.empty()) {
    common_.tally.latencies = fopen(options_.latencies.c_str(), "w");
    if (common_.tally.latencies == nullptr) return options_.latencies + ": " + strerror(errno);
  }
  if (options_.rate == 0) return "";
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u32 = kTimerEvent;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, timer_, &event);
  return "";
}

void Runner::BeginMeasuring() {
  Tally& tally = common_.tally;
  tally.Fold();
  for (OperationTally& operation : tally.operations) {
    operation.total.Reset();
    operation.replies = 0;
  }
  lateness_.Reset();
  recent_lateness_.Reset();
  if (tally.latencies != nullptr && ftruncate(fileno(tally.latencies), 0) == 0) rewind(tally.latencies);
  // What went wrong while warming up is wrong all the same.
  tally.replies = tally.bytes_in = tally.bytes_out = 0;
  before_ = interval_ = TakeSnapshot();
}

std::string Runner::Run() {
  std::string problem = StartLoop();
  if (!problem.empty()) return problem;
  start_ns_ = NowNs();
  uint64_t measure_at = start_ns_ + static_cast<uint64_t>(options_.warmup_seconds * 1e9);
  const uint64_t length_ns = static_cast<uint64_t>(options_.seconds * 1e9);
  const uint64_t interval_ns = options_.interval_ms == 0 ? UINT64_MAX / 4 : options_.interval_ms * 1000000;
  uint64_t end_at = measure_at + length_ns, stop_check_at = start_ns_;
  const uint64_t settle_until = measure_at + std::max(measure_at - start_ns_, kLeastSettledNs);
  bool measuring = false;
  interval_ = TakeSnapshot();
  if (options_.rate == 0) {
    for (size_t i = 0; i < connections_.size(); i++) Pump(i);
  }
  while (open_ > 0 || has_plan()) {
    uint64_t now = NowNs();
    if (now >= stop_check_at) {
      if (StopRequested()) break;
      stop_check_at = now + kStopCheckNs;
    }
    if (!measuring && open_ > 0 && now >= measure_at && now < settle_until && IsBehind()) {
      measure_at = now + kSettleNs;
    }
    if (!measuring && (now >= measure_at || open_ == 0)) {
      if (now - interval_.at_ns > interval_ns / 10) EndInterval(false, 0);
      measuring = true;
      BeginMeasuring();
      measure_at = before_.at_ns;
      end_at = measure_at + length_ns;
    }
    if (open_ == 0) break;
    // A window without a single reply would have no figures: it goes on to the
    // first one, within reason.
    const bool over = now >= end_at && (common_.tally.replies > 0 || now >= end_at + kDrainNs);
    if (measuring && (over || (options_.messages > 0 && common_.tally.replies >= options_.messages))) break;
    if (now >= interval_.at_ns + interval_ns) {
      EndInterval(measuring, (static_cast<double>(now) - static_cast<double>(measure_at)) / 1e9);
    }
    ReopenDue(now);
    if (options_.rate > 0) SendDue(now);
    WaitForEvents(
        std::min({measuring ? end_at : measure_at, interval_.at_ns + interval_ns, now + kStopCheckNs}));
  }
  if (!measuring) {
    if (!has_plan()) {
      return common_.tally.first_error.empty() ? "every connection closed" : common_.tally.first_error;
    }
    BeginMeasuring();
  }
  after_ = TakeSnapshot();
  unsent_ = Unsent();
  EndInterval(true, static_cast<double>(after_.at_ns - before_.at_ns) / 1e9);
  Drain();
  return "";
}

void Runner::StayIdle() {
  before_ = TakeSnapshot();
  poll(nullptr, 0, static_cast<int>(options_.seconds * 1000));
  after_ = TakeSnapshot();
}

Runner::Snapshot Runner::TakeSnapshot() const {
  Snapshot snapshot;
  snapshot.server = ReadProcStats(server_pid_);
  snapshot.own_cpu = OwnCpuSeconds();
  snapshot.at_ns = NowNs();
  snapshot.replies = common_.tally.replies;
  snapshot.errors = common_.tally.errors;
  return snapshot;
}

void Runner::WaitForEvents(uint64_t wake_at_ns) {
  int timeout_ms = 100;
  uint64_t now = NowNs();
  if (timer_ >= 0 && sending_) {
    uint64_t wake = std::min(wake_at_ns, ScheduledAt(scheduled_));
    itimerspec spec = {};
    spec.it_value.tv_sec = static_cast<time_t>(wake / 1000000000);
    spec.it_value.tv_nsec = static_cast<long>(wake % 1000000000);
    timerfd_settime(timer_, TFD_TIMER_ABSTIME, &spec, nullptr);
  } else {
    uint64_t left = wake_at_ns > now ? wake_at_ns - now : 0;
    timeout_ms = static_cast<int>(std::min<uint64_t>(left / 1000000 + 1, 100));
  }
  epoll_event events[256];
  int n = epoll_wait(epoll_, events, 256, timeout_ms);
  ready_.clear();
  for (int i = 0; i < n; i++) {
    if (events[i].data.u32 == kTimerEvent) {
      uint64_t expirations = 0;
      if (read(timer_, &expirations, sizeof expirations) < 0) continue;
    } else {
      Handle(events[i].data.u32, events[i].events);
    }
  }
  // All answers are read before the next requests go out, as other generators do: a server that is woken by
  // one request and put to sleep again before the next comes does more for each.
  for (size_t index : ready_) Pump(index);
}

uint64_t Runner::ScheduledAt(uint64_t request) const {
  return start_ns_ + static_cast<uint64_t>(static_cast<double>(request) * 1e9 / options_.rate);
}

// An operation by weight: the same sequence for the same seed (splitmix64).
uint32_t Runner::Draw() {
  if (weights_.size() == 1) return 0;
  uint64_t z = random_ += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  const double drawn = static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53 * weights_.back();
  auto found = std::upper_bound(weights_.begin(), weights_.end() - 1, drawn);
  return static_cast<uint32_t>(found - weights_.begin());
}

void Runner::SendDue(uint64_t now) {
  due_touched_.clear();
  for (; ScheduledAt(scheduled_) <= now; scheduled_++) {
    recent_lateness_.Record(now - ScheduledAt(scheduled_));
    size_t index = scheduled_ % connections_.size();
    due_[index]++;
    due_touched_.push_back(index);
  }
  for (size_t index : due_touched_) Pump(index);
}

void Runner::Pump(size_t index) {
  Connection& connection = *connections_[index];
  if (connection.state == Connection::State::kAway || connection.state == Connection::State::kConnecting)
    return;
  const bool is_ready = connection.state == Connection::State::kReady;
  if (is_ready && options_.rate > 0) {
    while (connection.enqueued() < due_[index] && connection.HasRoom()) {
      connection.Enqueue(Draw(), ScheduledAt(connection.enqueued() * connections_.size() + index));
    }
  } else if (is_ready && sending_) {
    const uint64_t now = NowNs();
    for (; sends_left_ > 0 && connection.HasRoom(); sends_left_--) connection.Enqueue(Draw(), now);
  }
  Connection::Io io = connection.Flush();
  if (Act(index, io)) WatchWrite(index, io == Connection::Io::kBlocked);
}

// What follows from an attempt to read or write; false when the connection is
// gone.
bool Runner::Act(size_t index, Connection::Io io) {
  if (io == Connection::Io::kClosed) Drop(index);
  if (io == Connection::Io::kReopen) Reopen(index);
  return io == Connection::Io::kOk || io == Connection::Io::kBlocked;
}

void Runner::Handle(size_t index, uint32_t events) {
  Connection& connection = *connections_[index];
  if (connection.state == Connection::State::kAway) return;
  if (connection.state == Connection::State::kConnecting) return HandleConnecting(index);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !Act(index, connection.Receive())) return;
  ready_.push_back(index);
}

void Runner::Watch(size_t index, int operation, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.u32 = static_cast<uint32_t>(index);
  epoll_ctl(epoll_, operation, connections_[index]->endpoint().read_fd, &event);
}

void Runner::WatchWrite(size_t index, bool wanted) {
  Connection& connection = *connections_[index];
  if (connection.waits_for_write == wanted) return;
  connection.waits_for_write = wanted;
  const Endpoint& endpoint = connection.endpoint();
  if (endpoint.read_fd == endpoint.write_fd) {
    return Watch(index, EPOLL_CTL_MOD, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }
  epoll_event event = {};
  event.data.u32 = static_cast<uint32_t>(index);
  event.events = EPOLLOUT;
  epoll_ctl(epoll_, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, endpoint.write_fd, &event);
}

uint64_t Runner::Unsent() const {
  uint64_t sum = 0;
  for (size_t i = 0; options_.rate > 0 && i < connections_.size(); i++) {
    sum += due_[i] - connections_[i]->enqueued();
  }
  return sum;
}

uint64_t Runner::Waiting() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < connections_.size(); i++) {
    const Connection& connection = *connections_[i];
    if (connection.state == Connection::State::kAway) continue;
    if (options_.rate > 0) sum += due_[i] - connection.enqueued();
    sum += connection.in_flight();
  }
  return sum;
}

// Whether more requests wait than what is on its way at any time: a queue that the warm-up left would be
// measured as if the window had made it.
bool Runner::IsBehind() const {
  const auto usual = static_cast<uint64_t>(options_.rate * kSettledSeconds);
  return options_.rate > 0 && Waiting() > std::max<uint64_t>(usual, connections_.size());
}

// Every request must be answered, also those of the last instant. In an open
// loop they count: a server that stands still when the time is up made them
// wait.
void Runner::Drain() {
  Tally& tally = common_.tally;
  const uint64_t replies = tally.replies, bytes_in = tally.bytes_in, bytes_out = tally.bytes_out;
  std::vector<uint64_t> each;
  for (const OperationTally& operation : tally.operations) each.push_back(operation.replies);
  if (options_.rate == 0 && tally.latencies != nullptr) {
    fclose(tally.latencies);
    tally.latencies = nullptr;
  }
  sending_ = false;
  const uint64_t most_ns = StopRequested() ? kStoppedDrainNs : kDrainNs;
  const uint64_t drain_ns = std::min(most_ns, static_cast<uint64_t>(options_.timeout_seconds * 1e9));
  const uint64_t until = NowNs() + drain_ns;
  for (uint64_t now; open_ > 0 && Waiting() > 0 && (now = NowNs()) < until;) {
    ReopenDue(now);
    WaitForEvents(until);
  }
  CountLost();
  if (options_.rate > 0) {
    tally.Fold();
    lateness_.Add(recent_lateness_);
  }
  for (size_t i = 0; i < each.size(); i++) {
    latency_.Add(tally.operations[i].total);
    tally.operations[i].replies = each[i];
  }
  tally.replies = replies;
  tally.bytes_in = bytes_in;
  tally.bytes_out = bytes_out;
}

void Runner::CountLost() {
  const uint64_t waiting = Waiting();
  const std::string why = std::to_string(waiting) + " requests were never answered";
  if (!has_plan()) {
    if (waiting > 0) common_.tally.AddError(why);
    return;
  }
  const std::string unsent = std::to_string(Unsent()) + " requests were never sent";
  // A run that was ended early had no time to be answered: that is no error, but the wait was there.
  const bool is_error = !StopRequested();
  const uint64_t now = NowNs(), count = connections_.size();
  for (uint64_t i = 0; i < count; i++) {
    connections_[i]->LoseRequests(is_error ? why : "");
    for (uint64_t n = connections_[i]->enqueued(); options_.rate > 0 && n < due_[i]; n++) {
      common_.tally.Lose(Draw(), is_error ? unsent : "", now - ScheduledAt(n * count + i));
    }
  }
}

}  // namespace loadgen
