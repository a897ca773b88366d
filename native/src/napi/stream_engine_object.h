#pragma once
// The StreamEngine of JavaScript: byte streams of this thread's event loop and the dispatcher over them.
//
// Its libuv handles sit in the loop, so the object must outlive the JavaScript object until they are gone:
// the engine holds its own JavaScript object until close(), and the native object is freed by whichever comes
// last of the engine's end and the finalizer. An asynchronous cleanup hook closes the handles where the
// environment ends first (a worker that is terminated, process.exit) and waits for libuv to give them back.
#include <napi.h>

#include <memory>

#include "net/stream_engine.h"
#include "route/batch_dispatcher.h"

namespace ringwire {

class StreamEngineObject final : public BatchConsumer {
 public:
  static const napi_type_tag kTypeTag;

  /** `callbacks` holds deliver(count, joined) and collect(). nullptr with a pending exception where it fails.
   */
  static StreamEngineObject* create(napi_env env, napi_value self, napi_value deliver, napi_value collect,
                                    int max_depth);

  /** Closes everything; engine() is nullptr from then on. Idempotent. */
  void close();

  /** nullptr after close(). */
  StreamEngine* engine() { return closing_ ? nullptr : engine_; }
  BatchDispatcher* dispatcher() { return dispatcher_.get(); }
  const int32_t* replies() const { return replies_; }
  int32_t reply_capacity() const { return kReplyRecords; }
  /** Room for `units` UTF-16 units, kept from call to call up to a limit; nullptr where memory is short. */
  char16_t* text_room(size_t units);
  void trim_text_room();
  /** The ArrayBuffer of a large frame of the batch under way, from the slab's start; nullptr where there is
   * none. */
  napi_value take_large_frame(int32_t number);
  /** Ends the borrow of a large frame before its batch ends: its ArrayBuffer is detached and its memory
   * freed. */
  void release_large_frame(int32_t number);

  void deliver(int32_t count, const uint8_t* joined, size_t joined_length, bool joined_ascii) override;
  void collect() override;

 private:
  static constexpr int32_t kReplyRecords = 4096;
  static constexpr size_t kKeptTextUnits = 1024 * 1024;

  explicit StreamEngineObject(napi_env env) : env_(env) {}
  ~StreamEngineObject() = default;
  static void on_environment_exit(napi_async_cleanup_hook_handle handle, void* data);
  static void on_engine_gone(void* data);
  static void on_collected(napi_env env, void* data, void* hint);
  void release_references();

  bool share(napi_value self, const char* name, size_t bytes, int32_t** data, size_t index);
  void call(napi_ref callback, size_t count, const napi_value* arguments);
  napi_value joined_text(const uint8_t* joined, size_t length, bool ascii);
  void end_large_frames();

  /** nullptr once the environment ends: JavaScript is over. */
  napi_env env_;
  StreamEngine* engine_ = nullptr;
  std::unique_ptr<BatchDispatcher> dispatcher_;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  napi_async_context async_context_ = nullptr;
  napi_ref self_ = nullptr;
  napi_ref deliver_ = nullptr;
  napi_ref collect_ = nullptr;
  /** Keep the shared arrays' memory in place: records, replies, state, arena. */
  napi_ref shared_[4] = {};
  int32_t* records_ = nullptr;
  int32_t* replies_ = nullptr;
  int32_t* state_ = nullptr;
  uint8_t* arena_ = nullptr;
  bool closing_ = false;
  bool engine_gone_ = false;
  bool collected_ = false;
  struct LargeBuffer {
    int32_t number;
    napi_ref reference;
  };
  bool detach(napi_ref reference);

  std::vector<LargeBuffer> large_buffers_;
  std::vector<char16_t> text_;
};

}  // namespace ringwire
