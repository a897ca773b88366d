#include "napi/stream_engine_object.h"

#include <cstring>
#include <new>

#include "json/text_encoder.h"

namespace ringwire {

const napi_type_tag StreamEngineObject::kTypeTag = {0x2f7d9be4c61a4e05, 0xa8c3560f19d47be2};

/** Hangs a new ArrayBuffer on `self` under `name` and keeps it alive. */
bool StreamEngineObject::share(napi_value self, const char* name, size_t bytes, int32_t** data,
                               size_t index) {
  napi_value buffer = nullptr;
  void* memory = nullptr;
  if (napi_create_arraybuffer(env_, bytes, &memory, &buffer) != napi_ok) return false;
  *data = static_cast<int32_t*>(memory);
  return napi_create_reference(env_, buffer, 1, &shared_[index]) == napi_ok &&
         napi_set_named_property(env_, self, name, buffer) == napi_ok;
}

StreamEngineObject* StreamEngineObject::create(napi_env env, napi_value self, napi_value deliver,
                                               napi_value collect, int max_depth) {
  auto* object = new (std::nothrow) StreamEngineObject(env);
  if (object == nullptr) return nullptr;
  uv_loop_t* loop = nullptr;
  napi_value name = nullptr;
  int32_t* arena = nullptr;
  constexpr size_t record_bytes = sizeof(int32_t) * BatchDispatcher::kMaxRecords * BatchField::kCount;
  constexpr size_t reply_bytes = sizeof(int32_t) * kReplyRecords * ReplyField::kCount;
  const bool ready =
      napi_get_uv_event_loop(env, &loop) == napi_ok &&
      object->share(self, "records", record_bytes, &object->records_, 0) &&
      object->share(self, "replies", reply_bytes, &object->replies_, 1) &&
      object->share(self, "state", sizeof(int32_t) * EngineState::kCount, &object->state_, 2) &&
      object->share(self, "arena", StreamEngine::kArenaBytes + Slab::kPadding, &arena, 3) &&
      napi_create_reference(env, deliver, 1, &object->deliver_) == napi_ok &&
      napi_create_reference(env, collect, 1, &object->collect_) == napi_ok &&
      napi_create_string_utf8(env, "ringwire", NAPI_AUTO_LENGTH, &name) == napi_ok &&
      napi_async_init(env, nullptr, name, &object->async_context_) == napi_ok;
  if (ready) {
    object->arena_ = reinterpret_cast<uint8_t*>(arena);
    object->dispatcher_.reset(new (std::nothrow)
                                  BatchDispatcher(object, object->records_, object->state_, max_depth));
    if (object->dispatcher_ != nullptr)
      object->engine_ = StreamEngine::create(loop, object->dispatcher_.get(), object->arena_);
  }
  if (object->engine_ == nullptr) {
    // Nothing of it is in the loop yet; the references go with the environment.
    delete object;
    napi_throw_error(env, nullptr, "The stream engine could not be created");
    return nullptr;
  }
  object->dispatcher_->attach(object->engine_);
  napi_wrap(env, self, object, on_collected, nullptr, nullptr);
  napi_create_reference(env, self, 1, &object->self_);
  napi_add_async_cleanup_hook(env, on_environment_exit, object, &object->hook_);
  return object;
}

void StreamEngineObject::close() {
  if (closing_) return;
  closing_ = true;
  engine_->shutdown(on_engine_gone, this);
}

void StreamEngineObject::on_environment_exit(napi_async_cleanup_hook_handle, void* data) {
  auto* self = static_cast<StreamEngineObject*>(data);
  self->env_ = nullptr;
  self->close();
}

void StreamEngineObject::on_engine_gone(void* data) {
  auto* self = static_cast<StreamEngineObject*>(data);
  napi_async_cleanup_hook_handle hook = self->hook_;
  self->engine_ = nullptr;
  self->engine_gone_ = true;
  if (self->env_ != nullptr) self->release_references();
  if (self->collected_) delete self;
  napi_remove_async_cleanup_hook(hook);
}

void StreamEngineObject::on_collected(napi_env, void* data, void*) {
  auto* self = static_cast<StreamEngineObject*>(data);
  self->collected_ = true;
  if (self->engine_gone_) delete self;
}

/** What keeps JavaScript objects alive; the engine runs no more, so nothing touches their memory again. */
void StreamEngineObject::release_references() {
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(env_, &scope);
  napi_async_destroy(env_, async_context_);
  for (napi_ref reference : {self_, deliver_, collect_, shared_[0], shared_[1], shared_[2], shared_[3]})
    napi_delete_reference(env_, reference);
  napi_close_handle_scope(env_, scope);
}

// ---- into JavaScript ----

void StreamEngineObject::call(napi_ref callback, size_t count, const napi_value* arguments) {
  napi_value function = nullptr;
  napi_value receiver = nullptr;
  if (napi_get_reference_value(env_, callback, &function) != napi_ok || function == nullptr) return;
  napi_get_global(env_, &receiver);
  const napi_status status =
      napi_make_callback(env_, async_context_, receiver, function, count, arguments, nullptr);
  if (status != napi_pending_exception) return;
  // What the callback threw is a defect or the user's: Node treats it like any uncaught exception.
  napi_value exception = nullptr;
  if (napi_get_and_clear_last_exception(env_, &exception) == napi_ok) napi_fatal_exception(env_, exception);
}

napi_value StreamEngineObject::joined_text(const uint8_t* joined, size_t length, bool ascii) {
  napi_value text = nullptr;
  if (ascii) {
    napi_create_string_latin1(env_, reinterpret_cast<const char*>(joined), length, &text);
    return text;
  }
  char16_t* units = text_room(length + kEncoderSlack);
  if (units == nullptr) return nullptr;
  napi_create_string_utf16(env_, units, decode_utf8_to_utf16(joined, length, units), &text);
  return text;
}

void StreamEngineObject::deliver(int32_t count, const uint8_t* joined, size_t joined_length,
                                 bool joined_ascii) {
  if (env_ == nullptr) return;
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return;
  napi_value arguments[2] = {};
  napi_create_int32(env_, count, &arguments[0]);
  if (joined_length > 0) arguments[1] = joined_text(joined, joined_length, joined_ascii);
  if (arguments[1] == nullptr) napi_get_undefined(env_, &arguments[1]);
  call(deliver_, 2, arguments);
  end_large_frames();
  napi_close_handle_scope(env_, scope);
}

void StreamEngineObject::collect() {
  if (env_ == nullptr) return;
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return;
  call(collect_, 0, nullptr);
  napi_close_handle_scope(env_, scope);
}

char16_t* StreamEngineObject::text_room(size_t units) {
  if (text_.size() < units) text_.resize(units);
  return text_.data();
}

void StreamEngineObject::trim_text_room() {
  if (text_.size() <= kKeptTextUnits) return;
  text_.clear();
  text_.shrink_to_fit();
}

// ---- large frames ----

napi_value StreamEngineObject::take_large_frame(int32_t number) {
  size_t start = 0;
  size_t end = 0;
  Slab* slab = dispatcher_->large_frame(number, &start, &end);
  if (slab == nullptr) return nullptr;
  slab->retain();
  const napi_finalize release = [](napi_env, void*, void* hint) { static_cast<Slab*>(hint)->release(); };
  napi_value buffer = nullptr;
  const size_t length = end - start;
  if (napi_create_external_arraybuffer(env_, slab->data() + start, length, release, slab, &buffer) !=
      napi_ok) {
    // Runtimes with a memory cage forbid external buffers: then the frame is copied once.
    slab->release();
    void* memory = nullptr;
    if (napi_create_arraybuffer(env_, length, &memory, &buffer) != napi_ok) return nullptr;
    std::memcpy(memory, slab->data() + start, length);
    return buffer;
  }
  napi_ref reference = nullptr;
  if (napi_create_reference(env_, buffer, 1, &reference) == napi_ok)
    large_buffers_.push_back({number, reference});
  return buffer;
}

bool StreamEngineObject::detach(napi_ref reference) {
  napi_value buffer = nullptr;
  // Detached already: ArrayBuffer.prototype.transfer() has given the memory to a buffer that we do not know.
  bool moved = true;
  const bool detached = napi_get_reference_value(env_, reference, &buffer) == napi_ok && buffer != nullptr &&
                        napi_is_detached_arraybuffer(env_, buffer, &moved) == napi_ok && !moved &&
                        napi_detach_arraybuffer(env_, buffer) == napi_ok;
  napi_delete_reference(env_, reference);
  return detached;
}

void StreamEngineObject::release_large_frame(int32_t number) {
  for (size_t i = 0; i < large_buffers_.size(); ++i) {
    if (large_buffers_[i].number != number) continue;
    // The buffer's finalizer runs some turns later; the memory need not wait for it.
    if (detach(large_buffers_[i].reference)) dispatcher_->discard_large_frame(number);
    large_buffers_.erase(large_buffers_.begin() + static_cast<std::ptrdiff_t>(i));
    return;
  }
}

/** Ends the borrows: a frame's memory goes now, not when the collector comes round. */
void StreamEngineObject::end_large_frames() {
  for (const LargeBuffer& buffer : large_buffers_) {
    if (detach(buffer.reference)) dispatcher_->discard_large_frame(buffer.number);
  }
  large_buffers_.clear();
}

}  // namespace ringwire
