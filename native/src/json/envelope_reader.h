#pragma once
// Reads the JSON-RPC envelope of one frame, and what MCP keeps in params and _meta, into a record.
#include <cstdint>

#include "json/structural_walker.h"

namespace ringwire {

/**
 * The last `_meta` that was read: clients send the same bytes with every request, and bytes that were valid
 * JSON with these contents a moment ago are so now. Only objects without escapes and without a progress
 * token, which differs from request to request.
 */
struct MetaCache {
  static constexpr uint32_t kMaxBytes = 512;

  uint32_t length = 0;
  /** Tokens of the object, brackets included. */
  uint32_t tokens = 0;
  int32_t flags = 0;
  /** Of the version, relative to the object's bracket; -1 where it has none. */
  int32_t version_start = -1;
  int32_t version_end = -1;
  uint8_t text[kMaxBytes];
};

class EnvelopeReader {
 public:
  /** `record` takes EnvelopeField::kCount values; `origin` is added to every offset in it. */
  EnvelopeReader(const StructuralWalker::Input& input, int32_t* record, int32_t origin, MetaCache* cache)
      : walker_(input), record_(record), origin_(origin), cache_(cache) {}

  /**
   * Reads the document at `first`; returns the token after it. On a syntax error or too much depth it returns
   * nullptr, and refusal() and refusal_offset() say which and where.
   */
  Token read(Token first);

  /** After read(): applies the rules of JSON-RPC and completes the record, but for the frame's own bounds and
   * facts. */
  int32_t finish();

  /** Refuses the document for the token that follows its end. */
  void refuse_rest(Token token) { walker_.unexpected(token); }

  int32_t refusal() const { return walker_.verdict(); }
  uint32_t refusal_offset() const { return walker_.error_offset(); }

 private:
  enum class Id { kAbsent, kText, kInteger, kNull, kInvalid };
  enum class Shape { kAbsent, kGood, kBad };

  struct Key {
    const uint8_t* text;
    uint32_t length;
  };

  Token envelope(Token token);
  Token params(Token token);
  Token meta(Token token);
  Token read_meta(Token token);
  void remember_meta(Token token, Token end, int32_t flags);
  /** A member of params that the record does not show. */
  Token other(Token token) {
    flags_ |= EnvelopeFlag::kHasOtherParams;
    return walker_.value(token, 2);
  }
  Token id(Token token);
  Token version(Token token);
  /** A string's inside goes to the record at `field`; returns the token after it. */
  Token text(Token token, int32_t field);

  Key key_at(Token token) {
    const Key key{walker_.text() + *token + 1, walker_.end_of(token) - *token - 2};
    return walker_.has_escapes() ? unescaped_key(key) : key;
  }
  Key unescaped_key(Key key);
  /** Marks a key as seen; the first that was seen before is remembered. */
  void see(uint32_t bit, Token key) {
    if ((seen_ & bit) != 0 && duplicate_ == kNone) duplicate_ = *key;
    seen_ |= bit;
  }
  bool equals(uint32_t begin, uint32_t end, const char* text, uint32_t length);
  void set(int32_t field, uint32_t begin, uint32_t end) {
    record_[field] = static_cast<int32_t>(begin) + origin_;
    record_[field + 1] = static_cast<int32_t>(end) + origin_;
  }
  /** From a container's bracket to the one before `after`. */
  void set_container(int32_t field, Token token, Token after) { set(field, *token, after[-1] + 1); }
  int32_t refuse(int32_t verdict, uint32_t offset);
  int32_t kind() const;
  /** The first rule that the envelope breaks, by number, or Ok. */
  int32_t broken_rule(uint32_t* offset) const;

  static constexpr uint32_t kNone = UINT32_MAX;
  /** The longest key that the scan reads is 42 bytes. */
  static constexpr int kKeyCapacity = 48;

  StructuralWalker walker_;
  int32_t* record_;
  int32_t origin_;
  MetaCache* cache_;
  int32_t flags_ = 0;
  uint32_t seen_ = 0;
  uint32_t duplicate_ = kNone;
  uint32_t root_ = 0;
  uint32_t id_at_ = 0;
  uint32_t jsonrpc_at_ = 0;
  uint32_t method_at_ = 0;
  uint32_t params_at_ = 0;
  uint32_t error_at_ = 0;
  Id id_ = Id::kAbsent;
  Shape jsonrpc_ = Shape::kAbsent;
  Shape method_ = Shape::kAbsent;
  Shape params_ = Shape::kAbsent;
  Shape error_ = Shape::kAbsent;
  bool has_result_ = false;
  uint8_t root_byte_ = 0;
  uint8_t key_buffer_[kKeyCapacity];
};

}  // namespace ringwire
