#include "runner.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace loadgen {
namespace {

constexpr uint64_t kDrainNs = 10ull * 1000000000;
// Open loop: requests a connection may have in flight; beyond it they wait, and their wait is measured. Over
// HTTP/1.1 it is the depth: clients do not send a request before the answer to the last one.
constexpr uint64_t kOpenLoopWindow = 4096;
constexpr uint32_t kTimerEvent = UINT32_MAX;

}  // namespace

Runner::~Runner() {
  for (auto& connection : connections_) connection->CloseEndpoint();
  for (size_t i = connections_.size(); i < links_.size(); i++) Close(&links_[i].endpoint);
  for (Link& link : idle_) Close(&link.endpoint);
  if (epoll_ >= 0) close(epoll_);
  if (timer_ >= 0) close(timer_);
  if (child_ > 0) ReapChild(child_);
}

std::string Runner::Open() {
  if (options_.cpu >= 0 && !PinToCpu(options_.cpu))
    return "cannot pin to CPU " + std::to_string(options_.cpu);
  request_ = BuildRequest(options_);
  const uint64_t begin = NowNs();
  const uint64_t count = options_.command == Command::kIdle ? options_.active : options_.connections;
  for (uint64_t i = 0; i < count; i++) {
    links_.emplace_back();
    std::string problem = OpenLink(options_, request_, &links_.back(), &child_);
    if (!problem.empty()) return problem;
  }
  server_pid_ = options_.server_pid > 0 ? options_.server_pid : child_;
  std::string problem = LearnReply();
  first_reply_ms_ = static_cast<double>(NowNs() - begin) / 1e6;
  return problem;
}

std::string Runner::LearnReply() {
  std::string problem = CallOnce(&links_[0], &reply_.bytes);
  if (!problem.empty()) return "first call: " + problem;
  if (!LocateId(reply_.bytes, kProbeId, &reply_.id_offset)) return "first call: no id in " + reply_.bytes;
  if (reply_.bytes.find("\"result\":") == std::string::npos) {
    return "first call: not a result: " + reply_.bytes.substr(0, 500);
  }
  request_bytes_ = links_[0].request.bytes.size();
  return "";
}

std::string Runner::StartLoop() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  window_ = options_.rate > 0 && options_.wire != Wire::kHttp ? kOpenLoopWindow : options_.depth;
  for (size_t i = 0; i < links_.size(); i++) {
    Link& link = links_[i];
    connections_.push_back(
        std::make_unique<Connection>(link.endpoint, link.request, reply_, window_, std::move(link.reader)));
    link.request.bytes = std::string();
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u32 = static_cast<uint32_t>(i);
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, link.endpoint.read_fd, &event) != 0) {
      return std::string("epoll_ctl: ") + strerror(errno);
    }
  }
  open_ = connections_.size();
  if (options_.rate > 0) {
    due_.resize(connections_.size());
    timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u32 = kTimerEvent;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, timer_, &event);
  }
  // Without a warm-up the number of requests is exact too: a 50 MB request too many would have to be drained.
  if (options_.messages > 0 && options_.warmup_seconds == 0) sends_left_ = options_.messages;
  return "";
}

std::string Runner::Run() {
  std::string problem = StartLoop();
  if (!problem.empty()) return problem;
  start_ns_ = NowNs();
  const uint64_t measure_at = start_ns_ + static_cast<uint64_t>(options_.warmup_seconds * 1e9);
  const uint64_t length_ns = static_cast<uint64_t>(options_.seconds * 1e9);
  uint64_t end_at = measure_at + length_ns;
  bool measuring = false;
  if (options_.rate == 0) {
    for (size_t i = 0; i < connections_.size(); i++) Pump(i);
  }
  while (open_ > 0) {
    uint64_t now = NowNs();
    if (!measuring && now >= measure_at) {
      measuring = true;
      latency_.Reset();
      lateness_.Reset();
      // What went wrong while warming up is wrong all the same.
      traffic_.replies = traffic_.bytes_in = traffic_.bytes_out = 0;
      before_ = TakeSnapshot();
      end_at = before_.at_ns + length_ns;
    }
    // A window without a single reply would have no figures: it goes on to the first one, within reason.
    const bool over = now >= end_at && (traffic_.replies > 0 || now >= end_at + kDrainNs);
    if (measuring && (over || (options_.messages > 0 && traffic_.replies >= options_.messages))) break;
    if (options_.rate > 0) SendDue(now);
    WaitForEvents(measuring ? end_at : measure_at);
  }
  if (!measuring) return traffic_.first_error.empty() ? "every connection closed" : traffic_.first_error;
  after_ = TakeSnapshot();
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
  return snapshot;
}

void Runner::WaitForEvents(uint64_t wake_at_ns) {
  int timeout_ms = 1000;
  uint64_t now = NowNs();
  if (timer_ >= 0 && sending_) {
    uint64_t wake = std::min(wake_at_ns, ScheduledAt(scheduled_));
    itimerspec spec = {};
    spec.it_value.tv_sec = static_cast<time_t>(wake / 1000000000);
    spec.it_value.tv_nsec = static_cast<long>(wake % 1000000000);
    timerfd_settime(timer_, TFD_TIMER_ABSTIME, &spec, nullptr);
  } else {
    uint64_t left = wake_at_ns > now ? wake_at_ns - now : 0;
    timeout_ms = static_cast<int>(std::min<uint64_t>(left / 1000000 + 1, 1000));
  }
  epoll_event events[256];
  int n = epoll_wait(epoll_, events, 256, timeout_ms);
  for (int i = 0; i < n; i++) {
    if (events[i].data.u32 == kTimerEvent) {
      uint64_t expirations = 0;
      if (read(timer_, &expirations, sizeof expirations) < 0) continue;
    } else {
      Handle(events[i].data.u32, events[i].events);
    }
  }
}

uint64_t Runner::ScheduledAt(uint64_t request) const {
  return start_ns_ + static_cast<uint64_t>(static_cast<double>(request) * 1e9 / options_.rate);
}

void Runner::SendDue(uint64_t now) {
  due_touched_.clear();
  for (; ScheduledAt(scheduled_) <= now; scheduled_++) {
    lateness_.Record(now - ScheduledAt(scheduled_));
    size_t index = scheduled_ % connections_.size();
    due_[index]++;
    due_touched_.push_back(index);
  }
  for (size_t index : due_touched_) Pump(index);
}

void Runner::Pump(size_t index) {
  Connection& connection = *connections_[index];
  if (connection.closed) return;
  if (options_.rate > 0) {
    while (connection.enqueued() < due_[index] && connection.in_flight() < window_ &&
           connection.Enqueue(ScheduledAt(connection.enqueued() * connections_.size() + index))) {
    }
  } else if (sending_) {
    const uint64_t now = NowNs();
    while (connection.in_flight() < options_.depth && sends_left_ > 0 && connection.Enqueue(now))
      sends_left_--;
  }
  Connection::Io io = connection.Flush(&traffic_);
  if (io == Connection::Io::kClosed) return Drop(index);
  WatchWrite(index, io == Connection::Io::kBlocked);
}

void Runner::Handle(size_t index, uint32_t events) {
  Connection& connection = *connections_[index];
  if (connection.closed) return;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 &&
      connection.Receive(&latency_, &traffic_) == Connection::Io::kClosed) {
    return Drop(index);
  }
  Pump(index);
}

void Runner::WatchWrite(size_t index, bool wanted) {
  Connection& connection = *connections_[index];
  if (connection.waits_for_write == wanted) return;
  connection.waits_for_write = wanted;
  const Endpoint& endpoint = connection.endpoint();
  epoll_event event = {};
  event.data.u32 = static_cast<uint32_t>(index);
  if (endpoint.read_fd == endpoint.write_fd) {
    event.events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, endpoint.read_fd, &event);
  } else {
    event.events = EPOLLOUT;
    epoll_ctl(epoll_, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, endpoint.write_fd, &event);
  }
}

void Runner::Drop(size_t index) {
  Connection& connection = *connections_[index];
  traffic_.AddError("the server closed a connection with " + std::to_string(connection.in_flight()) +
                    " requests in flight");
  connection.CloseEndpoint();
  connection.closed = true;
  open_--;
}

uint64_t Runner::Waiting() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < connections_.size(); i++) {
    const Connection& connection = *connections_[i];
    if (connection.closed) continue;
    sum +=
        options_.rate > 0 ? due_[i] - connection.enqueued() + connection.in_flight() : connection.in_flight();
  }
  return sum;
}

// Every request must be answered, also those of the last instant. In an open loop they count: a server that
// stands still when the time is up made them wait.
void Runner::Drain() {
  const Traffic measured = traffic_;
  const Histogram latency = latency_;
  sending_ = false;
  const uint64_t until = NowNs() + kDrainNs;
  while (open_ > 0 && Waiting() > 0 && NowNs() < until) WaitForEvents(until);
  uint64_t lost = Waiting();
  if (lost > 0) traffic_.AddError(std::to_string(lost) + " requests were never answered");
  traffic_.replies = measured.replies;
  traffic_.bytes_in = measured.bytes_in;
  traffic_.bytes_out = measured.bytes_out;
  if (options_.rate == 0) latency_ = latency;
}

}  // namespace loadgen
