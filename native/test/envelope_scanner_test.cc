// The scanner on frames whose record is written down here; test/differential compares it with JSON.parse.
#include <simdjson.h>

#include "expect.h"
#include "scan_expect.h"

using namespace ringwire;

namespace {

const std::string kToolCall =
    R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hi"},)"
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":"t"}}})";

Record scan(EnvelopeScanner& scanner, const std::string& frame) {
  return scan_copy(scanner, reinterpret_cast<const uint8_t*>(frame.data()), frame.size());
}

bool lines_match(EnvelopeScanner& scanner, EnvelopeScanner& single, const std::string& text) {
  return lines_match_frames(scanner, single, reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

void tells_the_parts(EnvelopeScanner& scanner) {
  const Record record = scan(scanner, kToolCall);
  EXPECT(record[EnvelopeField::kVerdict] == ScanVerdict::kOk);
  EXPECT(record[EnvelopeField::kKind] == EnvelopeKind::kRequest);
  EXPECT(range_of(kToolCall, record, EnvelopeField::kIdStart) == "7");
  EXPECT(range_of(kToolCall, record, EnvelopeField::kMethodStart) == "tools/call");
  EXPECT(range_of(kToolCall, record, EnvelopeField::kNameStart) == "echo");
  EXPECT(range_of(kToolCall, record, EnvelopeField::kArgumentsStart) == R"({"text":"hi"})");
  EXPECT(range_of(kToolCall, record, EnvelopeField::kVersionStart) == "2026-07-28");
  EXPECT(range_of(kToolCall, record, EnvelopeField::kProgressTokenStart) == "\"t\"");
  EXPECT((record[EnvelopeField::kFlags] & EnvelopeFlag::kVersionModern) != 0);
  EXPECT(record_is_sound(record, 0, static_cast<int32_t>(kToolCall.size())));
}

/** Cut anywhere, a frame is refused at its end or at the string that the cut left open. */
void refuses_every_prefix(EnvelopeScanner& scanner) {
  for (size_t length = 0; length < kToolCall.size(); ++length) {
    const std::string frame = kToolCall.substr(0, length);
    const Record record = scan(scanner, frame);
    EXPECT(record[EnvelopeField::kVerdict] ==
           (length == 0 ? ScanVerdict::kEmpty : ScanVerdict::kInvalidJson));
    EXPECT(record_is_sound(record, 0, static_cast<int32_t>(length)));
  }
}

/** White space before a frame moves what it says and changes nothing else, at every place in a SIMD block. */
void does_not_care_where_blocks_end(EnvelopeScanner& scanner) {
  const Record at_zero = scan(scanner, kToolCall);
  for (int32_t spaces = 1; spaces < 140; ++spaces) {
    Record record = scan(scanner, std::string(static_cast<size_t>(spaces), ' ') + kToolCall);
    Record expected = moved(at_zero, spaces);
    expected[EnvelopeField::kFrameStart] = 0;
    EXPECT(record == expected);
  }
}

void keeps_to_its_depth() {
  const std::string open(2000, '[');
  for (int depth : {1, 2, 63, 64, 65, 1024}) {
    EnvelopeScanner scanner(depth);
    const Record deep = scan(scanner, open);
    EXPECT(deep[EnvelopeField::kVerdict] == ScanVerdict::kTooDeep);
    EXPECT(deep[EnvelopeField::kErrorOffset] == depth);
    const std::string closed =
        std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
    EXPECT(scan(scanner, closed)[EnvelopeField::kVerdict] == ScanVerdict::kBatchArray);
  }
  EXPECT(EnvelopeScanner(0).max_depth() == 1);
  EXPECT(EnvelopeScanner(1 << 30).max_depth() == kMaxDepthLimit);
}

/** Long frames and long lines make the index grow and shrink. */
void takes_frames_of_any_size(EnvelopeScanner& scanner) {
  for (size_t size : {10u, 5000u, 300000u, 20u, 70000u, 1000000u, 30u}) {
    const std::string frame = R"({"jsonrpc":"2.0","id":1,"result":")" + std::string(size, 'x') + "\"}";
    const Record record = scan(scanner, frame);
    EXPECT(record[EnvelopeField::kVerdict] == ScanVerdict::kOk);
    EXPECT(range_of(frame, record, EnvelopeField::kResultStart).size() == size + 2);
    EXPECT(lines_match(scanner, scanner, frame + "\n" + kToolCall + "\n" + frame + "\n\n" + kToolCall));
  }
}

void one_bad_line_spoils_no_other(EnvelopeScanner& scanner, EnvelopeScanner& single) {
  const char* const bad[] = {
      "",        " ",    "{",       "}",     "[",    "{\"a",   "\\",     "{\"a\\",         "\"", "\xff",
      "{\"\xc3", "\x01", "{\"a\":", "[1,2]", "{}{}", "\"\x0c", "1\x0c2", "{\"a\":\"\t\"}", "{]", "]"};
  std::string all;
  for (const char* line : bad) {
    const std::string between = kToolCall + "\n" + line + "\n" + kToolCall + "\n" + line + "\r\n";
    EXPECT(lines_match(scanner, single, between));
    EXPECT(lines_match(scanner, single, line + between));
    all += between;
  }
  EXPECT(lines_match(scanner, single, all));
  std::string many;
  while (many.size() < 200000) many += all;
  EXPECT(lines_match(scanner, single, many));
}

void fills_no_more_than_there_is_room_for(EnvelopeScanner& scanner) {
  const std::string lines = kToolCall + "\n" + kToolCall + "\n" + kToolCall;
  std::vector<Record> records(3);
  records[1].fill(-7);
  const auto* text = reinterpret_cast<const uint8_t*>(lines.data());
  EXPECT(scanner.scan_lines(text, lines.size(), records[0].data(), 1) == 1);
  EXPECT(records[1][0] == -7);
  EXPECT(scanner.scan_lines(text, lines.size(), records[0].data(), 3) == 2);
  EXPECT(scanner.scan_lines(text, lines.size(), records[0].data(), 0) == 0);
  EXPECT(scanner.scan_lines(text, kToolCall.size(), records[0].data(), 3) == 0);
}

}  // namespace

int main() {
  for (const auto* kernel : simdjson::get_available_implementations()) {
    if (!kernel->supported_by_runtime_system()) continue;
    EnvelopeScanner scanner(64, kernel);
    EnvelopeScanner single(64, kernel);
    tells_the_parts(scanner);
    refuses_every_prefix(scanner);
    does_not_care_where_blocks_end(scanner);
    takes_frames_of_any_size(scanner);
    one_bad_line_spoils_no_other(scanner, single);
    fills_no_more_than_there_is_room_for(scanner);
  }
  keeps_to_its_depth();
  return 0;
}
