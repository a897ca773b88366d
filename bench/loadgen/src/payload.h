#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "options.h"

namespace loadgen {

// Ids run from kFirstId with a constant number of digits, so that every request
// has one length, every correct reply has one length, and an id is changed or
// compared in place. They start again after kIdCount requests of a connection,
// long after the first ones were answered.
constexpr size_t kIdDigits = 7;
constexpr uint64_t kFirstId = 1000000;
constexpr uint64_t kIdCount = 8999999;
// Asked once before the clock starts, to learn the shape of the reply; lies
// outside the range above.
constexpr char kProbeId[] = "9999999";

constexpr char kModernVersion[] = "2026-07-28";
constexpr char kLegacyVersion[] = "2025-06-18";
constexpr char kResourceUri[] = "bench://hello";

// A message whose id sits at `id_offset`.
struct Template {
  std::string bytes;  // of a line: with the final newline
  size_t id_offset = 0;
  char id_mask[kIdDigits] = {};  // XORed into the digits: the mask of a WebSocket frame
};

// Decimal counter kept as text: one increment per message instead of a division
// per digit.
class IdCounter {
 public:
  const char* digits() const { return digits_; }

  void Next() {
    if (++value_ == kIdCount) {
      value_ = 0;
      for (size_t i = 0; i < kIdDigits; i++) digits_[i] = i == 0 ? '1' : '0';
      return;
    }
    for (size_t i = kIdDigits; i-- > 0;) {
      if (digits_[i] != '9') {
        digits_[i]++;
        return;
      }
      digits_[i] = '0';
    }
  }

 private:
  char digits_[kIdDigits + 1] = {'1', '0', '0', '0', '0', '0', '0', '\0'};
  uint64_t value_ = 0;
};

// The request of this run as a line, with kProbeId in place of the id.
Template BuildRequest(const Options& options);

// Its method.
std::string MethodOf(const Options& options);

// Finds the top-level-looking `"id":` member holding `id` in a reply line.
// False when it is not there.
bool LocateId(const std::string& line, const char* id, size_t* offset);

}  // namespace loadgen
