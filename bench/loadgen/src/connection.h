#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "endpoint.h"
#include "histogram.h"
#include "payload.h"
#include "reader.h"

namespace loadgen {

// What the connections of a run add up to.
struct Traffic {
  uint64_t replies = 0;
  uint64_t errors = 0;        // wrong or missing replies
  uint64_t extra_frames = 0;  // messages without an id: notifications
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  std::string first_error;

  void AddError(const std::string& what) {
    if (errors++ == 0) first_error = what;
  }
};

// One connection under load: a ring of ready requests whose ids are patched in place, and the window of
// requests that wait for their reply. Replies may come in any order; the usual order costs one comparison of
// the id.
class Connection {
 public:
  enum class Io { kOk, kBlocked, kClosed };

  // `window`: most requests in flight, rounded up to a power of two for the ring.
  // `reader`: finds the replies; nullptr where each is a line.
  Connection(const Endpoint& endpoint, const Template& request, const Template& reply, uint64_t window,
             std::unique_ptr<Reader> reader);

  // Puts one request in the ring; its latency counts from `from_ns`. False when window or ring is full.
  bool Enqueue(uint64_t from_ns);

  // Writes what is in the ring.
  Io Flush(Traffic* traffic);

  // Reads all that is there and checks it. Latencies go into `latency`.
  Io Receive(Histogram* latency, Traffic* traffic);

  uint64_t in_flight() const { return tail_ - head_ - done_ahead_; }
  uint64_t enqueued() const { return tail_; }
  const Endpoint& endpoint() const { return endpoint_; }
  void CloseEndpoint() { Close(&endpoint_); }

  bool waits_for_write = false;  // registered for EPOLLOUT; kept by the event loop
  bool closed = false;           // kept by the event loop

 private:
  Io WriteControl();
  void TakeLines(uint64_t now, Histogram* latency, Traffic* traffic);
  bool TakeMessages(uint64_t now, Histogram* latency, Traffic* traffic);
  void TakeMessage(const Reader::Message& message, uint64_t now, Histogram* latency, Traffic* traffic);
  void TakeOther(const char* line, size_t length, uint64_t now, Histogram* latency, Traffic* traffic);
  void Compact();
  bool IsExact(const char* line) const;
  void CheckExact(const char* line, Traffic* traffic) const;
  void Advance();

  Endpoint endpoint_;
  const size_t request_bytes_;
  const size_t id_offset_;
  char id_mask_[kIdDigits];
  const Template& reply_;
  std::unique_ptr<Reader> reader_;

  std::vector<char> out_;       // slots_ requests, back to back
  uint64_t slots_ = 1;          // power of two
  uint64_t written_bytes_ = 0;  // of the endless stream of requests
  IdCounter next_id_;

  std::vector<uint64_t> sent_at_;  // by sequence number & mask_
  std::vector<uint8_t> done_;      // answered ahead of an older request
  uint64_t mask_ = 0;
  uint64_t head_ = 0;  // oldest unanswered request
  uint64_t tail_ = 0;  // next request
  uint64_t done_ahead_ = 0;
  IdCounter head_id_;

  std::vector<char> in_;
  size_t in_begin_ = 0;
  size_t in_end_ = 0;
  size_t scanned_ = 0;  // no newline in [in_begin_, scanned_)
};

}  // namespace loadgen
