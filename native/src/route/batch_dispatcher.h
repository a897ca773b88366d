#pragma once
// Turns the frames of a tick into one batch for JavaScript, and JavaScript's answers into frames.
//
//   frame ──scan──► route ──► reply     written at once, JavaScript never knows
//                     │  └──► forward   written to the upstream at once, under an id of ours
//                     └─────► handler   a record of the batch; its input joined into one JSON text
//   everything else ────────► a Frame record: the generic path
#include <cstdint>
#include <string>
#include <vector>

#include "base/constants.generated.h"
#include "json/envelope_scanner.h"
#include "net/connection.h"
#include "net/stream_sink.h"
#include "route/call_slots.h"
#include "route/forward_map.h"
#include "route/request_profile.h"
#include "route/route_table.h"

namespace ringwire {

class StreamEngine;

/** JavaScript, as the dispatcher sees it. */
class BatchConsumer {
 public:
  /**
   * The records of the batch are filled. `joined` is the JSON text `[input,input,…]` of the calls whose
   * record says Joined; empty where there are none. The arena stays in place until the call and its
   * microtasks are done.
   */
  virtual void deliver(int32_t count, const uint8_t* joined, size_t joined_length, bool joined_ascii) = 0;
  /** Hand over answers and writes collected since the last tick. */
  virtual void collect() = 0;

 protected:
  ~BatchConsumer() = default;
};

class BatchDispatcher final : public StreamSink {
 public:
  static constexpr int32_t kMaxRecords = 4096;
  /** Inputs up to this size are parsed together; a larger one gains nothing from company. */
  static constexpr size_t kMaxJoinedInputBytes = 16 * 1024;
  static constexpr size_t kMaxJoinedBytes = 1024 * 1024;
  static constexpr size_t kMaxProfiles = 16;
  /** Lines scanned in one go. */
  static constexpr size_t kLinesPerScan = 128;

  BatchDispatcher(BatchConsumer* consumer, int32_t* records, int32_t* state, int max_depth);
  ~BatchDispatcher();

  void attach(StreamEngine* engine) { engine_ = engine; }
  RouteTable& routes() { return routes_; }
  void set_profiles(std::vector<RequestProfile> profiles) { profiles_ = std::move(profiles); }
  /** The number of a reply template: `before`, an escaped string, `after`. */
  int32_t add_template(std::string before, std::string after);
  /** Writes the responses of `count` reply records; their texts stand one after the other in `text`. */
  void reply(const int32_t* replies, int32_t count, const char16_t* text, size_t units);
  /** A large frame of the batch under way; nullptr where the number is unknown. The caller retains it. */
  Slab* large_frame(int32_t number, size_t* start, size_t* end);
  /** Frees the bytes of a large frame before the batch ends; no JavaScript may reach them any more. */
  void discard_large_frame(int32_t number);

  /** An answer too long for one text: its slot is given back, and its parts follow. False: nobody to answer.
   */
  bool begin_long_answer(int32_t slot, int32_t kind);
  void append_long_answer(const char16_t* text, size_t units);
  void end_long_answer();
  /** A part is missing for want of memory: half a frame must not be sent, so its connection ends. */
  void abort_long_answer();

  uint32_t calls_in_flight() const { return slots_.in_use(); }
  size_t forwards_in_flight() const { return forwards_.size(); }
  uint64_t native_replies() const { return native_replies_; }
  uint64_t unknown_replies() const { return unknown_replies_; }

  size_t on_lines(Connection* connection, const uint8_t* base, size_t offset, size_t length) override;
  void on_frame(Connection* connection, const uint8_t* base, size_t start, size_t end) override;
  void on_large_frame(Connection* connection, Slab* slab, size_t start, size_t end) override;
  void on_frame_too_large(Connection* connection) override;
  void on_accept(Listener* listener, Connection* connection) override;
  void on_accept_error(Listener* listener, int status) override;
  void on_connect(Connection* connection, int status) override;
  void on_end(Connection* connection) override;
  void on_close(Connection* connection, int status) override;
  void on_drain(Connection* connection) override;
  void on_listener_close(Listener* listener) override;
  void end_of_batch() override;
  void before_poll() override;

 private:
  struct Template {
    std::string before;
    std::string after;
  };
  struct LargeFrame {
    Slab* slab;
    size_t start;
    size_t end;
  };

  struct Event {
    int32_t kind;
    int32_t connection;
    int32_t generation;
    int32_t first;
    int32_t second;
  };

  int32_t* next_record(int32_t kind, Connection* connection);
  void move_events();
  bool make_room(const Connection* connection);
  void add_event(int32_t kind, Connection* connection, int32_t first, int32_t second);
  void add_frame(Connection* connection, size_t start, size_t end);
  bool dispatch(Connection* connection, const uint8_t* text, size_t origin, const int32_t* envelope);
  bool take_upstream_reply(Connection* connection, const uint8_t* text, const int32_t* envelope);
  void add_call(Connection* connection, const Route& route, int profile, const uint8_t* text, size_t origin,
                const int32_t* envelope);
  void join(const uint8_t* input, size_t length, bool ascii);
  void write_reply(Connection* connection, const uint8_t* id, size_t id_length, const std::string& result);
  bool forward(Connection* connection, const Route& route, const uint8_t* text, const int32_t* envelope);
  void fail_forward(const ForwardedCall& call);
  void write_answer(Connection* connection, const CallSlot& slot, int32_t kind, const char16_t* text,
                    size_t units);

  struct LongAnswer {
    int32_t connection = -1;
    uint32_t generation = 0;
    int32_t kind = 0;
  };
  const Template* template_of(int32_t kind) const;

  BatchConsumer* consumer_;
  int32_t* records_;
  int32_t* state_;
  StreamEngine* engine_ = nullptr;
  EnvelopeScanner scanner_;
  RouteTable routes_;
  CallSlots slots_;
  ForwardMap forwards_;
  std::vector<RequestProfile> profiles_;
  std::vector<Template> templates_;
  std::vector<LargeFrame> large_frames_;
  /** Number of the large frame being dispatched; -1 for frames of the arena. */
  int32_t large_number_ = -1;
  LongAnswer long_answer_;
  std::vector<Event> events_;
  std::vector<uint8_t> joined_;
  /** Envelopes of the lines scanned last. */
  std::vector<int32_t> lines_;
  bool joined_ascii_ = true;
  bool delivering_ = false;
  int32_t count_ = 0;
  uint64_t native_replies_ = 0;
  uint64_t unknown_replies_ = 0;
  int32_t envelope_[EnvelopeField::kCount];
};

}  // namespace ringwire
