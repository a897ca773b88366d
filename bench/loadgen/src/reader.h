#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "options.h"

namespace loadgen {

// Finds messages in the bytes of a connection. Under load lines have no reader:
// Connection looks for newlines itself.
class Reader {
 public:
  // A whole message. It lies in the bytes given to Next or in the reader, until
  // the next call.
  struct Message {
    const char* data = nullptr;
    size_t length = 0;
    int status = 200;         // of its HTTP answer
    bool is_partial = false;  // one event of a stream that goes on
  };
  enum class Found { kMessage, kNeedMore, kBroken };

  virtual ~Reader() = default;

  // `data` starts at the first byte that was not consumed. Whatever comes back,
  // `consumed` bytes are done with; after kNeedMore the call is made again when
  // there are more. kBroken: problem() says why.
  virtual Found Next(const char* data, size_t length, size_t* consumed, Message* message) = 0;

  const std::string& problem() const { return problem_; }

  // Every message answers the oldest request, whatever is in it.
  virtual bool in_order() const { return false; }

  // The server will close the connection behind this message.
  virtual bool closes() const { return false; }

  // Whether the messages of an event stream are delivered one by one instead of
  // the last one at its end.
  virtual void SetStreaming(bool) {}

  // Bytes that have to go to the server between two requests, such as the
  // answer to a ping.
  std::string control;

 protected:
  Found Broken(const std::string& problem) {
    problem_ = problem;
    return Found::kBroken;
  }

 private:
  std::string problem_;
};

// Answers of HTTP/1.1: Content-Length, chunked, and of an event stream its last
// message.
class HttpReader : public Reader {
 public:
  Found Next(const char* data, size_t length, size_t* consumed, Message* message) override;
  bool in_order() const override { return true; }
  bool closes() const override { return closes_; }
  void SetStreaming(bool streaming) override { streaming_ = streaming; }

  // The value of a header field of the last answer; empty where it has none.
  // Case does not matter.
  std::string Header(const char* name) const;
  // Accepts 101 and whatever follows it belongs to somebody else.
  void ExpectUpgrade() { expects_upgrade_ = true; }

 private:
  enum class State { kHead, kFixed, kChunkSize, kChunkData, kChunkEnd, kTrailer };

  Found ReadHead(const char* data, size_t length, size_t* used);
  bool ParseHead();
  Found ReadChunked(const char* data, size_t length, size_t* used);
  bool DeliverEvent(Message* message);
  void Deliver(const char* body, size_t length, Message* message);

  State state_ = State::kHead;
  std::string head_;  // of the last answer, with its empty line
  int status_ = 0;
  bool is_chunked_ = false;
  bool is_event_stream_ = false;
  bool expects_upgrade_ = false;
  bool closes_ = false;
  bool streaming_ = false;
  uint64_t content_bytes_ = 0;
  uint64_t chunk_left_ = 0;
  std::string body_;   // decoded chunks
  std::string event_;  // delivered last, of a stream that goes on
};

// Lines, without their newline. For use before the clock starts.
class LineReader : public Reader {
 public:
  Found Next(const char* data, size_t length, size_t* consumed, Message* message) override;
};

// Frames of RFC 6455 from a server.
class WebSocketReader : public Reader {
 public:
  Found Next(const char* data, size_t length, size_t* consumed, Message* message) override;

 private:
  Found TakeControl(int opcode, const char* payload, size_t length);

  bool in_fragments_ = false;
  std::string fragments_;
};

// The reader of a wire; nullptr for lines.
std::unique_ptr<Reader> MakeReader(Wire wire);

}  // namespace loadgen
