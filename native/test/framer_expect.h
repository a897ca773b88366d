#pragma once
// Runs a framer over an input that arrives in pieces, as a connection would.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "expect.h"
#include "net/framer.h"

using Frames = std::vector<std::string>;

/** Stands in the list for a frame that was refused; no frame of the tests looks like it. */
const std::string kTooLargeMark = "<too large>";

/**
 * The frames of `text` when reads end at `cuts` (ascending) and at its end. Each region lies in memory of
 * exactly its size, so that a sanitizer sees what is read outside.
 */
inline Frames frames_of(ringwire::Framing framing, size_t max_frame_bytes, const std::string& text,
                        std::vector<size_t> cuts) {
  using ringwire::Framer;
  Framer framer(framing, max_frame_bytes);
  Frames frames;
  std::string kept;
  size_t read = 0;
  cuts.push_back(text.size());
  for (const size_t cut : cuts) {
    kept.append(text, read, cut - read);
    read = cut;
    const size_t length = kept.size();
    std::unique_ptr<uint8_t[]> region(new uint8_t[length]);
    if (length > 0) std::memcpy(region.get(), kept.data(), length);
    size_t position = 0;
    for (;;) {
      const size_t before = position;
      size_t start = 0;
      size_t end = 0;
      const Framer::Step step = framer.next(region.get(), length, &position, &start, &end);
      EXPECT(position >= before && position <= length);
      if (step == Framer::Step::kNeedMore) break;
      if (step == Framer::Step::kTooLarge) {
        frames.push_back(kTooLargeMark);
        continue;
      }
      EXPECT(start < end && end <= position && end - start <= max_frame_bytes);
      frames.emplace_back(reinterpret_cast<const char*>(region.get()) + start, end - start);
    }
    kept.erase(0, position);
    EXPECT(kept.size() <= max_frame_bytes + Framer::kLengthPrefixBytes);
  }
  return frames;
}
