#pragma once
// Classes exported to JavaScript. Every instance carries its class's tag, and every method asks for it: a
// method borrowed by another object throws instead of taking foreign memory for its own.
#include <napi.h>

#include <memory>

namespace ringwire {

/** Raises a TypeError and returns nullptr, so that a callback can end with `return type_error(…)`. */
inline napi_value type_error(napi_env env, const char* message) {
  napi_throw_type_error(env, nullptr, message);
  return nullptr;
}

/**
 * The receiver and the first kCount arguments of a call; absent arguments are undefined. T must have a static
 * `const napi_type_tag kTypeTag` of random bits.
 */
template <typename T, size_t kCount>
struct TaggedCall {
  napi_value self = nullptr;
  napi_value arguments[kCount == 0 ? 1 : kCount] = {};
  /** nullptr where the receiver is no T; a TypeError is pending then. */
  T* target = nullptr;

  TaggedCall(napi_env env, napi_callback_info info) {
    size_t count = kCount;
    bool tagged = false;
    void* wrapped = nullptr;
    if (napi_get_cb_info(env, info, &count, arguments, &self, nullptr) == napi_ok &&
        napi_check_object_type_tag(env, self, &T::kTypeTag, &tagged) == napi_ok && tagged &&
        napi_unwrap(env, self, &wrapped) == napi_ok) {
      target = static_cast<T*>(wrapped);
    } else {
      type_error(env, "Illegal invocation: the method belongs to another class");
    }
  }
};

/** Ties a new native object to `self`, which frees it when it is collected. Returns `self`, or nullptr on
 * failure. */
template <typename T>
napi_value wrap_tagged(napi_env env, napi_value self, std::unique_ptr<T> object) {
  const napi_finalize finalize = [](napi_env, void* data, void*) { delete static_cast<T*>(data); };
  if (object == nullptr || napi_wrap(env, self, object.get(), finalize, nullptr, nullptr) != napi_ok)
    return type_error(env, "The native object could not be created");
  object.release();
  // A failed tag leaves an object that every method refuses, which the collector still frees.
  if (napi_type_tag_object(env, self, &T::kTypeTag) != napi_ok)
    return type_error(env, "The native object could not be tagged");
  return self;
}

}  // namespace ringwire
