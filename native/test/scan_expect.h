#pragma once
// What the scanner's tests and its fuzz target share: records, exact-sized copies, and what holds of every
// record.
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "json/envelope_scanner.h"

namespace ringwire {

using Record = std::array<int32_t, EnvelopeField::kCount>;

/** A heap copy with not one byte to spare, so that AddressSanitizer sees every read past the end. */
struct ExactBytes {
  ExactBytes(const uint8_t* text, size_t size) : data(new uint8_t[size]), length(size) {
    if (size != 0) std::memcpy(data.get(), text, size);
  }
  std::unique_ptr<uint8_t[]> data;
  size_t length;
};

inline Record scan_copy(EnvelopeScanner& scanner, const uint8_t* text, size_t length) {
  ExactBytes frame(text, length);
  Record record;
  record.fill(-99);
  scanner.scan(frame.data.get(), frame.length, record.data());
  return record;
}

/** The text at a range of the record; "" where it is absent. */
inline std::string range_of(const std::string& frame, const Record& record, int32_t field) {
  const int32_t start = record[static_cast<size_t>(field)];
  if (start < 0) return "";
  return frame.substr(static_cast<size_t>(start),
                      static_cast<size_t>(record[static_cast<size_t>(field) + 1] - start));
}

/** What a record must be, whatever the frame: every range inside the frame or absent, numbers from the
 * tables. */
inline bool record_is_sound(const Record& record, int32_t frame_start, int32_t frame_end) {
  const int32_t verdict = record[EnvelopeField::kVerdict];
  const int32_t kind = record[EnvelopeField::kKind];
  if (verdict < ScanVerdict::kOk || verdict > ScanVerdict::kOutOfMemory) return false;
  if (verdict == ScanVerdict::kOk ? kind < EnvelopeKind::kRequest || kind > EnvelopeKind::kError : kind != 0)
    return false;
  for (int32_t field = EnvelopeField::kIdStart; field < EnvelopeField::kErrorOffset; field += 2) {
    const int32_t start = record[static_cast<size_t>(field)];
    const int32_t end = record[static_cast<size_t>(field) + 1];
    if (start == -1 && end == -1) continue;
    if (start < frame_start || end < start || end > frame_end) return false;
  }
  const int32_t offset = record[EnvelopeField::kErrorOffset];
  if (verdict == ScanVerdict::kOk ? offset != 0 : offset < frame_start || offset > frame_end) return false;
  return record[EnvelopeField::kFrameStart] == frame_start && record[EnvelopeField::kFrameEnd] == frame_end;
}

/** The record that the same frame gets where it stands at `origin`. */
inline Record moved(Record record, int32_t origin) {
  for (int32_t field = EnvelopeField::kIdStart; field < EnvelopeField::kCount; ++field) {
    int32_t& value = record[static_cast<size_t>(field)];
    const bool absent = field < EnvelopeField::kErrorOffset && value < 0;
    const bool no_error =
        field == EnvelopeField::kErrorOffset && record[EnvelopeField::kVerdict] == ScanVerdict::kOk;
    if (!absent && !no_error) value += origin;
  }
  return record;
}

/** Whether scan_lines says of every line of the buffer what scan says of the line. */
inline bool lines_match_frames(EnvelopeScanner& scanner, EnvelopeScanner& single, const uint8_t* text,
                               size_t length) {
  ExactBytes buffer(text, length);
  size_t lines = 0;
  for (size_t at = 0; at < length; ++at) lines += text[at] == '\n';
  std::vector<Record> records(lines + 1);
  if (scanner.scan_lines(buffer.data.get(), length, records[0].data(), lines + 1) != lines) return false;
  size_t start = 0;
  for (size_t line = 0; line < lines; ++line) {
    const size_t end = static_cast<size_t>(
        static_cast<const uint8_t*>(std::memchr(text + start, '\n', length - start)) - text);
    const Record alone = moved(scan_copy(single, text + start, end - start), static_cast<int32_t>(start));
    if (alone != records[line]) return false;
    start = end + 1;
  }
  return true;
}

}  // namespace ringwire
