#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "byte_buffer.h"
#include "endpoint.h"
#include "handshake.h"
#include "link.h"
#include "payload.h"
#include "plan.h"
#include "reader.h"
#include "tally.h"
#include "wire.h"

namespace loadgen {

// The first reply to an operation; empty for subscriptions, whose
// acknowledgement is no reply.
struct Sample {
  std::string bytes;
  size_t id_offset = 0;
};

// What all connections of a run share.
struct Common {
  const Options& options;
  const Plan& plan;
  std::vector<Sample> samples;  // by operation
  uint64_t window = 1;          // most requests in flight on a connection
  Tally tally;
  std::vector<char> scratch;  // bytes just read
};

// One connection under load: requests with their ids patched in, and the window
// of those that wait for their reply. Replies may come in any order; the usual
// order costs one comparison.
class Connection {
 public:
  enum class Io { kOk, kBlocked, kClosed, kReopen };
  enum class State { kReady, kConnecting, kShakingHands, kAway };

  // Takes `link` over.
  Connection(Common* common, Link* link);

  // Whether one more request may be put in; Enqueue then does it. Its latency
  // counts from `from_ns`.
  bool HasRoom() const;
  void Enqueue(uint32_t operation, uint64_t from_ns);

  // Writes what is due.
  Io Flush();

  // Reads all that is there and checks it. kReopen: the connection is of no
  // more use, which is no error.
  Io Receive();

  // Counts what is in flight as errors, with `why`.
  void LoseRequests(const std::string& why);

  // Nothing is in flight or to be written any more.
  void Forget();

  // Closes with a reset, forgets what was in flight and begins to connect anew.
  // Returns what went wrong.
  std::string Reopen(const Addresses& addresses);
  // The new connection stands: says what comes before the first request.
  void BeginHandshake();

  uint64_t in_flight() const { return tail_ - head_ - done_ahead_; }
  uint64_t enqueued() const { return tail_; }
  const Endpoint& endpoint() const { return endpoint_; }
  // Tells the server that a session is over; nobody waits for what it says to that.
  void EndSession();
  void CloseEndpoint() { Close(&endpoint_); }

  State state = State::kReady;   // kept by the event loop
  bool waits_for_write = false;  // registered for EPOLLOUT; kept by the event loop

 private:
  struct Request {
    uint64_t from_ns = 0;
    uint32_t operation = 0;
    bool done = false;  // answered ahead of an older one
  };

  Request& at(uint64_t sequence) { return requests_[sequence & mask_]; }
  void Grow();
  Io Take(const char* data, size_t length, size_t* consumed);
  Io TakeHandshake(const char* data, size_t length, size_t* consumed);
  size_t TakeLines(const char* data, size_t length);
  bool TakeUsualLine(const char* line, size_t length, size_t* bytes);
  Io TakeMessages(const char* data, size_t length, size_t* consumed);
  Io TakeAnswer(const Reader::Message& message);
  void TakeOther(const char* text, size_t length);
  void TakeNotification(const char* text, size_t length);
  void Check(uint64_t sequence, const char* text, size_t length, int status);
  bool FindInFlight(const char* digits, size_t count, uint64_t* sequence);
  bool IsCancelled(const char* digits, size_t count);
  void Acknowledge(uint64_t sequence, const char* digits);
  bool IsExact(const Sample& sample, const char* text) const;
  bool IsUsual(const Sample& sample, const char* text);
  void Finish(uint64_t sequence);
  void Advance();

  Common* common_;
  Endpoint endpoint_;
  std::shared_ptr<const Requests> messages_;
  std::unique_ptr<Reader> reader_;        // nullptr for lines
  std::unique_ptr<Handshake> handshake_;  // while it lasts

  ByteBuffer out_;
  IdCounter next_id_;

  std::vector<Request> requests_;  // by sequence number & mask_
  uint64_t mask_ = 0;
  uint64_t head_ = 0;  // oldest unanswered request
  uint64_t tail_ = 0;  // next request
  uint64_t done_ahead_ = 0;
  IdCounter head_id_;
  std::deque<uint64_t> cancelled_;  // ids of subscriptions whose final result may still come

  ByteBuffer in_;       // what is not a whole message yet
  size_t scanned_ = 0;  // no newline in its first bytes
  uint64_t now_ = 0;    // of the bytes being looked at
};

}  // namespace loadgen
