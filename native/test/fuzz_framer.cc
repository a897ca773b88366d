// Any bytes in any pieces: the frames are those of one piece. The first bytes choose framing, limit and cuts.
#include "framer_expect.h"

using namespace ringwire;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  const Framing framing = (data[0] & 1) != 0 ? Framing::kLength : Framing::kNewline;
  const size_t max_frame_bytes = 1 + data[1];
  const size_t cut_count = data[2] < size - 3 ? data[2] : size - 3;
  const std::string text(reinterpret_cast<const char*>(data) + 3 + cut_count, size - 3 - cut_count);
  std::vector<size_t> cuts;
  size_t at = 0;
  for (size_t i = 0; i < cut_count; ++i) {
    at += data[3 + i];
    if (at > text.size()) break;
    cuts.push_back(at);
  }
  const Frames whole = frames_of(framing, max_frame_bytes, text, {});
  if (frames_of(framing, max_frame_bytes, text, cuts) != whole) __builtin_trap();
  return 0;
}
