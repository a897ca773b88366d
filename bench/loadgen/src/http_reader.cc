#include <strings.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "reader.h"

namespace loadgen {
namespace {

constexpr size_t kMaxHeadBytes = 64 * 1024;
// "ffffffffffffffff;extension\r\n" and more than anybody sends.
constexpr size_t kMaxChunkLine = 1024;

const char* FindEnd(const char* data, size_t length, const char* what) {
  return static_cast<const char*>(memmem(data, length, what, strlen(what)));
}

bool StartsWith(const std::string& text, const char* with) {
  return strncasecmp(text.c_str(), with, strlen(with)) == 0;
}

// The data of the last event in a stream's text; false where none has any.
bool LastEvent(const char* body, size_t length, const char** data, size_t* bytes) {
  static constexpr char kData[] = "data:";
  bool found = false;
  for (const char* line = body; line < body + length;) {
    const char* end = static_cast<const char*>(memchr(line, '\n', static_cast<size_t>(body + length - line)));
    if (end == nullptr) end = body + length;
    const char* from = line + sizeof kData - 1;
    const char* to = end > line && end[-1] == '\r' ? end - 1 : end;
    if (to > from && memcmp(line, kData, sizeof kData - 1) == 0) {
      if (*from == ' ') from++;
      if (to > from) {
        found = true;
        *data = from;
        *bytes = static_cast<size_t>(to - from);
      }
    }
    line = end + 1;
  }
  return found;
}

}  // namespace

std::string HttpReader::Header(const char* name) const {
  const size_t length = strlen(name);
  for (size_t at = head_.find("\r\n"); at != std::string::npos; at = head_.find("\r\n", at + 2)) {
    const char* line = head_.c_str() + at + 2;
    if (strncasecmp(line, name, length) != 0 || line[length] != ':') continue;
    size_t begin = head_.find_first_not_of(" \t", at + 2 + length + 1);
    size_t end = head_.find("\r\n", at + 2);
    return begin < end ? head_.substr(begin, end - begin) : "";
  }
  return "";
}

bool HttpReader::ParseHead() {
  if (strncmp(head_.c_str(), "HTTP/1.1 ", 9) != 0) return false;
  status_ = atoi(head_.c_str() + 9);
  if (status_ < 100 || status_ > 599) return false;
  is_chunked_ = StartsWith(Header("transfer-encoding"), "chunked");
  is_event_stream_ = StartsWith(Header("content-type"), "text/event-stream");
  closes_ = StartsWith(Header("connection"), "close");
  std::string bytes = Header("content-length");
  content_bytes_ = bytes.empty() ? 0 : strtoull(bytes.c_str(), nullptr, 10);
  const bool has_no_body = status_ < 200 || status_ == 202 || status_ == 204 || status_ == 304;
  return is_chunked_ || !bytes.empty() || has_no_body;
}

Reader::Found HttpReader::ReadHead(const char* data, size_t length, size_t* used) {
  // Only its date changes, once a second: the usual head is that of the answer
  // before.
  const bool is_known =
      !head_.empty() && length >= head_.size() && memcmp(data, head_.data(), head_.size()) == 0;
  if (!is_known) {
    const char* end = FindEnd(data, std::min(length, kMaxHeadBytes), "\r\n\r\n");
    if (end == nullptr) return length < kMaxHeadBytes ? Found::kNeedMore : Broken("an endless HTTP head");
    head_.assign(data, static_cast<size_t>(end - data) + 4);
    if (!ParseHead()) return Broken("an HTTP head that is not understood: " + head_.substr(0, 500));
  }
  *used += head_.size();
  if (status_ >= 100 && status_ < 200 && !(status_ == 101 && expects_upgrade_)) {
    head_.clear();
    return Found::kMessage;  // interim: the state stays at the head
  }
  state_ = is_chunked_ ? State::kChunkSize : State::kFixed;
  body_.clear();
  return Found::kMessage;
}

// Appends what is there of the body. kMessage: it is complete.
Reader::Found HttpReader::ReadChunked(const char* data, size_t length, size_t* used) {
  while (*used < length) {
    const char* at = data + *used;
    const size_t left = length - *used;
    if (state_ == State::kChunkData) {
      size_t take = std::min<uint64_t>(chunk_left_, left);
      body_.append(at, take);
      *used += take;
      chunk_left_ -= take;
      if (chunk_left_ == 0) state_ = State::kChunkEnd;
      continue;
    }
    const char* end = FindEnd(at, std::min(left, kMaxChunkLine), "\r\n");
    if (end == nullptr)
      return left < kMaxChunkLine ? Found::kNeedMore : Broken("an endless line between chunks");
    *used += static_cast<size_t>(end - at) + 2;
    if (state_ == State::kChunkSize) {
      char* after = nullptr;
      chunk_left_ = strtoull(at, &after, 16);
      if (after == at) return Broken("a chunk without a size");
      state_ = chunk_left_ > 0 ? State::kChunkData : State::kTrailer;
    } else if (state_ == State::kChunkEnd) {
      if (end != at) return Broken("a chunk that is longer than its size");
      state_ = State::kChunkSize;
    } else if (end == at) {
      return Found::kMessage;
    }
  }
  return Found::kNeedMore;
}

void HttpReader::Deliver(const char* body, size_t length, Message* message) {
  state_ = State::kHead;
  *message = {body, length, status_};
  // The answer is the last message of the stream; the ones before it are
  // notifications.
  if (is_event_stream_ && !LastEvent(body, length, &message->data, &message->length)) message->length = 0;
}

// The next complete event that has data.
bool HttpReader::DeliverEvent(Message* message) {
  for (;;) {
    const size_t plain = body_.find("\n\n"), with_return = body_.find("\r\n\r\n");
    const size_t end = plain < with_return ? plain + 2 : with_return + 4;
    if (plain == std::string::npos && with_return == std::string::npos) return false;
    event_ = body_.substr(0, end);
    body_.erase(0, end);
    *message = {nullptr, 0, status_, true};
    if (LastEvent(event_.data(), event_.size(), &message->data, &message->length)) return true;
  }
}

Reader::Found HttpReader::Next(const char* data, size_t length, size_t* consumed, Message* message) {
  size_t used = 0;
  while (state_ == State::kHead) {
    Found found = ReadHead(data + used, length - used, &used);
    *consumed = used;
    if (found != Found::kMessage) return found;
  }
  if (state_ == State::kFixed) {
    if (length - used < content_bytes_) return Found::kNeedMore;
    Deliver(data + used, content_bytes_, message);
    *consumed = used + content_bytes_;
    return Found::kMessage;
  }
  const bool streams = streaming_ && is_event_stream_;
  if (streams && DeliverEvent(message)) return Found::kMessage;
  Found found = ReadChunked(data, length, &used);
  *consumed = used;
  if (streams && found == Found::kNeedMore && DeliverEvent(message)) return Found::kMessage;
  if (found == Found::kMessage) Deliver(body_.data(), body_.size(), message);
  return found;
}

Reader::Found LineReader::Next(const char* data, size_t length, size_t* consumed, Message* message) {
  const auto* end = static_cast<const char*>(memchr(data, '\n', length));
  *consumed = end == nullptr ? 0 : static_cast<size_t>(end - data) + 1;
  if (end == nullptr) return Found::kNeedMore;
  *message = {data, *consumed - 1};
  return Found::kMessage;
}

std::unique_ptr<Reader> MakeReader(Wire wire) {
  if (wire == Wire::kHttp) return std::make_unique<HttpReader>();
  if (wire == Wire::kWebSocket) return std::make_unique<WebSocketReader>();
  return nullptr;
}

}  // namespace loadgen
