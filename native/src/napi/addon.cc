// The addon's entry point: each binding file registers its own exports.
#include <napi.h>

#include "napi/bindings.h"

namespace ringwire {

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  register_build_info(env, exports);
  register_json(env, exports);
  register_message_batch(env, exports);
  register_sockets(env, exports);
  register_stream_engine(env, exports);
  register_ring(env, exports);
  return exports;
}

}  // namespace ringwire

static Napi::Object init_addon(Napi::Env env, Napi::Object exports) { return ringwire::init(env, exports); }

NODE_API_MODULE(ringwire, init_addon)
