// MessageBatch for JavaScript.
#include <napi.h>

#include <memory>
#include <new>
#include <vector>

#include "napi/bindings.h"
#include "napi/engine_call.h"
#include "napi/tagged_class.h"
#include "napi/typed_memory.h"
#include "route/message_batch.h"

namespace ringwire {

namespace {

struct MessageBatchObject {
  static const napi_type_tag kTypeTag;
  explicit MessageBatchObject(int max_depth) : batch(max_depth) {}
  MessageBatch batch;
};

const napi_type_tag MessageBatchObject::kTypeTag = {0x3f8a1d6be27c4590, 0xa4d09c3e5b7f1268};

constexpr int64_t kMaxMessages = 64 * 1024;

/** The memory of a typed array with at least so many elements; nullptr where the value is none. */
template <typename T>
T* memory_of(napi_env env, napi_value value, napi_typedarray_type wanted, int64_t elements) {
  T* memory = nullptr;
  size_t length = 0;
  const bool fits =
      typed_memory(env, value, wanted, &memory, &length) && static_cast<int64_t>(length) >= elements;
  return fits ? memory : nullptr;
}

napi_value construct(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr;
  napi_value self = nullptr;
  napi_value target = nullptr;
  int32_t max_depth = 0;
  napi_get_cb_info(env, info, &count, &argument, &self, nullptr);
  napi_get_new_target(env, info, &target);
  if (target == nullptr) return type_error(env, "MessageBatch must be called with new");
  if (napi_get_value_int32(env, argument, &max_depth) != napi_ok || max_depth < 1 ||
      max_depth > kMaxDepthLimit)
    return type_error(env, "\"maxDepth\" must be an integer between 1 and 1024");
  return wrap_tagged(env, self,
                     std::unique_ptr<MessageBatchObject>(new (std::nothrow) MessageBatchObject(max_depth)));
}

napi_value joined_text(napi_env env, const MessageBatch& batch) {
  std::vector<uint8_t> closed = batch.joined();
  closed.push_back(']');
  const auto* text = reinterpret_cast<const char*>(closed.data());
  napi_value result = nullptr;
  if (batch.joined_is_ascii()) {
    napi_create_string_latin1(env, text, closed.size(), &result);
  } else {
    napi_create_string_utf8(env, text, closed.size(), &result);
  }
  return result;
}

/** (arena, length, messages, count, records): the joined inputs, undefined for none, null for a line break.
 */
napi_value route(napi_env env, napi_callback_info info) {
  const TaggedCall<MessageBatchObject, 5> call(env, info);
  if (call.target == nullptr) return nullptr;
  const int64_t length = integer_of(env, call.arguments[1], -1);
  const int64_t count = integer_of(env, call.arguments[3], -1);
  if (length < 0 || count < 0 || count > kMaxMessages)
    return type_error(env, "\"length\" and \"count\" must be integers of 0 or more");
  const auto* arena = memory_of<uint8_t>(env, call.arguments[0], napi_uint8_array, length);
  const auto* messages =
      memory_of<int32_t>(env, call.arguments[2], napi_int32_array, count * MessageField::kCount);
  auto* records = memory_of<int32_t>(env, call.arguments[4], napi_int32_array, count * BatchField::kCount);
  if (arena == nullptr || messages == nullptr || records == nullptr)
    return type_error(env, "\"arena\", \"messages\" and \"records\" must have room for what is counted");
  MessageBatch& batch = call.target->batch;
  napi_value result = nullptr;
  if (!batch.route(arena, static_cast<size_t>(length), messages, static_cast<int32_t>(count), records)) {
    napi_get_null(env, &result);
    return result;
  }
  return batch.joined().empty() ? undefined(env) : joined_text(env, batch);
}

/** The ids of the batch, one behind the other. */
napi_value ids(napi_env env, napi_callback_info info) {
  const TaggedCall<MessageBatchObject, 0> call(env, info);
  if (call.target == nullptr) return nullptr;
  const std::vector<uint8_t>& text = call.target->batch.ids();
  napi_value result = nullptr;
  napi_create_string_latin1(env, reinterpret_cast<const char*>(text.data()), text.size(), &result);
  return result;
}

/** (method, key, RouteCode, profiles, target, wantsArguments, keyIsUri). */
napi_value set_route(napi_env env, napi_callback_info info) {
  const TaggedCall<MessageBatchObject, 7> call(env, info);
  if (call.target == nullptr) return nullptr;
  const napi_value* a = call.arguments;
  Route route;
  route.kind = static_cast<RouteKind>(integer_of(env, a[2], RouteCode::kHandler));
  route.profiles = static_cast<uint32_t>(integer_of(env, a[3]));
  route.target = static_cast<int32_t>(integer_of(env, a[4], -1));
  route.wants_arguments = boolean_of(env, a[5]);
  route.key_is_uri = boolean_of(env, a[6]);
  call.target->batch.routes().set(text_of(env, a[0]), text_of(env, a[1]), route);
  return undefined(env);
}

/** (method, key): whether there was one. */
napi_value remove_route(napi_env env, napi_callback_info info) {
  const TaggedCall<MessageBatchObject, 2> call(env, info);
  if (call.target == nullptr) return nullptr;
  napi_value result = nullptr;
  napi_get_boolean(
      env,
      call.target->batch.routes().remove(text_of(env, call.arguments[0]), text_of(env, call.arguments[1])),
      &result);
  return result;
}

/** (Int32Array of [flagsMask, flagsValue, connectionMask, connectionValue] per profile). */
napi_value set_profiles(napi_env env, napi_callback_info info) {
  const TaggedCall<MessageBatchObject, 1> call(env, info);
  if (call.target == nullptr) return nullptr;
  std::vector<RequestProfile> profiles;
  if (!read_profiles(env, call.arguments[0], &profiles)) return nullptr;
  call.target->batch.set_profiles(std::move(profiles));
  return undefined(env);
}

}  // namespace

void register_message_batch(Napi::Env env, Napi::Object exports) {
  const napi_property_descriptor methods[] = {
      engine_method("route", route),
      engine_method("ids", ids),
      engine_method("setRoute", set_route),
      engine_method("removeRoute", remove_route),
      engine_method("setProfiles", set_profiles),
  };
  napi_value batch_class = nullptr;
  if (napi_define_class(env, "MessageBatch", NAPI_AUTO_LENGTH, construct, nullptr,
                        sizeof methods / sizeof methods[0], methods, &batch_class) != napi_ok)
    return;
  exports["MessageBatch"] = Napi::Value(env, batch_class);
}

}  // namespace ringwire
