#pragma once
// Checks the grammar of a document over the structural index that simdjson's stage 1 leaves: the position of
// every operator, of every opening quote and of the first byte of every number and literal outside strings.
#include <cstdint>
#include <cstring>

#include "base/constants.generated.h"
#include "json/json_text.h"

namespace ringwire {

/** The largest max_depth: one bit per level is kept. */
constexpr int kMaxDepthLimit = 1024;
constexpr int kDepthWords = kMaxDepthLimit / 64;

/** An entry of the structural index; nullptr from a function of the walker means that it failed. */
using Token = const uint32_t*;

class StructuralWalker {
 public:
  struct Input {
    const uint8_t* text;
    /** The first token, and past the last; *stop must be readable and lie past every token. */
    Token first;
    Token stop;
    /** Where the document ends in the text. */
    uint32_t text_end;
    int max_depth;
    bool has_escapes;
    /** kDepthWords words; what they hold does not matter. One bit per open container, set for an object. */
    uint64_t* kinds;
  };

  explicit StructuralWalker(const Input& input) : in_(input) {
    if (in_.has_escapes) find_backslash(*in_.first);
  }

  int32_t verdict() const { return verdict_; }
  uint32_t error_offset() const { return error_offset_; }
  const uint8_t* text() const { return in_.text; }
  bool has_escapes() const { return in_.has_escapes; }
  uint32_t text_end() const { return in_.text_end; }
  bool has_tokens(Token token, uint32_t count) const {
    return static_cast<size_t>(in_.stop - token) >= count;
  }

  /** The token's byte; 0 past the last token, which no grammar rule accepts. */
  uint8_t at(Token token) const { return token < in_.stop ? in_.text[*token] : 0; }

  /** Past the string or scalar that starts at `token`: the next token, without the white space before it. */
  uint32_t end_of(Token token) const {
    uint32_t end = token[1];
    while (is_json_space(in_.text[end - 1])) --end;
    return end;
  }

  /** Reads any value inside `depth` containers; returns the token after it. */
  Token value(Token token, int depth) {
    const uint8_t byte = at(token);
    if (byte == '"') return string(token);
    if (byte == '{' || byte == '[') return container(token, depth);
    return scalar(token);
  }

  /**
   * Reads the object at `token`, which must be a `{` inside `depth` containers. Calls on_member(key, value),
   * which must return what value() returns for the value.
   */
  template <typename OnMember>
  Token object(Token token, int depth, OnMember&& on_member) {
    if (depth >= in_.max_depth) return fail(ScanVerdict::kTooDeep, *token);
    ++token;
    if (at(token) == '}') return token + 1;
    for (;;) {
      const Token key = token;
      token = member_value(token);
      if (token == nullptr) return nullptr;
      token = on_member(key, token);
      if (token == nullptr) return nullptr;
      const uint8_t byte = at(token);
      if (byte == '}') return token + 1;
      if (byte != ',') return unexpected(token);
      ++token;
    }
  }

  Token string(Token token) {
    if (next_backslash_ < token[1] && !check_escapes(token[1])) return nullptr;
    return token + 1;
  }

  /** Fails at `token`, which the grammar does not allow there. */
  Token unexpected(Token token);

 private:
  Token fail(int32_t verdict, uint32_t offset) {
    verdict_ = verdict;
    error_offset_ = offset;
    return nullptr;
  }

  /** From the key at `token` over its colon to the value. */
  Token member_value(Token token) {
    if (at(token) != '"') return unexpected(token);
    if (string(token) == nullptr) return nullptr;
    if (at(token + 1) != ':') return unexpected(token + 1);
    return token + 2;
  }

  void find_backslash(uint32_t from);
  bool check_escapes(uint32_t end);
  Token scalar(Token token);
  Token container(Token token, int depth);

  Input in_;
  /** All before it are checked: each string is one comparison, however many backslashes the frame holds. */
  uint32_t next_backslash_ = UINT32_MAX;
  int32_t verdict_ = ScanVerdict::kOk;
  uint32_t error_offset_ = 0;
};

}  // namespace ringwire
