// Any bytes, as a frame and as lines, on every kernel of this CPU: records stay inside the frame, a second
// scan says the same, kernels agree, and a line gets the record that it gets alone.
#include <simdjson.h>

#include "scan_expect.h"

using namespace ringwire;

namespace {

void require(bool condition) {
  if (!condition) __builtin_trap();
}

struct Scanners {
  Scanners() {
    for (const auto* kernel : simdjson::get_available_implementations()) {
      if (!kernel->supported_by_runtime_system()) continue;
      for (int depth : {64, 3}) scanners.emplace_back(new EnvelopeScanner(depth, kernel));
    }
  }
  std::vector<std::unique_ptr<EnvelopeScanner>> scanners;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Scanners all;
  Record first[2];
  for (size_t index = 0; index < all.scanners.size(); ++index) {
    EnvelopeScanner& scanner = *all.scanners[index];
    const Record record = scan_copy(scanner, data, size);
    require(record_is_sound(record, 0, static_cast<int32_t>(size)));
    require(record == scan_copy(scanner, data, size));
    if (index < 2) first[index] = record;
    require(record == first[index % 2]);
    require(lines_match_frames(scanner, scanner, data, size));
  }
  return 0;
}
