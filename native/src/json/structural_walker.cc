#include "json/structural_walker.h"

namespace ringwire {

Token StructuralWalker::unexpected(Token token) {
  if (token >= in_.stop) return fail(ScanVerdict::kInvalidJson, in_.text_end);
  const uint8_t byte = in_.text[*token];
  // Some kernels take FF and SUB for operators, others for the rest of a scalar. To say the same everywhere,
  // the scalar that such a byte follows without a space is the one to blame.
  if ((byte == 0x0C || byte == 0x1A) && token > in_.first) {
    const uint8_t before = in_.text[*token - 1];
    if (!is_json_space(before) && !is_json_operator(before) && before != '"')
      return fail(ScanVerdict::kInvalidJson, token[-1]);
  }
  return fail(ScanVerdict::kInvalidJson, *token);
}

bool StructuralWalker::check_escapes(uint32_t end) {
  while (next_backslash_ < end) {
    const size_t length = escape_length(in_.text + next_backslash_);
    if (length == 0) {
      fail(ScanVerdict::kInvalidJson, next_backslash_);
      return false;
    }
    find_backslash(next_backslash_ + static_cast<uint32_t>(length));
  }
  return true;
}

}  // namespace ringwire
