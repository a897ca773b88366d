// EnvelopeScanner and the text encoders for JavaScript.
#include <napi.h>
#include <simdjson.h>

#include <memory>
#include <new>
#include <string>

#include "json/envelope_scanner.h"
#include "json/text_encoder.h"
#include "napi/bindings.h"
#include "napi/tagged_class.h"
#include "napi/typed_memory.h"

namespace ringwire {

namespace {

struct ScannerObject {
  static const napi_type_tag kTypeTag;
  ScannerObject(int max_depth, const simdjson::implementation* kernel) : scanner(max_depth, kernel) {}
  EnvelopeScanner scanner;
};

const napi_type_tag ScannerObject::kTypeTag = {0x5d0c6f1b7e2a4983, 0x9b41c7d2e8f03a65};

/** undefined is the best kernel; false where the name is not one that runs here. */
bool find_kernel(napi_env env, napi_value value, const simdjson::implementation** kernel) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  *kernel = nullptr;
  if (type == napi_undefined) return true;
  char name[32];
  size_t length = 0;
  if (napi_get_value_string_latin1(env, value, name, sizeof name, &length) != napi_ok) return false;
  *kernel = simdjson::get_available_implementations()[std::string(name, length)];
  return *kernel != nullptr && (*kernel)->supported_by_runtime_system();
}

napi_value construct(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  napi_value self = nullptr;
  napi_value target = nullptr;
  int32_t max_depth = 0;
  const simdjson::implementation* kernel = nullptr;
  napi_get_cb_info(env, info, &count, arguments, &self, nullptr);
  napi_get_new_target(env, info, &target);
  if (target == nullptr) return type_error(env, "EnvelopeScanner must be called with new");
  if (napi_get_value_int32(env, arguments[0], &max_depth) != napi_ok || max_depth < 1 ||
      max_depth > kMaxDepthLimit)
    return type_error(env, "\"maxDepth\" must be an integer between 1 and 1024");
  if (!find_kernel(env, arguments[1], &kernel))
    return type_error(env, "\"kernel\" must be one of buildInfo().simdSupported");
  return wrap_tagged(env, self,
                     std::unique_ptr<ScannerObject>(new (std::nothrow) ScannerObject(max_depth, kernel)));
}

napi_value scan(napi_env env, napi_callback_info info) {
  const TaggedCall<ScannerObject, 2> call(env, info);
  const uint8_t* frame = nullptr;
  int32_t* record = nullptr;
  size_t length = 0;
  size_t fields = 0;
  if (call.target == nullptr) return nullptr;
  if (!typed_memory(env, call.arguments[0], napi_uint8_array, &frame, &length))
    return type_error(env, "\"frame\" must be a Uint8Array");
  if (!typed_memory(env, call.arguments[1], napi_int32_array, &record, &fields) ||
      fields < static_cast<size_t>(EnvelopeField::kCount))
    return type_error(env, "\"record\" must be an Int32Array of EnvelopeField.Count elements or more");
  napi_value verdict = nullptr;
  napi_create_int32(env, call.target->scanner.scan(frame, length, record), &verdict);
  return verdict;
}

napi_value scan_lines(napi_env env, napi_callback_info info) {
  const TaggedCall<ScannerObject, 3> call(env, info);
  const uint8_t* buffer = nullptr;
  int32_t* records = nullptr;
  size_t size = 0;
  size_t fields = 0;
  int64_t length = -1;
  if (call.target == nullptr) return nullptr;
  if (!typed_memory(env, call.arguments[0], napi_uint8_array, &buffer, &size))
    return type_error(env, "\"buffer\" must be a Uint8Array");
  if (napi_get_value_int64(env, call.arguments[1], &length) != napi_ok || length < 0 ||
      static_cast<uint64_t>(length) > size)
    return type_error(env, "\"length\" must be an integer between 0 and the buffer's length");
  if (!typed_memory(env, call.arguments[2], napi_int32_array, &records, &fields))
    return type_error(env, "\"records\" must be an Int32Array");
  napi_value count = nullptr;
  const size_t scanned = call.target->scanner.scan_lines(buffer, static_cast<size_t>(length), records,
                                                         fields / EnvelopeField::kCount);
  napi_create_uint32(env, static_cast<uint32_t>(scanned), &count);
  return count;
}

/** The units of a string argument, one byte each where `latin1`; empty optional where it is no string. */
template <typename Unit, typename Read>
std::unique_ptr<Unit[]> string_units(napi_env env, napi_value value, Read read, size_t* length) {
  if (read(env, value, nullptr, 0, length) != napi_ok) return nullptr;
  std::unique_ptr<Unit[]> units(new (std::nothrow) Unit[*length + 1]);
  if (units != nullptr && read(env, value, units.get(), *length + 1, length) != napi_ok) return nullptr;
  return units;
}

using Utf16Converter = size_t (*)(const char16_t*, size_t, uint8_t*);
using Latin1Converter = size_t (*)(const uint8_t*, size_t, uint8_t*);

/** (text, latin1): the bytes that the converter for the string's encoding makes of it. */
template <Utf16Converter kUtf16, Latin1Converter kLatin1>
Napi::Value convert_text(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  size_t length = 0;
  std::unique_ptr<char16_t[]> wide;
  std::unique_ptr<char[]> narrow;
  const bool latin1 = info[1].ToBoolean();
  if (latin1) {
    narrow = string_units<char>(env, info[0], napi_get_value_string_latin1, &length);
  } else {
    wide = string_units<char16_t>(env, info[0], napi_get_value_string_utf16, &length);
  }
  if (wide == nullptr && narrow == nullptr) {
    Napi::TypeError::New(env, "\"text\" must be a string").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  std::unique_ptr<uint8_t[]> out(new (std::nothrow) uint8_t[length * kEscapeBytesPerUnit + kEncoderSlack]);
  if (out == nullptr) {
    Napi::RangeError::New(env, "\"text\" is too long").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const size_t written = latin1 ? kLatin1(reinterpret_cast<const uint8_t*>(narrow.get()), length, out.get())
                                : kUtf16(wide.get(), length, out.get());
  return Napi::Buffer<uint8_t>::Copy(env, out.get(), written);
}

Napi::Value decode_text(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const uint8_t* text = nullptr;
  size_t length = 0;
  const bool bytes = typed_memory(env, info[0], napi_uint8_array, &text, &length);
  // The decoder trusts its input: what is not UTF-8 must not reach it.
  if (!bytes || !simdjson::validate_utf8(reinterpret_cast<const char*>(text), length)) {
    Napi::TypeError::New(env, "\"bytes\" must be a Uint8Array of valid UTF-8").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  std::unique_ptr<char16_t[]> out(new (std::nothrow) char16_t[length + kEncoderSlack]);
  if (out == nullptr) {
    Napi::RangeError::New(env, "\"bytes\" is too long").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  return Napi::String::New(env, out.get(), decode_utf8_to_utf16(text, length, out.get()));
}

}  // namespace

void register_json(Napi::Env env, Napi::Object exports) {
  const napi_property_descriptor methods[] = {
      {"scan", nullptr, scan, nullptr, nullptr, nullptr, napi_default_method, nullptr},
      {"scanLines", nullptr, scan_lines, nullptr, nullptr, nullptr, napi_default_method, nullptr},
  };
  napi_value scanner_class = nullptr;
  if (napi_define_class(env, "EnvelopeScanner", NAPI_AUTO_LENGTH, construct, nullptr, 2, methods,
                        &scanner_class) != napi_ok)
    return;
  exports["EnvelopeScanner"] = Napi::Value(env, scanner_class);
  exports["escapeText"] = Napi::Function::New<convert_text<escape_utf16, escape_latin1>>(env, "escapeText");
  exports["encodeText"] = Napi::Function::New<convert_text<encode_utf16, encode_latin1>>(env, "encodeText");
  exports["decodeText"] = Napi::Function::New<decode_text>(env, "decodeText");
}

}  // namespace ringwire
