#include "scan.h"

#include <cstring>

namespace loadgen {
namespace {

// Walks JSON text; every function leaves `at` behind what it read and returns
// false where that is not there.
class Walker {
 public:
  Walker(const char* data, size_t length) : at_(data), end_(data + length) {}

  bool Take(char wanted) {
    Skip();
    if (at_ == end_ || *at_ != wanted) return false;
    at_++;
    return true;
  }

  bool AtEnd() {
    Skip();
    return at_ == end_;
  }

  bool String(const char** text, size_t* bytes) {
    if (!Take('"')) return false;
    *text = at_;
    for (; at_ < end_; at_++) {
      if (*at_ == '\\') {
        if (++at_ == end_) return false;
      } else if (*at_ == '"') {
        *bytes = static_cast<size_t>(at_++ - *text);
        return true;
      }
    }
    return false;
  }

  // Any value; a string comes without its quotes.
  bool Value(const char** text, size_t* bytes) {
    Skip();
    if (at_ == end_) return false;
    if (*at_ == '"') return String(text, bytes);
    *text = at_;
    if (!(*at_ == '{' || *at_ == '[' ? Brackets() : Word())) return false;
    *bytes = static_cast<size_t>(at_ - *text);
    return true;
  }

 private:
  void Skip() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) at_++;
  }

  bool Brackets() {
    const char* text;
    size_t bytes, depth = 0;
    while (at_ < end_) {
      const char c = *at_;
      if (c == '"') {
        if (!String(&text, &bytes)) return false;
        continue;
      }
      at_++;
      if (c == '{' || c == '[') depth++;
      if ((c == '}' || c == ']') && --depth == 0) return true;
    }
    return false;
  }

  // A number, true, false or null.
  bool Word() {
    const char* begin = at_;
    while (at_ < end_ && (strchr("+-.", *at_) != nullptr || (*at_ >= '0' && *at_ <= '9') ||
                          (*at_ >= 'a' && *at_ <= 'z') || *at_ == 'E')) {
      at_++;
    }
    return at_ > begin;
  }

  const char* at_;
  const char* end_;
};

bool Is(const char* text, size_t bytes, const char* wanted) {
  return bytes == strlen(wanted) && memcmp(text, wanted, bytes) == 0;
}

// Calls take(key, key_bytes, value, value_bytes) for each member of an object
// that is all there is.
template <typename Take>
bool EachMember(const char* data, size_t length, Take take) {
  Walker walker(data, length);
  if (!walker.Take('{')) return false;
  if (walker.Take('}')) return walker.AtEnd();
  do {
    const char *key, *value;
    size_t key_bytes, value_bytes;
    if (!walker.String(&key, &key_bytes) || !walker.Take(':') || !walker.Value(&value, &value_bytes)) {
      return false;
    }
    take(key, key_bytes, value, value_bytes);
  } while (walker.Take(','));
  return walker.Take('}') && walker.AtEnd();
}

}  // namespace

bool ScanMessage(const char* data, size_t length, MessageFacts* facts) {
  const char* result = nullptr;
  size_t result_bytes = 0;
  const bool is_object =
      EachMember(data, length, [&](const char* key, size_t key_bytes, const char* value, size_t value_bytes) {
        if (Is(key, key_bytes, "id")) {
          facts->id = value;
          facts->id_bytes = value_bytes;
        } else if (Is(key, key_bytes, "method")) {
          facts->method = value;
          facts->method_bytes = value_bytes;
        } else if (Is(key, key_bytes, "error")) {
          facts->has_error = true;
        } else if (Is(key, key_bytes, "result")) {
          facts->has_result = true;
          result = value;
          result_bytes = value_bytes;
        }
      });
  if (!is_object) return false;
  // Most results do not hold the word at all, and that is soon known.
  if (result == nullptr || memmem(result, result_bytes, "\"isError\"", 9) == nullptr) return true;
  EachMember(result, result_bytes,
             [&](const char* key, size_t key_bytes, const char* value, size_t value_bytes) {
               if (Is(key, key_bytes, "isError")) facts->is_tool_error = Is(value, value_bytes, "true");
             });
  return true;
}

bool FindNumber(const char* data, size_t length, const char* key, const char** digits, size_t* count) {
  const char* end = data + length;
  const auto* at = static_cast<const char*>(memmem(data, length, key, strlen(key)));
  if (at == nullptr) return false;
  at += strlen(key);
  if (at < end && *at == '"') at++;
  while (at < end && (*at == ' ' || *at == ':')) at++;
  *digits = at;
  while (at < end && *at >= '0' && *at <= '9') at++;
  *count = static_cast<size_t>(at - *digits);
  return *count > 0;
}

}  // namespace loadgen
