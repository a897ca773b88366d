#pragma once
// Tells JavaScript that an eventfd was signalled: how a reader in another process waits without a thread.
#include <napi.h>

namespace ringwire {

struct PollHandle;

/** new RingPoll(fd, callback): start(), stop(), close(). Works on its own duplicate of the descriptor. */
class RingPoll : public Napi::ObjectWrap<RingPoll> {
 public:
  explicit RingPoll(const Napi::CallbackInfo& info);
  ~RingPoll() override;

  static Napi::Function define(Napi::Env env);

  /** Called by the loop on its thread. */
  void signalled();

 private:
  Napi::Value start(const Napi::CallbackInfo& info);
  Napi::Value stop(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  Napi::FunctionReference callback_;
  PollHandle* handle_ = nullptr;
};

}  // namespace ringwire
