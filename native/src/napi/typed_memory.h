#pragma once
#include <napi.h>

namespace ringwire {

/** The memory of a typed array of the wanted type; false where the value is none. */
template <typename T>
bool typed_memory(napi_env env, napi_value value, napi_typedarray_type wanted, T** data, size_t* length) {
  bool is_typed_array = false;
  napi_typedarray_type type;
  void* memory = nullptr;
  if (napi_is_typedarray(env, value, &is_typed_array) != napi_ok || !is_typed_array) return false;
  if (napi_get_typedarray_info(env, value, &type, length, &memory, nullptr, nullptr) != napi_ok) return false;
  *data = static_cast<T*>(memory);
  return type == wanted;
}

}  // namespace ringwire
