#include "json/envelope_scanner.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <string>

#include "json/envelope_reader.h"
#include "json/json_text.h"

namespace ringwire {

namespace {

/** The index of a larger frame is given back at once, so that one frame of 50 MB does not cost 200 MB for
 * ever. */
constexpr size_t kKeptBytes = 256 * 1024;
constexpr size_t kFirstBytes = 4 * 1024;
/** Lines indexed at once: the run and its index stay in the second-level cache. */
constexpr size_t kRunBytes = 32 * 1024;
/** What the fallback kernel may read past the end of a string that ends in the middle of a character. */
constexpr size_t kFallbackPadding = 8;

void clear(int32_t* record, int32_t verdict, int32_t offset) {
  for (int32_t field = 0; field < EnvelopeField::kErrorOffset; ++field) record[field] = -1;
  record[EnvelopeField::kVerdict] = verdict;
  record[EnvelopeField::kKind] = 0;
  record[EnvelopeField::kFlags] = 0;
  record[EnvelopeField::kErrorOffset] = offset;
}

int32_t fact_flags(const ByteFacts& facts) {
  return (facts.ascii ? EnvelopeFlag::kAscii : 0) | (facts.backslash ? EnvelopeFlag::kHasEscapes : 0);
}

/** The first token at or past `end`, or `stop`. */
Token token_at_or_past(Token token, Token stop, size_t end) {
  while (token != stop && *token < end) ++token;
  return token;
}

void set_bounds(int32_t* record, int32_t origin, size_t length) {
  record[EnvelopeField::kFrameStart] = origin;
  record[EnvelopeField::kFrameEnd] = origin + static_cast<int32_t>(length);
}

/** Past the last newline, or 0. From the end in steps that double, so that one long line is not walked byte
 * by byte. */
size_t last_line_end(const uint8_t* text, size_t length) {
  size_t end = length;
  for (size_t step = 256; end > 0; step *= 2) {
    const size_t begin = end > step ? end - step : 0;
    const uint8_t* at = text + begin;
    size_t found = 0;
    while (const void* newline = memchr(at, '\n', static_cast<size_t>(text + end - at))) {
      at = static_cast<const uint8_t*>(newline) + 1;
      found = static_cast<size_t>(at - text);
    }
    if (found > 0) return found;
    end = begin;
  }
  return 0;
}

}  // namespace

EnvelopeScanner::EnvelopeScanner(int max_depth, const simdjson::implementation* kernel)
    : kernel_(kernel == nullptr
                  ? static_cast<const simdjson::implementation*>(simdjson::get_active_implementation())
                  : kernel),
      max_depth_(std::min(std::max(max_depth, 1), kMaxDepthLimit)),
      fallback_(kernel_->name() == "fallback"),
      meta_(new (std::nothrow) MetaCache) {
  // Where this fails the pointer stays empty, and every scan says OutOfMemory.
  if (meta_ == nullptr ||
      kernel_->create_dom_parser_implementation(kFirstBytes, 1, parser_) != simdjson::SUCCESS)
    parser_.reset();
}

EnvelopeScanner::~EnvelopeScanner() = default;

int EnvelopeScanner::index(const uint8_t* text, size_t length) {
  // No bytes may come as a null pointer, which nothing below must be given.
  if (length == 0) return simdjson::EMPTY;
  if (parser_ == nullptr || length > INT32_MAX) return simdjson::MEMALLOC;
  if (length > parser_->capacity()) {
    const size_t grown =
        length > kKeptBytes ? length : std::min(std::max(length, 2 * parser_->capacity()), kKeptBytes);
    if (parser_->set_capacity(grown) != simdjson::SUCCESS) return simdjson::MEMALLOC;
  } else if (parser_->capacity() > kKeptBytes && length <= kKeptBytes) {
    if (parser_->set_capacity(kKeptBytes) != simdjson::SUCCESS) return simdjson::MEMALLOC;
  }
  if (fallback_) {
    if (copy_capacity_ < length) {
      copy_.reset(new (std::nothrow) uint8_t[length + kFallbackPadding]);
      copy_capacity_ = copy_ == nullptr ? 0 : length;
      if (copy_ == nullptr) return simdjson::MEMALLOC;
    }
    memcpy(copy_.get(), text, length);
    memset(copy_.get() + length, 0, kFallbackPadding);
    text = copy_.get();
  }
  // Stage 1 loads whole blocks and copies the last one: it reads no byte past the end.
  return parser_->stage1(text, length, simdjson::stage1_mode::regular);
}

StructuralWalker::Input EnvelopeScanner::input(const uint8_t* text, Token first, Token stop, size_t end,
                                               bool has_escapes) {
  return {text, first, stop, static_cast<uint32_t>(end), max_depth_, has_escapes, kinds_};
}

int32_t EnvelopeScanner::scan(const uint8_t* frame, size_t length, int32_t* record) {
  return scan_frame(frame, frame_facts(frame, length), record, 0);
}

int32_t EnvelopeScanner::scan_frame(const uint8_t* frame, const ByteFacts& facts, int32_t* record,
                                    int32_t origin) {
  const size_t length = facts.length;
  set_bounds(record, origin, length);
  const int error = index(frame, length);
  if (error == simdjson::EMPTY) {
    clear(record, ScanVerdict::kEmpty, origin);
    return ScanVerdict::kEmpty;
  }
  if (error == simdjson::MEMALLOC || error == simdjson::CAPACITY) {
    clear(record, ScanVerdict::kOutOfMemory, origin);
    return ScanVerdict::kOutOfMemory;
  }
  // The fallback kernel also finds fault with quotes that belong to a bad scalar; its index is complete then,
  // and the walk stops at that scalar.
  if (error != simdjson::SUCCESS && (!fallback_ || lexical_error(frame, length) != kNoLexicalError))
    return diagnose(frame, length, ScanVerdict::kInvalidJson, 0, record, origin);
  const Token first = parser_->structural_indexes.get();
  const Token stop = first + parser_->n_structural_indexes;
  EnvelopeReader reader(input(frame, first, stop, length, facts.backslash), record, origin, meta_.get());
  const Token after = reader.read(first);
  if (after != nullptr && (after != stop || error != simdjson::SUCCESS)) reader.refuse_rest(after);
  if (reader.refusal() != ScanVerdict::kOk)
    return diagnose(frame, length, reader.refusal(), reader.refusal_offset(), record, origin);
  const int32_t verdict = reader.finish();
  record[EnvelopeField::kFlags] |= fact_flags(facts);
  return verdict;
}

int32_t EnvelopeScanner::diagnose(const uint8_t* frame, size_t length, int32_t verdict, size_t offset,
                                  int32_t* record, int32_t origin) {
  if (!kernel_->validate_utf8(reinterpret_cast<const char*>(frame), length)) {
    verdict = ScanVerdict::kInvalidUtf8;
    offset = 0;
  } else if (const size_t lexical = lexical_error(frame, length); lexical != kNoLexicalError) {
    verdict = ScanVerdict::kInvalidJson;
    offset = lexical;
  }
  clear(record, verdict, origin + static_cast<int32_t>(offset));
  return verdict;
}

size_t EnvelopeScanner::scan_lines(const uint8_t* buffer, size_t length, int32_t* records,
                                   size_t max_records) {
  size_t count = 0;
  size_t start = 0;
  length = std::min<size_t>(length, INT32_MAX);
  while (count < max_records && start < length) {
    // A run is as many whole lines as fit into kRunBytes, or one longer line.
    const uint8_t* text = buffer + start;
    size_t run = last_line_end(text, std::min(length - start, kRunBytes));
    if (run == 0) {
      const void* newline = memchr(text, '\n', length - start);
      if (newline == nullptr) break;
      run = static_cast<size_t>(static_cast<const uint8_t*>(newline) - text) + 1;
    }
    int32_t* record = records + count * EnvelopeField::kCount;
    const size_t scanned = scan_run(text, run, record, max_records - count, static_cast<int32_t>(start));
    count += scanned;
    start = static_cast<size_t>(
                records[count * EnvelopeField::kCount - EnvelopeField::kCount + EnvelopeField::kFrameEnd]) +
            1;
  }
  return count;
}

size_t EnvelopeScanner::scan_run(const uint8_t* run, size_t length, int32_t* record, size_t max_records,
                                 int32_t origin) {
  // A newline inside a string is an error of the whole run, so where indexing succeeds no string spans two
  // lines and each line's part of the index is what the line alone would give. Where it fails, lines are
  // indexed alone.
  const bool indexed = !fallback_ && index(run, length) == simdjson::SUCCESS;
  Token token = indexed ? parser_->structural_indexes.get() : nullptr;
  const Token stop = indexed ? token + parser_->n_structural_indexes : nullptr;
  bool bad_lines = false;
  size_t count = 0;
  for (size_t start = 0; start < length && count < max_records; ++count, record += EnvelopeField::kCount) {
    const ByteFacts facts = line_facts(run + start, length - start);
    const size_t end = start + facts.length;
    const int32_t line_origin = origin + static_cast<int32_t>(start);
    set_bounds(record, line_origin, facts.length);
    if (!indexed) {
      scan_frame(run + start, facts, record, line_origin);
    } else if (token == stop || *token >= end) {
      clear(record, ScanVerdict::kEmpty, line_origin);
    } else {
      // The walk may run into the next line; whether it did shows at its end, which costs less than asking at
      // every token. The run's end is its limit for escapes too, so that whatever it reads is checked. After
      // the first bad line of a run the lines' own ends are the limit: bad lines must not be read again and
      // again.
      Token limit = stop;
      if (bad_lines) limit = token_at_or_past(token, stop, end);
      EnvelopeReader reader(input(run, token, limit, bad_lines ? end : length, facts.backslash), record,
                            origin, meta_.get());
      const Token after = reader.read(token);
      if (after != nullptr && after[-1] < end && (after == stop || *after >= end)) {
        reader.finish();
        record[EnvelopeField::kFlags] |= fact_flags(facts);
        token = after;
      } else {
        if (!bad_lines) limit = token_at_or_past(token, stop, end);
        bad_lines = true;
        refuse_line(run, token, limit, start, facts, record, origin);
        token = limit;
      }
    }
    start = end + 1;
  }
  return count;
}

void EnvelopeScanner::refuse_line(const uint8_t* run, Token first, Token stop, size_t start,
                                  const ByteFacts& facts, int32_t* record, int32_t origin) {
  EnvelopeReader reader(input(run, first, stop, start + facts.length, facts.backslash), record, origin,
                        meta_.get());
  const Token after = reader.read(first);
  if (after != nullptr) reader.refuse_rest(after);
  diagnose(run + start, facts.length, reader.refusal(), reader.refusal_offset() - start, record,
           origin + static_cast<int32_t>(start));
}

}  // namespace ringwire
