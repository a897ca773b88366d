#include "connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "scan.h"

namespace loadgen {
namespace {

constexpr size_t kReadBytes = 128 * 1024;
// Requests that wait to be written; more of them wait to be made.
constexpr size_t kMaxOutBytes = 64 << 20;
// Requests of a connection there is room for at first.
constexpr uint64_t kFirstRequests = 16;
// Replies below this size are compared byte for byte more often; the others
// cost too much.
constexpr size_t kSmallReplyBytes = 64 * 1024;
constexpr size_t kMaxCancelled = 4096;
constexpr char kAcknowledged[] = "notifications/subscriptions/acknowledged";
constexpr char kSubscriptionId[] = "\"io.modelcontextprotocol/subscriptionId\"";

std::string Excerpt(const char* text, size_t length) {
  return std::string(text, std::min<size_t>(length, 200));
}

void PatchId(char* id, const char* digits, const char* mask) {
  for (size_t i = 0; i < kIdDigits; i++) id[i] = static_cast<char>(digits[i] ^ mask[i]);
}

// The number the digits are; 0 where they are no id of ours.
uint64_t ParseId(const char* digits, size_t count) {
  uint64_t id = 0;
  for (size_t i = 0; i < count && count == kIdDigits; i++) {
    if (digits[i] < '0' || digits[i] > '9') return 0;
    id = id * 10 + static_cast<uint64_t>(digits[i] - '0');
  }
  return id;
}

}  // namespace

Connection::Connection(Common* common, Link* link)
    : common_(common),
      endpoint_(link->endpoint),
      messages_(std::move(link->requests)),
      reader_(std::move(link->reader)) {
  in_.Append(link->rest.data(), link->rest.size());
  requests_.resize(kFirstRequests);
  mask_ = kFirstRequests - 1;
}

bool Connection::HasRoom() const {
  // Four windows: a reply that is late holds back the head while others of its
  // window come and go.
  return in_flight() < common_->window && tail_ - head_ < common_->window * 4 &&
         (out_.size() == 0 || out_.size() < kMaxOutBytes);
}

void Connection::Grow() {
  std::vector<Request> grown(requests_.size() * 2);
  const uint64_t mask = grown.size() - 1;
  for (uint64_t i = head_; i < tail_; i++) grown[i & mask] = at(i);
  requests_ = std::move(grown);
  mask_ = mask;
}

void Connection::Enqueue(uint32_t operation, uint64_t from_ns) {
  if (tail_ - head_ > mask_) Grow();
  const Template& message = messages_->operations[operation];
  char* bytes = out_.Append(message.bytes.data(), message.bytes.size());
  PatchId(bytes + message.id_offset, next_id_.digits(), message.id_mask);
  next_id_.Next();
  at(tail_) = {from_ns, operation, false};
  tail_++;
}

Connection::Io Connection::Flush() {
  if (reader_ != nullptr && !reader_->control.empty()) {
    out_.Append(reader_->control.data(), reader_->control.size());
    reader_->control.clear();
  }
  while (out_.size() > 0) {
    ssize_t n = write(endpoint_.write_fd, out_.data(), out_.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? Io::kBlocked : Io::kClosed;
    }
    common_->tally.bytes_out += static_cast<uint64_t>(n);
    out_.Consume(static_cast<size_t>(n));
  }
  return Io::kOk;
}

Connection::Io Connection::Receive() {
  std::vector<char>& scratch = common_->scratch;
  scratch.resize(kReadBytes);
  for (;;) {
    // Bytes of a message that is not whole are read behind those of it that are
    // there.
    const bool is_continued = in_.size() > 0;
    char* space = is_continued ? in_.Space(kReadBytes / 2) : scratch.data();
    const size_t room = is_continued ? in_.space() : scratch.size();
    ssize_t n = read(endpoint_.read_fd, space, room);
    if (n == 0) return Io::kClosed;
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? Io::kOk : Io::kClosed;
    }
    common_->tally.bytes_in += static_cast<uint64_t>(n);
    now_ = NowNs();
    size_t consumed = 0;
    Io io;
    if (is_continued) {
      in_.Grew(static_cast<size_t>(n));
      io = Take(in_.data(), in_.size(), &consumed);
      in_.Consume(consumed);
    } else {
      scanned_ = 0;
      io = Take(scratch.data(), static_cast<size_t>(n), &consumed);
      const size_t rest = static_cast<size_t>(n) - consumed;
      if (rest > 0) in_.Append(scratch.data() + consumed, rest);
    }
    if (io != Io::kOk || static_cast<size_t>(n) < room) return io;
  }
}

Connection::Io Connection::Take(const char* data, size_t length, size_t* consumed) {
  *consumed = 0;
  if (handshake_ != nullptr) {
    Io io = TakeHandshake(data, length, consumed);
    if (io != Io::kOk || handshake_ != nullptr) return io;
  }
  size_t more = 0;
  Io io = Io::kOk;
  if (reader_ == nullptr) {
    more = TakeLines(data + *consumed, length - *consumed);
  } else {
    io = TakeMessages(data + *consumed, length - *consumed, &more);
  }
  *consumed += more;
  return io;
}

Connection::Io Connection::TakeHandshake(const char* data, size_t length, size_t* consumed) {
  std::string problem = handshake_->Take(data, length, consumed);
  out_.Append(handshake_->out.data(), handshake_->out.size());
  handshake_->out.clear();
  if (!problem.empty()) {
    common_->tally.AddError(problem);
    return Io::kClosed;
  }
  if (!handshake_->done()) return Io::kOk;
  reader_ = handshake_->TakeReader();
  handshake_.reset();
  state = State::kReady;
  return Io::kOk;
}

// Takes whole lines; returns the bytes they had.
size_t Connection::TakeLines(const char* data, size_t length) {
  size_t done = 0;
  for (;;) {
    size_t bytes = 0;
    while (TakeUsualLine(data + done, length - done, &bytes)) done += bytes;
    const size_t from = std::max(scanned_, done);
    const void* newline = from < length ? memchr(data + from, '\n', length - from) : nullptr;
    if (newline == nullptr) break;
    const size_t end = static_cast<size_t>(static_cast<const char*>(newline) - data);
    TakeOther(data + done, end - done);
    done = end + 1;
  }
  scanned_ = length - done;
  return done;
}

// A line that answers the oldest request as its first reply did is taken
// without looking for its end.
bool Connection::TakeUsualLine(const char* line, size_t length, size_t* bytes) {
  if (head_ == tail_) return false;
  const Sample& sample = common_->samples[at(head_).operation];
  const size_t size = sample.bytes.size();
  if (size == 0 || length <= size || line[size] != '\n' || !IsUsual(sample, line)) return false;
  Finish(head_);
  *bytes = size + 1;
  return true;
}

Connection::Io Connection::TakeMessages(const char* data, size_t length, size_t* consumed) {
  for (*consumed = 0;;) {
    Reader::Message message;
    size_t used = 0;
    const bool is_subscription =
        head_ < tail_ && common_->plan.operations[at(head_).operation].expect == Expect::kSubscription;
    reader_->SetStreaming(is_subscription);
    Reader::Found found = reader_->Next(data + *consumed, length - *consumed, &used, &message);
    *consumed += used;
    if (found == Reader::Found::kNeedMore) return Io::kOk;
    if (found == Reader::Found::kBroken) {
      common_->tally.AddError(reader_->problem());
      return Io::kClosed;
    }
    Io io = TakeAnswer(message);
    if (io != Io::kOk) return io;
  }
}

Connection::Io Connection::TakeAnswer(const Reader::Message& message) {
  if (head_ < tail_ && message.status == 200 && !message.is_partial) {
    const Sample& sample = common_->samples[at(head_).operation];
    if (message.length == sample.bytes.size() && message.length > 0 && IsUsual(sample, message.data)) {
      Finish(head_);
      return reader_->closes() ? Io::kReopen : Io::kOk;
    }
  }
  if (!reader_->in_order()) {
    TakeOther(message.data, message.length);
    return Io::kOk;
  }
  if (head_ == tail_) {
    common_->tally.AddError("an answer to no request: " + Excerpt(message.data, message.length));
    return Io::kClosed;
  }
  if (message.is_partial) {
    MessageFacts facts;
    const bool is_object = ScanMessage(message.data, message.length, &facts);
    const bool is_note = is_object && facts.method != nullptr;
    if (is_note && std::string(facts.method, facts.method_bytes) != kAcknowledged) return Io::kOk;
    if (!is_note) Check(head_, message.data, message.length, message.status);
    Finish(head_);
    return Io::kReopen;
  }
  Check(head_, message.data, message.length, message.status);
  Finish(head_);
  return reader_->closes() ? Io::kReopen : Io::kOk;
}

// The way of every message that is not the expected reply: another order,
// another length, a notification.
void Connection::TakeOther(const char* text, size_t length) {
  MessageFacts facts;
  Tally& tally = common_->tally;
  if (!ScanMessage(text, length, &facts)) return tally.AddError("no JSON object: " + Excerpt(text, length));
  if (facts.method != nullptr) return TakeNotification(text, length);
  if (facts.id == nullptr || ParseId(facts.id, facts.id_bytes) == 0) {
    return tally.AddError("a message without the id where it belongs: " + Excerpt(text, length));
  }
  uint64_t sequence = 0;
  if (FindInFlight(facts.id, facts.id_bytes, &sequence)) {
    Check(sequence, text, length, 200);
    return Finish(sequence);
  }
  if (!IsCancelled(facts.id, facts.id_bytes)) {
    tally.AddError("a reply to a request that is not in flight: " + Excerpt(text, length));
  }
}

void Connection::TakeNotification(const char* text, size_t length) {
  const char* digits = nullptr;
  size_t count = 0;
  uint64_t sequence = 0;
  common_->tally.extra_frames++;
  if (common_->plan.cancel.bytes.empty() ||
      memmem(text, length, kAcknowledged, sizeof kAcknowledged - 1) == nullptr ||
      !FindNumber(text, length, kSubscriptionId, &digits, &count) ||
      !FindInFlight(digits, count, &sequence)) {
    return;
  }
  if (common_->plan.operations[at(sequence).operation].expect == Expect::kSubscription) {
    Acknowledge(sequence, digits);
  }
}

// The subscription counts, and ends.
void Connection::Acknowledge(uint64_t sequence, const char* digits) {
  const Template& cancel = messages_->cancel;
  char* bytes = out_.Append(cancel.bytes.data(), cancel.bytes.size());
  PatchId(bytes + cancel.id_offset, digits, cancel.id_mask);
  cancelled_.push_back(ParseId(digits, kIdDigits));
  if (cancelled_.size() > kMaxCancelled) cancelled_.pop_front();
  Finish(sequence);
}

bool Connection::FindInFlight(const char* digits, size_t count, uint64_t* sequence) {
  const uint64_t id = ParseId(digits, count);
  if (id < kFirstId) return false;
  const uint64_t ahead = (id - kFirstId + kIdCount - head_ % kIdCount) % kIdCount;
  *sequence = head_ + ahead;
  return ahead < tail_ - head_ && !at(*sequence).done;
}

bool Connection::IsCancelled(const char* digits, size_t count) {
  auto found = std::find(cancelled_.begin(), cancelled_.end(), ParseId(digits, count));
  if (found == cancelled_.end()) return false;
  cancelled_.erase(found);
  return true;
}

// Counts an error where `text` is not what its operation wants.
void Connection::Check(uint64_t sequence, const char* text, size_t length, int status) {
  const uint32_t operation = at(sequence).operation;
  const Sample& sample = common_->samples[operation];
  const Expect expect = common_->plan.operations[operation].expect;
  MessageFacts facts;
  uint64_t answered = 0;
  if (expect == Expect::kExact && status == 200 && length == sample.bytes.size() && IsExact(sample, text) &&
      FindInFlight(text + sample.id_offset, kIdDigits, &answered) && answered == sequence) {
    return;
  }
  const std::string excerpt =
      (status == 200 ? "" : "HTTP " + std::to_string(status) + ": ") + Excerpt(text, length);
  std::string problem;
  if (expect == Expect::kExact) {
    problem = "a different reply: ";
  } else if (!ScanMessage(text, length, &facts)) {
    problem = "no JSON object: ";
  } else if (facts.has_error || status != 200) {
    problem = "an error: ";
  } else if (facts.id == nullptr || !FindInFlight(facts.id, facts.id_bytes, &answered) ||
             answered != sequence) {
    problem = "an answer to another request: ";
  } else if (expect == Expect::kSubscription) {
    problem = "a subscription that ended before it was acknowledged: ";
  } else if (facts.is_tool_error) {
    problem = "a result with isError: ";
  } else if (!facts.has_result) {
    problem = "neither result nor error: ";
  }
  if (!problem.empty()) common_->tally.AddError(operation, problem + excerpt);
}

// Whole comparison, the id apart.
bool Connection::IsExact(const Sample& sample, const char* text) const {
  const size_t after = sample.id_offset + kIdDigits;
  return memcmp(text, sample.bytes.data(), sample.id_offset) == 0 &&
         memcmp(text + after, sample.bytes.data() + after, sample.bytes.size() - after) == 0;
}

// Whether `text`, as long as the sample, answers the oldest request. Where the
// bytes have to be the same they are compared now and then, which finds a
// server that does not echo; elsewhere they show that all is well.
bool Connection::IsUsual(const Sample& sample, const char* text) {
  if (memcmp(text + sample.id_offset, head_id_.digits(), kIdDigits) != 0) return false;
  if (common_->plan.operations[at(head_).operation].expect != Expect::kExact) return IsExact(sample, text);
  const bool wanted =
      head_ < 4 || head_ % 1024 == 0 || (head_ < 64 && sample.bytes.size() < kSmallReplyBytes);
  return !wanted || IsExact(sample, text);
}

void Connection::Finish(uint64_t sequence) {
  Request& request = at(sequence);
  common_->tally.Record(request.operation, now_ - request.from_ns);
  if (sequence == head_) return Advance();
  request.done = true;
  done_ahead_++;
}

void Connection::Advance() {
  do {
    head_++;
    head_id_.Next();
    if (done_ahead_ == 0) return;
    Request& request = at(head_);
    if (!request.done) return;
    request.done = false;
    done_ahead_--;
  } while (head_ < tail_);
}

void Connection::LoseRequests(const std::string& why) {
  const uint64_t now = common_->options.rate > 0 ? NowNs() : 0;
  for (uint64_t i = head_; i < tail_; i++) {
    const Request& request = at(i);
    if (!request.done) common_->tally.Lose(request.operation, why, now > 0 ? now - request.from_ns : 0);
  }
}

void Connection::EndSession() {
  const std::string& farewell = messages_->farewell;
  if (state != State::kReady || farewell.empty() || out_.size() > 0) return;
  if (write(endpoint_.write_fd, farewell.data(), farewell.size()) > 0) shutdown(endpoint_.write_fd, SHUT_WR);
}

void Connection::Forget() {
  out_.Clear();
  in_.Clear();
  scanned_ = 0;
  cancelled_.clear();
  handshake_.reset();
  head_ = tail_;
  head_id_ = next_id_;
  done_ahead_ = 0;
  for (Request& request : requests_) request.done = false;
}

std::string Connection::Reopen(const Addresses& addresses) {
  Reset(&endpoint_);
  Forget();
  waits_for_write = false;
  state = State::kConnecting;
  return StartConnect(addresses, &endpoint_);
}

void Connection::BeginHandshake() {
  handshake_ = std::make_unique<Handshake>(common_->options, common_->plan, true);
  out_.Append(handshake_->out.data(), handshake_->out.size());
  handshake_->out.clear();
  state = State::kShakingHands;
  if (!handshake_->done()) return;
  reader_ = handshake_->TakeReader();
  handshake_.reset();
  state = State::kReady;
}

}  // namespace loadgen
