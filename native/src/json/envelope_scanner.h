#pragma once
// Scans frames for their JSON-RPC envelope: whole grammar checked, no value built.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/byte_facts.h"
#include "base/constants.generated.h"
#include "json/structural_walker.h"

namespace simdjson {
class implementation;
namespace internal {
class dom_parser_implementation;
}
}  // namespace simdjson

namespace ringwire {

struct MetaCache;

/**
 * One scanner belongs to one thread. It keeps the memory of its structural index (four bytes per byte of the
 * largest frame, at most kKeptBytes of frame) from scan to scan; frames and records stay the caller's and
 * need no padding. Accepts exactly the frames that are valid UTF-8, that JSON.parse accepts, and that keep
 * the rules in ScanVerdict.
 */
class EnvelopeScanner {
 public:
  /**
   * max_depth is held to 1..kMaxDepthLimit. `kernel` is the simdjson implementation, the best for this CPU
   * where it is null; tests give one to compare them.
   */
  explicit EnvelopeScanner(int max_depth, const simdjson::implementation* kernel = nullptr);
  ~EnvelopeScanner();
  EnvelopeScanner(const EnvelopeScanner&) = delete;
  EnvelopeScanner& operator=(const EnvelopeScanner&) = delete;

  /** Fills EnvelopeField::kCount values at `record` and returns the ScanVerdict. */
  int32_t scan(const uint8_t* frame, size_t length, int32_t* record);

  /**
   * Scans the lines that end in `buffer`, at most max_records, each as scan() would, with offsets into
   * `buffer`. Empty lines count (verdict Empty). Returns the number of records; the bytes used are those up
   * to and with the newline at the last record's FrameEnd. Faster per frame than scan(): one index for many
   * lines.
   */
  size_t scan_lines(const uint8_t* buffer, size_t length, int32_t* records, size_t max_records);

  int max_depth() const { return max_depth_; }

 private:
  /** Indexes the text; 0 where that worked, else simdjson's error code. */
  int index(const uint8_t* text, size_t length);
  /** scan() with the facts at hand, for the frame that stands at `origin` in the caller's buffer. */
  int32_t scan_frame(const uint8_t* frame, const ByteFacts& facts, int32_t* record, int32_t origin);
  /** Scans the lines of one indexed run; returns their number. */
  size_t scan_run(const uint8_t* run, size_t length, int32_t* record, size_t max_records, int32_t origin);
  /** Finds out why the line of the run whose index is first..stop was refused. */
  void refuse_line(const uint8_t* run, Token first, Token stop, size_t start, const ByteFacts& facts,
                   int32_t* record, int32_t origin);
  /** The verdict and offset of a frame that is not valid JSON, whatever the kernel made of it. */
  int32_t diagnose(const uint8_t* frame, size_t length, int32_t verdict, size_t offset, int32_t* record,
                   int32_t origin);
  StructuralWalker::Input input(const uint8_t* text, Token first, Token stop, size_t end, bool has_escapes);

  const simdjson::implementation* kernel_;
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser_;
  /** A padded copy, for the fallback kernel. */
  std::unique_ptr<uint8_t[]> copy_;
  size_t copy_capacity_ = 0;
  int max_depth_;
  /** simdjson's kernel without SIMD: it reads past the end, and lets escaped control characters pass. */
  bool fallback_;
  std::unique_ptr<MetaCache> meta_;
  uint64_t kinds_[kDepthWords] = {};
};

}  // namespace ringwire
