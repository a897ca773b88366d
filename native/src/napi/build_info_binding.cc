// What this binary is and which instruction set it runs: read by `ringwire doctor`.
#include <napi.h>
#include <simdjson.h>

#include "napi/bindings.h"

namespace ringwire {

static Napi::Value build_info(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Object result = Napi::Object::New(env);
  const simdjson::implementation* active = simdjson::get_active_implementation();
  result["simd"] = Napi::String::New(env, active->name());
  Napi::Array supported = Napi::Array::New(env);
  uint32_t count = 0;
  for (const auto* implementation : simdjson::get_available_implementations()) {
    if (implementation->supported_by_runtime_system())
      supported.Set(count++, Napi::String::New(env, implementation->name()));
  }
  result["simdSupported"] = supported;
  result["simdjson"] = Napi::String::New(env, SIMDJSON_VERSION);
  result["napi"] = Napi::Number::New(env, NAPI_VERSION);
#if defined(__VERSION__)
  result["compiler"] = Napi::String::New(env, __VERSION__);
#elif defined(_MSC_FULL_VER)
  result["compiler"] = Napi::String::New(env, "MSVC " + std::to_string(_MSC_FULL_VER));
#endif
#if defined(__SANITIZE_ADDRESS__)
  result["sanitizer"] = Napi::String::New(env, "address");
#endif
  return result;
}

void register_build_info(Napi::Env env, Napi::Object exports) {
  exports["buildInfo"] = Napi::Function::New(env, build_info, "buildInfo");
}

}  // namespace ringwire
