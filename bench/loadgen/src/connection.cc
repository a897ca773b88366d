#include "connection.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace loadgen {
namespace {

constexpr size_t kReadBytes = 128 * 1024;
constexpr size_t kMaxRingBytes = 64 << 20;
// Replies below this size are compared byte for byte more often; the others cost too much.
constexpr size_t kSmallReplyBytes = 64 * 1024;

uint64_t PowerOfTwo(uint64_t at_least) {
  uint64_t value = 1;
  while (value < at_least) value *= 2;
  return value;
}

std::string Excerpt(const char* line, size_t length) {
  return std::string(line, std::min<size_t>(length, 200));
}

}  // namespace

Connection::Connection(const Endpoint& endpoint, const Template& request, const Template& reply,
                       uint64_t window, std::unique_ptr<Reader> reader)
    : endpoint_(endpoint),
      request_bytes_(request.bytes.size()),
      id_offset_(request.id_offset),
      reply_(reply),
      reader_(std::move(reader)) {
  memcpy(id_mask_, request.id_mask, kIdDigits);
  slots_ = PowerOfTwo(window);
  while (slots_ > 1 && slots_ * request_bytes_ > kMaxRingBytes) slots_ /= 2;
  out_.reserve(slots_ * request_bytes_);
  for (uint64_t i = 0; i < slots_; i++) out_.insert(out_.end(), request.bytes.begin(), request.bytes.end());
  // Four windows: a reply that is late holds back the head while others of its window come and go.
  uint64_t entries = PowerOfTwo(window * 4);
  mask_ = entries - 1;
  sent_at_.resize(entries);
  done_.resize(entries);
  in_.resize(kReadBytes);
}

bool Connection::Enqueue(uint64_t from_ns) {
  const size_t size = request_bytes_;
  if (tail_ - head_ > mask_ || (tail_ + 1) * size - written_bytes_ > slots_ * size) return false;
  char* id = &out_[(tail_ & (slots_ - 1)) * size + id_offset_];
  for (size_t i = 0; i < kIdDigits; i++) id[i] = static_cast<char>(next_id_.digits()[i] ^ id_mask_[i]);
  next_id_.Next();
  sent_at_[tail_ & mask_] = from_ns;
  tail_++;
  return true;
}

// Between two requests: puts out what the reader has to say to the server.
Connection::Io Connection::WriteControl() {
  if (reader_ == nullptr || reader_->control.empty() || written_bytes_ % request_bytes_ != 0) return Io::kOk;
  ssize_t n = write(endpoint_.write_fd, reader_->control.data(), reader_->control.size());
  if (n < 0) return errno == EAGAIN || errno == EINTR ? Io::kBlocked : Io::kClosed;
  reader_->control.erase(0, static_cast<size_t>(n));
  return reader_->control.empty() ? Io::kOk : Io::kBlocked;
}

Connection::Io Connection::Flush(Traffic* traffic) {
  Io control = WriteControl();
  if (control != Io::kOk) return control;
  const uint64_t end = tail_ * request_bytes_;
  while (written_bytes_ < end) {
    size_t at = written_bytes_ % out_.size();
    size_t length = end - written_bytes_;
    size_t first = std::min(length, out_.size() - at);
    iovec parts[2] = {{&out_[at], first}, {out_.data(), length - first}};
    ssize_t n =
        length > first ? writev(endpoint_.write_fd, parts, 2) : write(endpoint_.write_fd, &out_[at], first);
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? Io::kBlocked : Io::kClosed;
    }
    written_bytes_ += static_cast<uint64_t>(n);
    traffic->bytes_out += static_cast<uint64_t>(n);
  }
  return WriteControl();
}

Connection::Io Connection::Receive(Histogram* latency, Traffic* traffic) {
  for (;;) {
    size_t space = in_.size() - in_end_;
    ssize_t n = read(endpoint_.read_fd, &in_[in_end_], space);
    if (n == 0) return Io::kClosed;
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? Io::kOk : Io::kClosed;
    }
    traffic->bytes_in += static_cast<uint64_t>(n);
    in_end_ += static_cast<size_t>(n);
    if (reader_ == nullptr) {
      TakeLines(NowNs(), latency, traffic);
    } else if (!TakeMessages(NowNs(), latency, traffic)) {
      return Io::kClosed;
    }
    Compact();
    if (static_cast<size_t>(n) < space) return Io::kOk;
  }
}

void Connection::TakeLines(uint64_t now, Histogram* latency, Traffic* traffic) {
  const size_t size = reply_.bytes.size();
  for (;;) {
    const char* line = &in_[in_begin_];
    while (in_end_ - in_begin_ >= size && line[size - 1] == '\n' && head_ < tail_ &&
           memcmp(line + reply_.id_offset, head_id_.digits(), kIdDigits) == 0) {
      CheckExact(line, traffic);
      latency->Record(now - sent_at_[head_ & mask_]);
      traffic->replies++;
      Advance();
      in_begin_ += size;
      line += size;
    }
    scanned_ = std::max(scanned_, in_begin_);
    const void* newline = scanned_ < in_end_ ? memchr(&in_[scanned_], '\n', in_end_ - scanned_) : nullptr;
    if (newline == nullptr) break;
    size_t length = static_cast<size_t>(static_cast<const char*>(newline) - line) + 1;
    TakeOther(line, length, now, latency, traffic);
    in_begin_ += length;
  }
  scanned_ = in_end_;
}

// False when the server sent what its wire does not allow.
bool Connection::TakeMessages(uint64_t now, Histogram* latency, Traffic* traffic) {
  for (;;) {
    Reader::Message message;
    size_t consumed = 0;
    Reader::Found found = reader_->Next(&in_[in_begin_], in_end_ - in_begin_, &consumed, &message);
    in_begin_ += consumed;
    if (found == Reader::Found::kNeedMore) return true;
    if (found == Reader::Found::kBroken) {
      traffic->AddError(reader_->problem());
      return false;
    }
    TakeMessage(message, now, latency, traffic);
  }
}

void Connection::TakeMessage(const Reader::Message& message, uint64_t now, Histogram* latency,
                             Traffic* traffic) {
  const bool is_usual = message.status == 200 && message.length == reply_.bytes.size() && head_ < tail_ &&
                        memcmp(message.data + reply_.id_offset, head_id_.digits(), kIdDigits) == 0;
  if (!is_usual && !reader_->in_order())
    return TakeOther(message.data, message.length, now, latency, traffic);
  if (head_ == tail_) {
    return traffic->AddError("an answer to no request: " + Excerpt(message.data, message.length));
  }
  if (is_usual) {
    CheckExact(message.data, traffic);
  } else {
    traffic->AddError("a different answer: HTTP " + std::to_string(message.status) + ": " +
                      Excerpt(message.data, message.length));
  }
  latency->Record(now - sent_at_[head_ & mask_]);
  traffic->replies++;
  Advance();
}

// Moves the rest to the front only when it is small or the buffer is used up: a large reply is moved once.
void Connection::Compact() {
  size_t rest = in_end_ - in_begin_;
  if (rest == 0 || in_begin_ >= kReadBytes / 2) {
    memmove(in_.data(), &in_[in_begin_], rest);
    scanned_ = scanned_ > in_begin_ ? scanned_ - in_begin_ : 0;
    in_begin_ = 0;
    in_end_ = rest;
  }
  if (in_.size() - in_end_ < kReadBytes / 2) {
    in_.resize(std::max(in_.size() * 2, reply_.bytes.size() + kReadBytes));
  }
}

// The way of every message that is not the expected reply: another order, another length, a notification.
void Connection::TakeOther(const char* line, size_t length, uint64_t now, Histogram* latency,
                           Traffic* traffic) {
  const bool expected_length = length == reply_.bytes.size();
  size_t at = reply_.id_offset;
  if (!expected_length) {
    static constexpr char kKey[] = "\"id\":";
    const void* key = memmem(line, length, kKey, sizeof kKey - 1);
    if (key == nullptr) {
      traffic->extra_frames++;
      return;
    }
    at = static_cast<size_t>(static_cast<const char*>(key) - line) + sizeof kKey - 1;
  }
  uint64_t id = 0;
  size_t digits = 0;
  for (; at + digits < length && line[at + digits] >= '0' && line[at + digits] <= '9'; digits++) {
    id = id * 10 + static_cast<uint64_t>(line[at + digits] - '0');
  }
  if (digits != kIdDigits)
    return traffic->AddError("a message without the id where it belongs: " + Excerpt(line, length));
  uint64_t ahead = (id - kFirstId + kIdCount - head_ % kIdCount) % kIdCount;
  if (id < kFirstId || ahead >= tail_ - head_ || done_[(head_ + ahead) & mask_] != 0) {
    return traffic->AddError("a reply to a request that is not in flight: " + Excerpt(line, length));
  }
  if (!expected_length || !IsExact(line)) traffic->AddError("a different reply: " + Excerpt(line, length));
  latency->Record(now - sent_at_[(head_ + ahead) & mask_]);
  traffic->replies++;
  if (ahead == 0) return Advance();
  done_[(head_ + ahead) & mask_] = 1;
  done_ahead_++;
}

// Whole comparison, the id apart.
bool Connection::IsExact(const char* line) const {
  const size_t after = reply_.id_offset + kIdDigits;
  return memcmp(line, reply_.bytes.data(), reply_.id_offset) == 0 &&
         memcmp(line + after, reply_.bytes.data() + after, reply_.bytes.size() - after) == 0;
}

void Connection::CheckExact(const char* line, Traffic* traffic) const {
  bool wanted = head_ < 4 || head_ % 1024 == 0 || (head_ < 64 && reply_.bytes.size() < kSmallReplyBytes);
  if (wanted && !IsExact(line)) {
    traffic->AddError("a different reply: " + Excerpt(line, reply_.bytes.size()));
  }
}

void Connection::Advance() {
  do {
    head_++;
    head_id_.Next();
    if (done_ahead_ == 0) return;
    uint8_t& done = done_[head_ & mask_];
    if (done == 0) return;
    done = 0;
    done_ahead_--;
  } while (head_ < tail_);
}

}  // namespace loadgen
