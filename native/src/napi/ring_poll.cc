#include "napi/ring_poll.h"

#include "ring/ring_memory.h"

#if defined(__linux__)
#include <fcntl.h>
#include <unistd.h>
#include <uv.h>
#endif

namespace ringwire {

#if defined(__linux__)

/** Outlives its owner until libuv has let go of it; deleted only in on_closed. */
struct PollHandle {
  uv_poll_t poll;
  int fd = -1;
  RingPoll* owner = nullptr;
  napi_async_cleanup_hook_handle hook = nullptr;
};

static void on_closed(uv_handle_t* closed) {
  auto* handle = static_cast<PollHandle*>(closed->data);
  ::close(handle->fd);
  // Lets an environment that is shutting down go on: it waits for this.
  napi_remove_async_cleanup_hook(handle->hook);
  delete handle;
}

static void close_handle(PollHandle* handle) {
  handle->owner = nullptr;
  auto* closing = reinterpret_cast<uv_handle_t*>(&handle->poll);
  if (!uv_is_closing(closing)) uv_close(closing, on_closed);
}

static void on_cleanup(napi_async_cleanup_hook_handle, void* handle) {
  close_handle(static_cast<PollHandle*>(handle));
}

static void on_readable(uv_poll_t* poll, int status, int) {
  auto* handle = static_cast<PollHandle*>(poll->data);
  if (status == 0) ring_event_drain(handle->fd);
  if (handle->owner != nullptr) handle->owner->signalled();
}

RingPoll::RingPoll(const Napi::CallbackInfo& info) : Napi::ObjectWrap<RingPoll>(info) {
  Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsNumber() || !info[1].IsFunction()) {
    Napi::TypeError::New(env, "RingPoll takes a descriptor and a function").ThrowAsJavaScriptException();
    return;
  }
  uv_loop_t* loop = nullptr;
  int fd = fcntl(info[0].As<Napi::Number>().Int32Value(), F_DUPFD_CLOEXEC, 3);
  auto* handle = new PollHandle();
  handle->fd = fd;
  if (fd < 0 || napi_get_uv_event_loop(env, &loop) != napi_ok || uv_poll_init(loop, &handle->poll, fd) != 0) {
    if (fd >= 0) ::close(fd);
    delete handle;
    Napi::Error::New(env, "The descriptor cannot be polled").ThrowAsJavaScriptException();
    return;
  }
  handle->poll.data = handle;
  handle->owner = this;
  if (napi_add_async_cleanup_hook(env, on_cleanup, handle, &handle->hook) != napi_ok) {
    close_handle(handle);
    Napi::Error::New(env, "The environment is shutting down").ThrowAsJavaScriptException();
    return;
  }
  handle_ = handle;
  callback_ = Napi::Persistent(info[1].As<Napi::Function>());
}

RingPoll::~RingPoll() {
  if (handle_ != nullptr) close_handle(handle_);
}

void RingPoll::signalled() {
  Napi::Env env = Env();
  Napi::HandleScope scope(env);
  callback_.MakeCallback(env.Global(), {});
  if (env.IsExceptionPending()) napi_fatal_exception(env, env.GetAndClearPendingException().Value());
}

Napi::Value RingPoll::start(const Napi::CallbackInfo& info) {
  if (handle_ != nullptr) uv_poll_start(&handle_->poll, UV_READABLE, on_readable);
  return info.Env().Undefined();
}

Napi::Value RingPoll::stop(const Napi::CallbackInfo& info) {
  if (handle_ != nullptr) uv_poll_stop(&handle_->poll);
  return info.Env().Undefined();
}

Napi::Value RingPoll::close(const Napi::CallbackInfo& info) {
  if (handle_ != nullptr) close_handle(handle_);
  handle_ = nullptr;
  callback_.Reset();
  return info.Env().Undefined();
}

#else

RingPoll::RingPoll(const Napi::CallbackInfo& info) : Napi::ObjectWrap<RingPoll>(info) {
  Napi::Error::New(info.Env(), "Polling a ring needs Linux").ThrowAsJavaScriptException();
}
RingPoll::~RingPoll() = default;
void RingPoll::signalled() {}
Napi::Value RingPoll::start(const Napi::CallbackInfo& info) { return info.Env().Undefined(); }
Napi::Value RingPoll::stop(const Napi::CallbackInfo& info) { return info.Env().Undefined(); }
Napi::Value RingPoll::close(const Napi::CallbackInfo& info) { return info.Env().Undefined(); }

#endif

Napi::Function RingPoll::define(Napi::Env env) {
  return DefineClass(env, "RingPoll",
                     {InstanceMethod<&RingPoll::start>("start"), InstanceMethod<&RingPoll::stop>("stop"),
                      InstanceMethod<&RingPoll::close>("close")});
}

}  // namespace ringwire
