#pragma once
// One function per binding file; addon.cc calls each of them once per environment (main thread or worker).
#include <napi.h>

namespace ringwire {

void register_build_info(Napi::Env env, Napi::Object exports);
void register_json(Napi::Env env, Napi::Object exports);
void register_message_batch(Napi::Env env, Napi::Object exports);
void register_sockets(Napi::Env env, Napi::Object exports);
void register_stream_engine(Napi::Env env, Napi::Object exports);
void register_ring(Napi::Env env, Napi::Object exports);

}  // namespace ringwire
