#include "json/envelope_reader.h"

namespace ringwire {

namespace {

/** One bit per key that must not appear twice at its level. */
enum Seen : uint32_t {
  kJsonrpc = 1 << 0,
  kId = 1 << 1,
  kMethod = 1 << 2,
  kParams = 1 << 3,
  kResult = 1 << 4,
  kError = 1 << 5,
  kName = 1 << 6,
  kUri = 1 << 7,
  kArguments = 1 << 8,
  kMeta = 1 << 9,
  kInputResponses = 1 << 10,
  kRequestState = 1 << 11,
  kProtocolVersion = 1 << 12,
  kClientCapabilities = 1 << 13,
  kLogLevel = 1 << 14,
  kProgressToken = 1 << 15,
  kTraceparent = 1 << 16,
};

/** Compares with a literal of known length: one or two loads instead of a call. */
template <size_t kSize>
bool same(const uint8_t* text, const char (&literal)[kSize]) {
  return memcmp(text, literal, kSize - 1) == 0;
}

constexpr char kModernVersion[] = "2026-07-28";

}  // namespace

Token EnvelopeReader::read(Token first) {
  root_ = *first;
  root_byte_ = walker_.at(first);
  for (int32_t field = EnvelopeField::kIdStart; field < EnvelopeField::kErrorOffset; ++field)
    record_[field] = -1;
  return root_byte_ == '{' ? envelope(first) : walker_.value(first, 0);
}

EnvelopeReader::Key EnvelopeReader::unescaped_key(Key key) {
  if (memchr(key.text, '\\', key.length) == nullptr) return key;
  const int plain = unescape_ascii(key.text, key.length, key_buffer_, kKeyCapacity);
  return {key_buffer_, plain < 0 ? 0 : static_cast<uint32_t>(plain)};
}

bool EnvelopeReader::equals(uint32_t begin, uint32_t end, const char* text, uint32_t length) {
  const uint8_t* bytes = walker_.text() + begin;
  if (end - begin == length) return memcmp(bytes, text, length) == 0;
  if (end - begin < length || !walker_.has_escapes()) return false;
  uint8_t plain[16];
  const int written = unescape_ascii(bytes, end - begin, plain, sizeof plain);
  return written == static_cast<int>(length) && memcmp(plain, text, length) == 0;
}

Token EnvelopeReader::text(Token token, int32_t field) {
  const Token after = walker_.string(token);
  if (after != nullptr) set(field, *token + 1, walker_.end_of(token) - 1);
  return after;
}

Token EnvelopeReader::envelope(Token token) {
  return walker_.object(token, 0, [this](Token name, Token value) -> Token {
    const Key key = key_at(name);
    const uint8_t byte = walker_.at(value);
    if (key.length == 2 && same(key.text, "id")) {
      see(kId, name);
      return id(value);
    }
    if (key.length == 6 && same(key.text, "method")) {
      see(kMethod, name);
      method_at_ = *value;
      method_ = byte == '"' ? Shape::kGood : Shape::kBad;
      return byte == '"' ? text(value, EnvelopeField::kMethodStart) : walker_.value(value, 1);
    }
    if (key.length == 6 && same(key.text, "params")) {
      see(kParams, name);
      params_at_ = *value;
      return params(value);
    }
    if (key.length == 7 && same(key.text, "jsonrpc")) {
      see(kJsonrpc, name);
      return version(value);
    }
    const bool result = key.length == 6 && same(key.text, "result");
    const bool error = key.length == 5 && same(key.text, "error");
    const Token after = walker_.value(value, 1);
    if (after == nullptr || !(result || error)) return after;
    see(result ? kResult : kError, name);
    if (result) {
      has_result_ = true;
    } else {
      error_at_ = *value;
      error_ = byte == '{' ? Shape::kGood : Shape::kBad;
    }
    const bool container = byte == '{' || byte == '[';
    set(EnvelopeField::kResultStart, *value, container ? after[-1] + 1 : walker_.end_of(value));
    return after;
  });
}

Token EnvelopeReader::version(Token token) {
  const bool is_string = walker_.at(token) == '"';
  const Token after = walker_.value(token, 1);
  if (after == nullptr) return nullptr;
  jsonrpc_at_ = *token;
  const bool good = is_string && equals(*token + 1, walker_.end_of(token) - 1, "2.0", 3);
  jsonrpc_ = good ? Shape::kGood : Shape::kBad;
  return after;
}

Token EnvelopeReader::id(Token token) {
  const uint8_t byte = walker_.at(token);
  const Token after = walker_.value(token, 1);
  if (after == nullptr) return nullptr;
  id_at_ = *token;
  id_ = Id::kInvalid;
  if (byte == '{' || byte == '[' || byte == 't' || byte == 'f') return after;
  const uint32_t end = walker_.end_of(token);
  if (byte == '"') {
    id_ = Id::kText;
  } else if (byte == 'n') {
    id_ = Id::kNull;
  } else {
    for (uint32_t i = *token; i < end; ++i) {
      const uint8_t digit = walker_.text()[i];
      if (digit != '-' && (digit < '0' || digit > '9')) return after;
    }
    id_ = Id::kInteger;
  }
  set(EnvelopeField::kIdStart, *token, end);
  return after;
}

Token EnvelopeReader::params(Token token) {
  const uint8_t byte = walker_.at(token);
  params_ = byte == '{' || byte == '[' ? Shape::kGood : Shape::kBad;
  if (byte != '{') {
    const Token after = walker_.value(token, 1);
    if (after != nullptr && byte == '[') {
      flags_ |= EnvelopeFlag::kParamsIsArray;
      set_container(EnvelopeField::kParamsStart, token, after);
    }
    return after;
  }
  const Token end = walker_.object(token, 1, [this](Token name, Token value) -> Token {
    const Key key = key_at(name);
    const uint8_t kind = walker_.at(value);
    if (key.length == 4 && same(key.text, "name")) {
      see(kName, name);
      if (kind != '"') return other(value);
      flags_ &= ~EnvelopeFlag::kNameIsUri;
      return text(value, EnvelopeField::kNameStart);
    }
    if (key.length == 3 && same(key.text, "uri")) {
      see(kUri, name);
      const bool named = record_[EnvelopeField::kNameStart] >= 0;
      if (kind != '"') return other(value);
      if (named) return walker_.value(value, 2);
      flags_ |= EnvelopeFlag::kNameIsUri;
      return text(value, EnvelopeField::kNameStart);
    }
    if (key.length == 9 && same(key.text, "arguments")) {
      see(kArguments, name);
      if (kind != '{') return other(value);
      const Token after = walker_.value(value, 2);
      if (after != nullptr) set_container(EnvelopeField::kArgumentsStart, value, after);
      return after;
    }
    if (key.length == 5 && same(key.text, "_meta")) {
      see(kMeta, name);
      return kind == '{' ? meta(value) : other(value);
    }
    if (key.length == 14 && same(key.text, "inputResponses")) {
      see(kInputResponses, name);
      flags_ |= EnvelopeFlag::kHasRetry;
    } else if (key.length == 12 && same(key.text, "requestState")) {
      see(kRequestState, name);
      flags_ |= EnvelopeFlag::kHasRetry;
    }
    return other(value);
  });
  if (end != nullptr) set_container(EnvelopeField::kParamsStart, token, end);
  return end;
}

Token EnvelopeReader::meta(Token token) {
  const uint32_t start = *token;
  // The bytes behind a match are the end of the object, so its tokens are all there; a frame that is cut
  // short cannot match, because the comparison stays inside the text.
  if (cache_->length > 0 && walker_.text_end() - start >= cache_->length &&
      memcmp(walker_.text() + start, cache_->text, cache_->length) == 0 &&
      walker_.has_tokens(token, cache_->tokens)) {
    flags_ |= cache_->flags;
    if (cache_->version_start >= 0)
      set(EnvelopeField::kVersionStart, start + static_cast<uint32_t>(cache_->version_start),
          start + static_cast<uint32_t>(cache_->version_end));
    set(EnvelopeField::kMetaStart, start, start + cache_->length);
    return token + cache_->tokens;
  }
  const int32_t flags_before = flags_;
  flags_ = 0;
  const Token end = read_meta(token);
  if (end != nullptr) remember_meta(token, end, flags_);
  flags_ |= flags_before;
  return end;
}

void EnvelopeReader::remember_meta(Token token, Token end, int32_t flags) {
  const uint32_t start = *token;
  const uint32_t length = end[-1] + 1 - start;
  if (length > MetaCache::kMaxBytes || (flags & EnvelopeFlag::kHasProgressToken) != 0 ||
      duplicate_ != kNone || memchr(walker_.text() + start, '\\', length) != nullptr)
    return;
  memcpy(cache_->text, walker_.text() + start, length);
  cache_->length = length;
  cache_->tokens = static_cast<uint32_t>(end - token);
  cache_->flags = flags;
  const int32_t version = record_[EnvelopeField::kVersionStart];
  const int32_t base = static_cast<int32_t>(start) + origin_;
  cache_->version_start = version < 0 ? -1 : version - base;
  cache_->version_end = version < 0 ? -1 : record_[EnvelopeField::kVersionEnd] - base;
}

Token EnvelopeReader::read_meta(Token token) {
  const Token end = walker_.object(token, 2, [this](Token name, Token value) -> Token {
    const Key key = key_at(name);
    const uint8_t kind = walker_.at(value);
    const Token after = walker_.value(value, 3);
    if (after == nullptr) return nullptr;
    switch (key.length) {
      case 39:
        if (!same(key.text, "io.modelcontextprotocol/protocolVersion")) break;
        see(kProtocolVersion, name);
        flags_ |= EnvelopeFlag::kHasModernMeta;
        if (kind != '"') break;
        set(EnvelopeField::kVersionStart, *value + 1, walker_.end_of(value) - 1);
        if (equals(*value + 1, walker_.end_of(value) - 1, kModernVersion, sizeof kModernVersion - 1))
          flags_ |= EnvelopeFlag::kVersionModern;
        break;
      case 42:
        if (!same(key.text, "io.modelcontextprotocol/clientCapabilities")) break;
        see(kClientCapabilities, name);
        flags_ |= EnvelopeFlag::kHasModernMeta;
        if (kind == '{') flags_ |= EnvelopeFlag::kHasClientCapabilities;
        break;
      case 32:
        if (!same(key.text, "io.modelcontextprotocol/logLevel")) break;
        see(kLogLevel, name);
        flags_ |= EnvelopeFlag::kHasLogLevel;
        break;
      case 13:
        if (!same(key.text, "progressToken")) break;
        see(kProgressToken, name);
        if (kind != '"' && kind != '-' && (kind < '0' || kind > '9')) break;
        set(EnvelopeField::kProgressTokenStart, *value, walker_.end_of(value));
        flags_ |= EnvelopeFlag::kHasProgressToken;
        break;
      case 11:
        if (!same(key.text, "traceparent")) break;
        see(kTraceparent, name);
        flags_ |= EnvelopeFlag::kHasTrace;
        break;
      default:
        break;
    }
    return after;
  });
  if (end != nullptr) set_container(EnvelopeField::kMetaStart, token, end);
  return end;
}

int32_t EnvelopeReader::kind() const {
  if (method_ != Shape::kAbsent)
    return id_ == Id::kAbsent ? EnvelopeKind::kNotification : EnvelopeKind::kRequest;
  return has_result_ ? EnvelopeKind::kResponse : EnvelopeKind::kError;
}

int32_t EnvelopeReader::broken_rule(uint32_t* offset) const {
  const bool has_method = method_ != Shape::kAbsent;
  const bool has_error = error_ != Shape::kAbsent;
  *offset = jsonrpc_ == Shape::kBad ? jsonrpc_at_ : root_;
  if (jsonrpc_ != Shape::kGood) return ScanVerdict::kVersionMissing;
  *offset = id_at_;
  const bool null_allowed = has_error && !has_result_ && !has_method;
  if (id_ == Id::kInvalid || (id_ == Id::kNull && !null_allowed)) return ScanVerdict::kInvalidId;
  *offset = method_at_;
  if (method_ == Shape::kBad) return ScanVerdict::kInvalidMethod;
  *offset = params_at_;
  if (params_ == Shape::kBad) return ScanVerdict::kInvalidParams;
  *offset = error_ == Shape::kBad ? error_at_ : root_;
  if (error_ == Shape::kBad || has_method + has_result_ + has_error != 1) return ScanVerdict::kInvalidShape;
  return has_result_ && id_ == Id::kAbsent ? ScanVerdict::kInvalidShape : ScanVerdict::kOk;
}

int32_t EnvelopeReader::refuse(int32_t verdict, uint32_t offset) {
  record_[EnvelopeField::kVerdict] = verdict;
  record_[EnvelopeField::kKind] = 0;
  record_[EnvelopeField::kErrorOffset] = static_cast<int32_t>(offset) + origin_;
  return verdict;
}

int32_t EnvelopeReader::finish() {
  int32_t* record = record_;
  record[EnvelopeField::kFlags] = 0;
  if (root_byte_ == '[') return refuse(ScanVerdict::kBatchArray, root_);
  if (root_byte_ != '{') return refuse(ScanVerdict::kNotAnObject, root_);
  if (duplicate_ != kNone) {
    for (int32_t field = EnvelopeField::kIdStart; field < EnvelopeField::kErrorOffset; ++field)
      record[field] = -1;
    return refuse(ScanVerdict::kDuplicateKey, duplicate_);
  }
  if (id_ == Id::kText) flags_ |= EnvelopeFlag::kIdIsString;
  if (walker_.has_escapes()) {
    const auto escaped = [&](int32_t field) {
      const int32_t begin = record[field];
      return begin >= 0 && memchr(walker_.text() + (begin - origin_), '\\',
                                  static_cast<size_t>(record[field + 1] - begin)) != nullptr;
    };
    if (escaped(EnvelopeField::kMethodStart)) flags_ |= EnvelopeFlag::kMethodEscaped;
    if (escaped(EnvelopeField::kNameStart)) flags_ |= EnvelopeFlag::kNameEscaped;
  }
  uint32_t offset = 0;
  const int32_t verdict = broken_rule(&offset);
  if (id_ == Id::kNull) {
    if (verdict == ScanVerdict::kOk) {
      flags_ |= EnvelopeFlag::kIdIsNull;
    } else {
      record[EnvelopeField::kIdStart] = record[EnvelopeField::kIdEnd] = -1;
    }
  }
  record[EnvelopeField::kFlags] = flags_;
  if (verdict != ScanVerdict::kOk) return refuse(verdict, offset);
  record[EnvelopeField::kVerdict] = ScanVerdict::kOk;
  record[EnvelopeField::kKind] = kind();
  record[EnvelopeField::kErrorOffset] = 0;
  return ScanVerdict::kOk;
}

}  // namespace ringwire
