// Rings for JavaScript: sleeping and waking beyond V8's own wait lists, memory shared with other processes,
// and the native ring class itself, which works on the same memory as the TypeScript one.
#include <napi.h>

#include <cerrno>

#include "napi/bindings.h"
#include "napi/ring_poll.h"
#include "ring/ring_memory.h"
#include "ring/ring_reader.h"
#include "ring/ring_wait.h"
#include "ring/ring_writer.h"

namespace ringwire {

struct Bytes {
  uint8_t* data = nullptr;
  size_t length = 0;
};

/** The bytes of a Uint8Array or Int32Array, over an ArrayBuffer or a SharedArrayBuffer; null for anything
 * else. */
static Bytes bytes_of(napi_env env, napi_value value, napi_typedarray_type wanted) {
  bool is_typed_array = false;
  if (napi_is_typedarray(env, value, &is_typed_array) != napi_ok || !is_typed_array) return {};
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) return {};
  if (type != wanted) return {};
  return {static_cast<uint8_t*>(data), wanted == napi_int32_array ? length * sizeof(int32_t) : length};
}

static Napi::Value type_error(Napi::Env env, const char* message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

/** A view that knows only the header words: enough to sleep, wake and judge peers. */
static bool header_of(const Napi::CallbackInfo& info, RingView* view) {
  Bytes words = info.Length() > 0 ? bytes_of(info.Env(), info[0], napi_int32_array) : Bytes{};
  if (words.data == nullptr || words.length < static_cast<size_t>(RingFormat::kHeaderBytes) ||
      reinterpret_cast<uintptr_t>(words.data) % sizeof(int32_t) != 0) {
    type_error(info.Env(), "\"words\" must be the Int32Array of a ring's header");
    return false;
  }
  view->words = reinterpret_cast<RingWord*>(words.data);
  return true;
}

static RingSide side_of(const Napi::CallbackInfo& info) {
  return info[1].ToNumber().Int32Value() == 0 ? RingSide::kReader : RingSide::kWriter;
}

static Napi::Value sleep_binding(const Napi::CallbackInfo& info) {
  RingView view;
  if (!header_of(info, &view)) return info.Env().Undefined();
  int32_t timeout_ms = info[3].ToNumber().Int32Value();
  ring_sleep(view, side_of(info), info[2].ToNumber().Int32Value(),
             timeout_ms > kRingSliceMs ? kRingSliceMs : timeout_ms);
  return info.Env().Undefined();
}

static Napi::Value wake_binding(const Napi::CallbackInfo& info) {
  RingView view;
  if (header_of(info, &view)) ring_wake_futex(view, side_of(info));
  return info.Env().Undefined();
}

static Napi::Value join_binding(const Napi::CallbackInfo& info) {
  RingView view;
  if (!header_of(info, &view)) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), ring_join(view, side_of(info)));
}

static Napi::Value peer_gone_binding(const Napi::CallbackInfo& info) {
  RingView view;
  if (!header_of(info, &view)) return info.Env().Undefined();
  return Napi::Boolean::New(info.Env(), ring_peer_state(view, side_of(info)) == RingPeerState::kGone);
}

static Napi::Object outcome_of(Napi::Env env, RingResult status) {
  int error = errno;
  Napi::Object outcome = Napi::Object::New(env);
  outcome["status"] = Napi::Number::New(env, status);
  outcome["errno"] = Napi::Number::New(env, status == RingStatus::kSystemError ? error : 0);
  return outcome;
}

static Napi::Value memory_create_binding(const Napi::CallbackInfo& info) {
  int fd = -1;
  RingResult status = ring_memory_create(static_cast<size_t>(info[0].ToNumber().Int64Value()), &fd);
  Napi::Object outcome = outcome_of(info.Env(), status);
  outcome["fd"] = Napi::Number::New(info.Env(), fd);
  return outcome;
}

static Napi::Value memory_map_binding(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  void* memory = nullptr;
  size_t bytes = 0;
  RingResult status = ring_memory_map(info[0].ToNumber().Int32Value(), &memory, &bytes);
  Napi::Object outcome = outcome_of(env, status);
  if (status != RingStatus::kOk) return outcome;
  auto unmap = [](napi_env, void* data, void* hint) {
    ring_memory_unmap(data, reinterpret_cast<size_t>(hint));
  };
  napi_value buffer = nullptr;
  if (napi_create_external_arraybuffer(env, memory, bytes, unmap, reinterpret_cast<void*>(bytes), &buffer) !=
      napi_ok) {
    // A runtime that forbids external buffers cannot show mapped memory to JavaScript.
    ring_memory_unmap(memory, bytes);
    return outcome_of(env, RingStatus::kUnsupported);
  }
  outcome["buffer"] = Napi::Value(env, buffer);
  return outcome;
}

static Napi::Value event_create_binding(const Napi::CallbackInfo& info) {
  int fd = -1;
  RingResult status = ring_event_create(&fd);
  Napi::Object outcome = outcome_of(info.Env(), status);
  outcome["fd"] = Napi::Number::New(info.Env(), fd);
  return outcome;
}

static Napi::Value event_signal_binding(const Napi::CallbackInfo& info) {
  ring_event_signal(info[0].ToNumber().Int32Value());
  return info.Env().Undefined();
}

/** One side's work on a ring from JavaScript; the array given to the constructor keeps the memory alive. */
class NativeRing : public Napi::ObjectWrap<NativeRing> {
 public:
  explicit NativeRing(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeRing>(info) {
    Bytes memory = info.Length() > 0 ? bytes_of(info.Env(), info[0], napi_uint8_array) : Bytes{};
    if (memory.data == nullptr) {
      type_error(info.Env(), "\"memory\" must be a Uint8Array over the memory of a ring");
      return;
    }
    RingView view;
    if (ring_open(memory.data, memory.length, &view) != RingStatus::kOk) {
      type_error(info.Env(), "\"memory\" does not hold a ring buffer");
      return;
    }
    memory_ = Napi::Reference<Napi::Value>::New(info[0], 1);
    reader_.reset(new RingReader(view));
    if (view.kind == RingKind::kSpsc)
      single_.reset(new SpscRingWriter(view));
    else
      multi_.reset(new MpscRingWriter(view));
  }

  /** tryWrite(frame: Uint8Array): RingStatus */
  Napi::Value try_write(const Napi::CallbackInfo& info) {
    Bytes frame = info.Length() > 0 ? bytes_of(info.Env(), info[0], napi_uint8_array) : Bytes{};
    if (frame.data == nullptr && frame.length == 0 && !info[0].IsTypedArray())
      return type_error(info.Env(), "\"frame\" must be a Uint8Array");
    RingResult status = RingStatus::kTooLarge;
    const RingView& view = reader_->view();
    if (frame.length <= view.max_frame_bytes()) {
      uint32_t length = static_cast<uint32_t>(frame.length);
      status = single_ ? single_->offer(frame.data, length) : multi_->offer(frame.data, length);
      if (status == RingStatus::kOk) ring_wake_reader(view);
    }
    return Napi::Number::New(info.Env(), status);
  }

  /** tryRead(): Buffer | RingStatus */
  Napi::Value try_read(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    uint32_t count = 0;
    napi_value copy = nullptr;
    RingResult status = reader_->read_batch(1, &count, [&](const uint8_t* data, uint32_t length) {
      if (napi_create_buffer_copy(env, length, data, nullptr, &copy) != napi_ok) copy = nullptr;
    });
    if (count == 0) return Napi::Number::New(env, status);
    ring_wake_writers(reader_->view());
    if (copy == nullptr) return Napi::Number::New(env, RingStatus::kSystemError);
    return Napi::Value(env, copy);
  }

  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeRing",
                       {InstanceMethod<&NativeRing::try_write>("tryWrite"),
                        InstanceMethod<&NativeRing::try_read>("tryRead")});
  }

 private:
  Napi::Reference<Napi::Value> memory_;
  std::unique_ptr<RingReader> reader_;
  std::unique_ptr<SpscRingWriter> single_;
  std::unique_ptr<MpscRingWriter> multi_;
};

void register_ring(Napi::Env env, Napi::Object exports) {
  exports["NativeRing"] = NativeRing::define(env);
  exports["RingPoll"] = RingPoll::define(env);
  exports["ringSleep"] = Napi::Function::New(env, sleep_binding, "ringSleep");
  exports["ringWake"] = Napi::Function::New(env, wake_binding, "ringWake");
  exports["ringJoin"] = Napi::Function::New(env, join_binding, "ringJoin");
  exports["ringPeerGone"] = Napi::Function::New(env, peer_gone_binding, "ringPeerGone");
  exports["ringMemoryCreate"] = Napi::Function::New(env, memory_create_binding, "ringMemoryCreate");
  exports["ringMemoryMap"] = Napi::Function::New(env, memory_map_binding, "ringMemoryMap");
  exports["ringEventCreate"] = Napi::Function::New(env, event_create_binding, "ringEventCreate");
  exports["ringEventSignal"] = Napi::Function::New(env, event_signal_binding, "ringEventSignal");
}

}  // namespace ringwire
