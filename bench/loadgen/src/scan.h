#pragma once

#include <cstddef>

namespace loadgen {

// What a JSON-RPC message is, read from the members of its outermost object.
struct MessageFacts {
  const char* id = nullptr;  // its value as it stands there; a string without its quotes
  size_t id_bytes = 0;
  const char* method = nullptr;  // without quotes
  size_t method_bytes = 0;
  bool has_result = false;
  bool has_error = false;
  bool is_tool_error = false;  // result.isError is true
};

// False when the bytes are no JSON object. What lies deeper than the members
// looked at is checked for its brackets and strings only.
bool ScanMessage(const char* data, size_t length, MessageFacts* facts);

// The digits behind `"key":`, wherever that stands; false where there are none.
bool FindNumber(const char* data, size_t length, const char* key, const char** digits, size_t* count);

}  // namespace loadgen
