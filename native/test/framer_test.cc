// The framer against a reader that sees the whole input at once: every place a read may end, both framings.
#include "framer_expect.h"

#include <string>

#include "expect.h"

using namespace ringwire;

namespace {

constexpr size_t kMaxFrameBytes = 12;

std::string sized(const std::string& frame) {
  const auto size = static_cast<uint32_t>(frame.size());
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text.push_back(static_cast<char>(size >> shift & 255));
  return text + frame;
}

const std::vector<std::string> kFrames = {"a", "", "bc", "{\"x\":1}", "", "", "\r", "123456789012", "z"};

std::string all_frames(Framing framing) {
  std::string text;
  for (const std::string& frame : kFrames) text += framing == Framing::kNewline ? frame + "\n" : sized(frame);
  return text;
}

void cuts_at_every_byte(Framing framing) {
  const std::string text = all_frames(framing);
  const Frames expected = frames_of(framing, kMaxFrameBytes, text, {});
  Frames plain;
  for (const std::string& frame : kFrames) {
    if (!frame.empty()) plain.push_back(frame);
  }
  EXPECT(expected == plain);
  for (size_t first = 0; first <= text.size(); ++first) {
    for (size_t second = first; second <= text.size(); ++second)
      EXPECT(frames_of(framing, kMaxFrameBytes, text, {first, second}) == expected);
  }
  std::vector<size_t> each;
  for (size_t at = 1; at < text.size(); ++at) each.push_back(at);
  EXPECT(frames_of(framing, kMaxFrameBytes, text, each) == expected);
}

/** A frame one byte too large is told once, wherever reads end, and its neighbours come whole. */
void drops_what_is_too_large(Framing framing) {
  const auto put = [framing](const std::string& frame) {
    return framing == Framing::kNewline ? frame + "\n" : sized(frame);
  };
  const std::string text = put("before") + put("1234567890123") + put(std::string(100, 'x')) + put("after");
  const Frames expected = {"before", kTooLargeMark, kTooLargeMark, "after"};
  EXPECT(frames_of(framing, kMaxFrameBytes, text, {}) == expected);
  for (size_t first = 0; first <= text.size(); ++first) {
    for (size_t second = first; second <= text.size(); ++second)
      EXPECT(frames_of(framing, kMaxFrameBytes, text, {first, second}) == expected);
  }
}

void tells_the_announced_length() {
  Framer framer(Framing::kLength, kMaxFrameBytes);
  const std::string text = std::string("\xFF\xFF\xFF\xFF", 4) + "abc";
  size_t position = 0;
  size_t start = 0;
  size_t end = 0;
  const auto* data = reinterpret_cast<const uint8_t*>(text.data());
  EXPECT(framer.next(data, text.size(), &position, &start, &end) == Framer::Step::kTooLarge);
  EXPECT(framer.oversize_bytes() == 0xFFFFFFFFu);
  EXPECT(framer.next(data, text.size(), &position, &start, &end) == Framer::Step::kNeedMore);
  EXPECT(position == text.size());
}

void tells_what_is_needed() {
  Framer framer(Framing::kLength, kMaxFrameBytes);
  const std::string text = sized("123456");
  size_t position = 0;
  size_t start = 0;
  size_t end = 0;
  const auto* data = reinterpret_cast<const uint8_t*>(text.data());
  EXPECT(framer.next(data, 3, &position, &start, &end) == Framer::Step::kNeedMore);
  EXPECT(framer.needed_bytes() == 0);
  EXPECT(framer.next(data, 5, &position, &start, &end) == Framer::Step::kNeedMore);
  EXPECT(framer.needed_bytes() == text.size());
  EXPECT(framer.next(data, text.size(), &position, &start, &end) == Framer::Step::kFrame);
  EXPECT(start == 4 && end == 10 && position == 10);
}

/** What was searched for a newline under the old framing does not count under the new one. */
void changes_its_framing() {
  Framer framer(Framing::kNewline, kMaxFrameBytes);
  std::string text = "hello\npart";
  size_t position = 0;
  size_t start = 0;
  size_t end = 0;
  const auto bytes = [&text] { return reinterpret_cast<const uint8_t*>(text.data()); };
  EXPECT(framer.next(bytes(), text.size(), &position, &start, &end) == Framer::Step::kFrame);
  EXPECT(framer.next(bytes(), text.size(), &position, &start, &end) == Framer::Step::kNeedMore);
  framer.set_framing(Framing::kLength);
  text = sized("a\nb") + sized("c");
  position = 0;
  EXPECT(framer.next(bytes(), text.size(), &position, &start, &end) == Framer::Step::kFrame);
  EXPECT(text.substr(start, end - start) == "a\nb");
  framer.set_framing(Framing::kNewline);
  text = "d\n";
  position = 0;
  EXPECT(framer.next(bytes(), text.size(), &position, &start, &end) == Framer::Step::kFrame);
  EXPECT(text.substr(start, end - start) == "d");
}

}  // namespace

int main() {
  for (Framing framing : {Framing::kNewline, Framing::kLength}) {
    cuts_at_every_byte(framing);
    drops_what_is_too_large(framing);
  }
  tells_the_announced_length();
  tells_what_is_needed();
  changes_its_framing();
  return 0;
}
