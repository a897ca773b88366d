#pragma once
// What the binding files of the stream engine share: its methods' receiver, and plain arguments and results.
#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "napi/stream_engine_object.h"
#include "napi/tagged_class.h"
#include "route/request_profile.h"

namespace ringwire {

/** A call on an engine that is open; otherwise `target` is nullptr and an exception is pending. */
template <size_t kCount>
struct EngineCall : TaggedCall<StreamEngineObject, kCount> {
  EngineCall(napi_env env, napi_callback_info info) : TaggedCall<StreamEngineObject, kCount>(env, info) {
    if (this->target == nullptr || this->target->engine() != nullptr) return;
    this->target = nullptr;
    napi_throw_error(env, nullptr, "The stream engine is closed");
  }
};

inline napi_value integer(napi_env env, int64_t value) {
  napi_value result = nullptr;
  napi_create_int64(env, value, &result);
  return result;
}

inline napi_value undefined(napi_env env) {
  napi_value result = nullptr;
  napi_get_undefined(env, &result);
  return result;
}

inline int64_t integer_of(napi_env env, napi_value value, int64_t otherwise = 0) {
  int64_t result = otherwise;
  napi_get_value_int64(env, value, &result);
  return result;
}

inline bool boolean_of(napi_env env, napi_value value) {
  bool result = false;
  napi_get_value_bool(env, value, &result);
  return result;
}

inline std::string text_of(napi_env env, napi_value value) {
  size_t length = 0;
  std::string text;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return text;
  text.resize(length + 1);
  napi_get_value_string_utf8(env, value, &text[0], length + 1, &length);
  text.resize(length);
  return text;
}

/**
 * The profiles of an Int32Array of [flagsMask, flagsValue, connectionMask, connectionValue] each; false with
 * a pending TypeError.
 */
bool read_profiles(napi_env env, napi_value value, std::vector<RequestProfile>* profiles);

/** The methods for routes, calls and answers, for the class in stream_engine_binding.cc. */
void add_dispatch_methods(std::vector<napi_property_descriptor>* properties);

inline napi_property_descriptor engine_method(const char* name, napi_callback callback) {
  return {name, nullptr, callback, nullptr, nullptr, nullptr, napi_default_method, nullptr};
}

}  // namespace ringwire
