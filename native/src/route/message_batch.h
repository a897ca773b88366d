#pragma once
// Routes messages that JavaScript collected, many in one call: for transports that deliver one message at a
// time. What becomes of each is told in the records of a batch, as for byte streams; answers are written by
// JavaScript.
#include <cstdint>
#include <vector>

#include "base/constants.generated.h"
#include "json/envelope_scanner.h"
#include "route/request_profile.h"
#include "route/route_table.h"

namespace ringwire {

class MessageBatch {
 public:
  /** A longer input is parsed alone. */
  static constexpr size_t kMaxJoinedInputBytes = 16 * 1024;

  explicit MessageBatch(int max_depth) : scanner_(max_depth) {}

  RouteTable& routes() { return routes_; }
  void set_profiles(std::vector<RequestProfile> profiles) { profiles_ = std::move(profiles); }

  /**
   * Fills one record for each of `count` messages, which stand in `arena` with a newline behind each.
   * `messages` has MessageField::kCount values for each. False, with records of no meaning: a message has a
   * line break of its own, and its lines were taken for messages.
   */
  bool route(const uint8_t* arena, size_t length, const int32_t* messages, int32_t count, int32_t* records);

  /** `[input,input,…` of the calls whose record says Joined, without its end; empty for none. */
  const std::vector<uint8_t>& joined() const { return joined_; }
  bool joined_is_ascii() const { return joined_is_ascii_; }
  /** The ids of calls and replies as JSON text, one behind the other. All are ASCII. */
  const std::vector<uint8_t>& ids() const { return ids_; }

 private:
  int32_t route_one(const uint8_t* arena, const int32_t* envelope, uint32_t connection_flags,
                    int32_t* record);

  EnvelopeScanner scanner_;
  RouteTable routes_;
  std::vector<RequestProfile> profiles_;
  std::vector<int32_t> envelopes_;
  std::vector<uint8_t> joined_;
  std::vector<uint8_t> ids_;
  bool joined_is_ascii_ = true;
};

}  // namespace ringwire
