// The facts about bytes, against a loop, for every length and every place of what matters.
#include "base/byte_facts.h"

#include <memory>
#include <string>

#include "expect.h"

using namespace ringwire;

namespace {

/** Every read past the end shows under AddressSanitizer. */
ByteFacts facts(const std::string& text, bool line) {
  std::unique_ptr<uint8_t[]> exact(new uint8_t[text.size()]);
  for (size_t at = 0; at < text.size(); ++at) exact[at] = static_cast<uint8_t>(text[at]);
  return line ? line_facts(exact.get(), text.size()) : frame_facts(exact.get(), text.size());
}

void same_as_a_loop(const std::string& text) {
  const size_t newline = text.find('\n');
  for (bool line : {true, false}) {
    const std::string part = line ? text.substr(0, newline) : text;
    bool ascii = true;
    for (char byte : part) ascii = ascii && static_cast<unsigned char>(byte) < 0x80;
    const ByteFacts said = facts(text, line);
    EXPECT(said.length == part.size());
    EXPECT(said.newline == (line && newline != std::string::npos));
    EXPECT(said.ascii == ascii);
    EXPECT(said.backslash == (part.find('\\') != std::string::npos));
  }
}

}  // namespace

int main() {
  for (size_t length = 0; length < 150; ++length) {
    const std::string plain(length, 'a');
    same_as_a_loop(plain);
    for (size_t at = 0; at < length; ++at) {
      for (char special : {'\n', '\\', '\x80', '\xff', '\x7f', '\x00'}) {
        std::string text = plain;
        text[at] = special;
        same_as_a_loop(text);
        // Something special on both sides of a newline, and only one side counts.
        text[length / 2] = '\n';
        same_as_a_loop(text);
        text[length - 1] = '\\';
        same_as_a_loop(text);
      }
    }
  }
  return 0;
}
