// Routes, calls and answers of the StreamEngine for JavaScript.
#include <napi.h>

#include <string>
#include <vector>

#include "base/constants.generated.h"
#include "napi/engine_call.h"

namespace ringwire {

namespace {

napi_value take_large_frame(napi_env env, napi_callback_info info) {
  EngineCall<1> call(env, info);
  if (call.target == nullptr) return nullptr;
  napi_value buffer =
      call.target->take_large_frame(static_cast<int32_t>(integer_of(env, call.arguments[0], -1)));
  return buffer == nullptr ? undefined(env) : buffer;
}

// ---- routing ----

/** The units of a string argument, valid until the next call; nullptr with a pending TypeError. */
const char16_t* read_text(napi_env env, StreamEngineObject* object, napi_value value, size_t* units) {
  char16_t* text = nullptr;
  if (napi_get_value_string_utf16(env, value, nullptr, 0, units) == napi_ok)
    text = object->text_room(*units + 1);
  if (text == nullptr) {
    type_error(env, "\"text\" must be a string that fits into memory");
    return nullptr;
  }
  napi_get_value_string_utf16(env, value, text, *units + 1, units);
  return text;
}

napi_value release_large_frame(napi_env env, napi_callback_info info) {
  EngineCall<1> call(env, info);
  if (call.target == nullptr) return nullptr;
  call.target->release_large_frame(static_cast<int32_t>(integer_of(env, call.arguments[0], -1)));
  return undefined(env);
}

/** (slot, kind): whether somebody waits for the answer; then its parts follow, and its end. */
napi_value begin_long_answer(napi_env env, napi_callback_info info) {
  EngineCall<2> call(env, info);
  if (call.target == nullptr) return nullptr;
  napi_value result = nullptr;
  napi_get_boolean(env,
                   call.target->dispatcher()->begin_long_answer(
                       static_cast<int32_t>(integer_of(env, call.arguments[0], -1)),
                       static_cast<int32_t>(integer_of(env, call.arguments[1]))),
                   &result);
  return result;
}

/** (text): a part; it does not end between the two halves of a surrogate pair. */
napi_value append_long_answer(napi_env env, napi_callback_info info) {
  EngineCall<1> call(env, info);
  if (call.target == nullptr) return nullptr;
  size_t units = 0;
  const char16_t* text = read_text(env, call.target, call.arguments[0], &units);
  if (text == nullptr) {
    call.target->dispatcher()->abort_long_answer();
    return nullptr;
  }
  call.target->dispatcher()->append_long_answer(text, units);
  return undefined(env);
}

napi_value end_long_answer(napi_env env, napi_callback_info info) {
  EngineCall<0> call(env, info);
  if (call.target == nullptr) return nullptr;
  call.target->dispatcher()->end_long_answer();
  return undefined(env);
}

/** (text, count): the answers whose records stand in `replies`; their texts one after the other. */
napi_value reply(napi_env env, napi_callback_info info) {
  EngineCall<2> call(env, info);
  if (call.target == nullptr) return nullptr;
  const auto count = static_cast<int32_t>(integer_of(env, call.arguments[1]));
  if (count < 0 || count > call.target->reply_capacity()) return type_error(env, "too many replies");
  size_t units = 0;
  const char16_t* text = read_text(env, call.target, call.arguments[0], &units);
  if (text == nullptr) return nullptr;
  call.target->dispatcher()->reply(call.target->replies(), count, text, units);
  call.target->trim_text_room();
  return undefined(env);
}

/** (before, after): the number to give as ReplyField.Kind. */
napi_value add_template(napi_env env, napi_callback_info info) {
  EngineCall<2> call(env, info);
  if (call.target == nullptr) return nullptr;
  return integer(env, call.target->dispatcher()->add_template(text_of(env, call.arguments[0]),
                                                              text_of(env, call.arguments[1])));
}

/** (method, key, RouteCode, profiles, target, targetGeneration, wantsArguments, keyIsUri, reply). */
napi_value set_route(napi_env env, napi_callback_info info) {
  EngineCall<9> call(env, info);
  if (call.target == nullptr) return nullptr;
  const napi_value* a = call.arguments;
  Route route;
  route.kind = static_cast<RouteKind>(integer_of(env, a[2], RouteCode::kHandler));
  route.profiles = static_cast<uint32_t>(integer_of(env, a[3]));
  route.target = static_cast<int32_t>(integer_of(env, a[4], -1));
  route.target_generation = static_cast<uint32_t>(integer_of(env, a[5]));
  route.wants_arguments = boolean_of(env, a[6]);
  route.key_is_uri = boolean_of(env, a[7]);
  route.reply = text_of(env, a[8]);
  call.target->dispatcher()->routes().set(text_of(env, a[0]), text_of(env, a[1]), route);
  return undefined(env);
}

/** (method, key): whether there was one. */
napi_value remove_route(napi_env env, napi_callback_info info) {
  EngineCall<2> call(env, info);
  if (call.target == nullptr) return nullptr;
  napi_value result = nullptr;
  napi_get_boolean(env,
                   call.target->dispatcher()->routes().remove(text_of(env, call.arguments[0]),
                                                              text_of(env, call.arguments[1])),
                   &result);
  return result;
}

/** (Int32Array, see read_profiles()). */
napi_value set_profiles(napi_env env, napi_callback_info info) {
  EngineCall<1> call(env, info);
  if (call.target == nullptr) return nullptr;
  std::vector<RequestProfile> profiles;
  if (!read_profiles(env, call.arguments[0], &profiles)) return nullptr;
  call.target->dispatcher()->set_profiles(std::move(profiles));
  return undefined(env);
}

}  // namespace

bool read_profiles(napi_env env, napi_value value, std::vector<RequestProfile>* profiles) {
  napi_typedarray_type type;
  size_t length = 0;
  void* memory = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &memory, nullptr, nullptr) != napi_ok ||
      type != napi_int32_array || length % 4 != 0 || length / 4 > BatchDispatcher::kMaxProfiles) {
    type_error(env, "\"profiles\" must be an Int32Array of four fields for each of up to 16 profiles");
    return false;
  }
  const auto* fields = static_cast<const int32_t*>(memory);
  for (size_t i = 0; i < length; i += 4) {
    profiles->push_back({fields[i], fields[i + 1], static_cast<uint32_t>(fields[i + 2]),
                         static_cast<uint32_t>(fields[i + 3])});
  }
  return true;
}

void add_dispatch_methods(std::vector<napi_property_descriptor>* properties) {
  properties->push_back(engine_method("takeLargeFrame", take_large_frame));
  properties->push_back(engine_method("releaseLargeFrame", release_large_frame));
  properties->push_back(engine_method("beginLongAnswer", begin_long_answer));
  properties->push_back(engine_method("appendLongAnswer", append_long_answer));
  properties->push_back(engine_method("endLongAnswer", end_long_answer));
  properties->push_back(engine_method("reply", reply));
  properties->push_back(engine_method("addTemplate", add_template));
  properties->push_back(engine_method("setRoute", set_route));
  properties->push_back(engine_method("removeRoute", remove_route));
  properties->push_back(engine_method("setProfiles", set_profiles));
}

}  // namespace ringwire
