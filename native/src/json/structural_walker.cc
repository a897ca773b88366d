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

void StructuralWalker::find_backslash(uint32_t from) {
  // Escapes come in clusters: a look at the next bytes is cheaper than a call, and finds most of them.
  const uint32_t near = in_.text_end - from < 16 ? in_.text_end : from + 16;
  for (; from < near; ++from) {
    if (in_.text[from] == '\\') {
      next_backslash_ = from;
      return;
    }
  }
  const void* found = memchr(in_.text + from, '\\', in_.text_end - from);
  next_backslash_ =
      found == nullptr ? UINT32_MAX : static_cast<uint32_t>(static_cast<const uint8_t*>(found) - in_.text);
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

Token StructuralWalker::scalar(Token token) {
  const uint8_t byte = at(token);
  if (byte == 0) return unexpected(token);
  const uint8_t* start = in_.text + *token;
  const uint8_t* limit = in_.text + token[1];
  const uint8_t* end;
  if (limit == start + 1 && byte >= '0' && byte <= '9') return token + 1;
  if (byte == '-' || (byte >= '0' && byte <= '9')) {
    end = number_end(start, limit);
  } else if (byte == 't' || byte == 'f' || byte == 'n') {
    end = literal_end(start, limit);
  } else {
    return unexpected(token);
  }
  if (end == nullptr || (end != limit && !is_json_space(*end)))
    return fail(ScanVerdict::kInvalidJson, *token);
  return token + 1;
}

Token StructuralWalker::container(Token token, int depth) {
  const int outside = depth;
  for (;;) {
    // One value; where a container opens, its first value comes next.
    const uint8_t byte = at(token);
    if (byte == '{' || byte == '[') {
      if (depth >= in_.max_depth) return fail(ScanVerdict::kTooDeep, *token);
      const uint64_t bit = uint64_t{1} << (depth & 63);
      uint64_t& word = in_.kinds[depth >> 6];
      word = byte == '{' ? word | bit : word & ~bit;
      ++depth;
      ++token;
      // '[' + 2 is ']', '{' + 2 is '}'.
      if (at(token) != byte + 2) {
        if (byte == '{' && (token = member_value(token)) == nullptr) return nullptr;
        continue;
      }
    } else {
      token = byte == '"' ? string(token) : scalar(token);
      if (token == nullptr) return nullptr;
    }
    // After a value, or at the bracket that closes an empty container: a comma, or any number of ends.
    for (;;) {
      const bool object = (in_.kinds[(depth - 1) >> 6] >> ((depth - 1) & 63) & 1) != 0;
      const uint8_t next = at(token);
      if (next == ',') {
        ++token;
        if (object && (token = member_value(token)) == nullptr) return nullptr;
        break;
      }
      if (next != (object ? '}' : ']')) return unexpected(token);
      ++token;
      if (--depth == outside) return token;
    }
  }
}

}  // namespace ringwire
