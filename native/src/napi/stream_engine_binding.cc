// StreamEngine for JavaScript. JavaScript validates what people pass; here only memory and liveness are
// checked.
#include <napi.h>

#include <string>

#include "napi/bindings.h"
#include "napi/engine_call.h"
#include "net/socket_options.h"

namespace ringwire {

namespace {

/** [framing, maxFrameBytes, highWatermarkBytes, lowWatermarkBytes] as an Int32Array. */
ConnectionOptions options_of(napi_env env, napi_value value) {
  ConnectionOptions options;
  napi_typedarray_type type;
  size_t length = 0;
  void* memory = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &memory, nullptr, nullptr) != napi_ok ||
      type != napi_int32_array || length < 4)
    return options;
  const auto* fields = static_cast<const int32_t*>(memory);
  options.framing = fields[0] == FramingCode::kLength ? Framing::kLength : Framing::kNewline;
  options.max_frame_bytes = static_cast<size_t>(fields[1]);
  options.high_watermark_bytes = static_cast<size_t>(fields[2]);
  options.low_watermark_bytes = static_cast<size_t>(fields[3]);
  return options;
}

int parse_address(const std::string& host, int port, sockaddr_storage* address) {
  if (host.find(':') != std::string::npos)
    return uv_ip6_addr(host.c_str(), port, reinterpret_cast<sockaddr_in6*>(address));
  return uv_ip4_addr(host.c_str(), port, reinterpret_cast<sockaddr_in*>(address));
}

/** The connection that (index, generation), the first two arguments, name; nullptr where it is gone. */
Connection* connection_of(napi_env env, StreamEngineObject* object, const napi_value* arguments) {
  const auto index = static_cast<int32_t>(integer_of(env, arguments[0], -1));
  return object->engine()->find(index, static_cast<uint32_t>(integer_of(env, arguments[1])));
}

napi_value construct(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  napi_value self = nullptr;
  napi_get_cb_info(env, info, &count, arguments, &self, nullptr);
  napi_valuetype types[2] = {napi_undefined, napi_undefined};
  napi_typeof(env, arguments[0], &types[0]);
  napi_typeof(env, arguments[1], &types[1]);
  if (types[0] != napi_function || types[1] != napi_function)
    return type_error(env, "StreamEngine takes deliver(count, joined), collect() and maxDepth");
  const auto max_depth = static_cast<int>(integer_of(env, arguments[2], 64));
  StreamEngineObject* object = StreamEngineObject::create(env, self, arguments[0], arguments[1], max_depth);
  if (object == nullptr) return nullptr;
  napi_type_tag_object(env, self, &StreamEngineObject::kTypeTag);
  return self;
}

// ---- listening, connecting ----

/** (host, port, backlog, reusePort, maxConnections, options): the listener's index or a negative libuv error.
 */
napi_value listen_tcp(napi_env env, napi_callback_info info) {
  EngineCall<6> call(env, info);
  if (call.target == nullptr) return nullptr;
  const napi_value* a = call.arguments;
  sockaddr_storage address;
  int status = parse_address(text_of(env, a[0]), static_cast<int>(integer_of(env, a[1])), &address);
  if (status != 0) return integer(env, status);
  Listener* listener = call.target->engine()->listen_tcp(
      reinterpret_cast<sockaddr*>(&address), static_cast<int>(integer_of(env, a[2])), boolean_of(env, a[3]),
      static_cast<uint32_t>(integer_of(env, a[4])), options_of(env, a[5]), &status);
  return integer(env, listener == nullptr ? status : listener->index());
}

/** (path, backlog, maxConnections, options): the listener's index or a negative libuv error. */
napi_value listen_unix(napi_env env, napi_callback_info info) {
  EngineCall<4> call(env, info);
  if (call.target == nullptr) return nullptr;
  const napi_value* a = call.arguments;
  int status = 0;
  Listener* listener = call.target->engine()->listen_unix(
      text_of(env, a[0]).c_str(), static_cast<int>(integer_of(env, a[1])),
      static_cast<uint32_t>(integer_of(env, a[2])), options_of(env, a[3]), &status);
  return integer(env, listener == nullptr ? status : listener->index());
}

napi_value connection_or_status(napi_env env, Connection* connection, int status) {
  return integer(env, connection == nullptr ? status : connection->index());
}

/** (host, port, options): the connection's index or a negative libuv error; Connected follows. */
napi_value connect_tcp(napi_env env, napi_callback_info info) {
  EngineCall<3> call(env, info);
  if (call.target == nullptr) return nullptr;
  const napi_value* a = call.arguments;
  sockaddr_storage address;
  int status = parse_address(text_of(env, a[0]), static_cast<int>(integer_of(env, a[1])), &address);
  if (status != 0) return integer(env, status);
  Connection* connection = call.target->engine()->connect_tcp(reinterpret_cast<sockaddr*>(&address),
                                                              options_of(env, a[2]), &status);
  return connection_or_status(env, connection, status);
}

/** (path, options): as connectTcp. */
napi_value connect_unix(napi_env env, napi_callback_info info) {
  EngineCall<2> call(env, info);
  if (call.target == nullptr) return nullptr;
  int status = 0;
  Connection* connection = call.target->engine()->connect_unix(text_of(env, call.arguments[0]).c_str(),
                                                               options_of(env, call.arguments[1]), &status);
  return connection_or_status(env, connection, status);
}

/** (inFd, outFd, options): the connection's index or a negative libuv error. Takes the descriptors over. */
napi_value open_fds(napi_env env, napi_callback_info info) {
  EngineCall<3> call(env, info);
  if (call.target == nullptr) return nullptr;
  const napi_value* a = call.arguments;
  int status = 0;
  Connection* connection = call.target->engine()->open_fds(static_cast<int>(integer_of(env, a[0])),
                                                           static_cast<int>(integer_of(env, a[1])),
                                                           options_of(env, a[2]), &status);
  return connection_or_status(env, connection, status);
}

/** (listener): [port, fd, connections, refused], or undefined where it is closed. */
napi_value listener_info(napi_env env, napi_callback_info info) {
  EngineCall<1> call(env, info);
  if (call.target == nullptr) return nullptr;
  const Listener* listener =
      call.target->engine()->listener_at(static_cast<int32_t>(integer_of(env, call.arguments[0], -1)));
  if (listener == nullptr) return undefined(env);
  napi_value result = nullptr;
  napi_create_array_with_length(env, 4, &result);
  const int64_t values[] = {listener->port(), listener->fd(), listener->connections(),
                            static_cast<int64_t>(listener->refused())};
  for (uint32_t i = 0; i < 4; ++i) napi_set_element(env, result, i, integer(env, values[i]));
  return result;
}

napi_value close_listener(napi_env env, napi_callback_info info) {
  EngineCall<1> call(env, info);
  if (call.target == nullptr) return nullptr;
  Listener* listener =
      call.target->engine()->listener_at(static_cast<int32_t>(integer_of(env, call.arguments[0], -1)));
  if (listener != nullptr) listener->close();
  return undefined(env);
}

// ---- connections ----

/** (index): the generation of the connection that has this index now; 0 where there is none. */
napi_value generation(napi_env env, napi_callback_info info) {
  EngineCall<1> call(env, info);
  if (call.target == nullptr) return nullptr;
  const Connection* connection =
      call.target->engine()->at(static_cast<int32_t>(integer_of(env, call.arguments[0], -1)));
  return integer(env, connection == nullptr ? 0 : connection->generation());
}

/** (index, generation): [address, port] of a TCP peer, else undefined. */
napi_value peer_address(napi_env env, napi_callback_info info) {
  EngineCall<2> call(env, info);
  if (call.target == nullptr) return nullptr;
  const Connection* connection = connection_of(env, call.target, call.arguments);
  std::string address;
  int port = 0;
  if (connection == nullptr || !connection->peer_address(&address, &port)) return undefined(env);
  napi_value result = nullptr;
  napi_value text = nullptr;
  napi_create_array_with_length(env, 2, &result);
  napi_create_string_utf8(env, address.c_str(), address.size(), &text);
  napi_set_element(env, result, 0, text);
  napi_set_element(env, result, 1, integer(env, port));
  return result;
}

/** (): closes everything; every later call throws. */
napi_value shut_down(napi_env env, napi_callback_info info) {
  TaggedCall<StreamEngineObject, 0> call(env, info);
  if (call.target == nullptr) return nullptr;
  call.target->close();
  return undefined(env);
}

napi_value full(napi_env env) { return integer(env, SendCode::kFull); }

/** (index, generation, frame): a SendCode. The frame is a string or a Uint8Array. */
napi_value send(napi_env env, napi_callback_info info) {
  EngineCall<3> call(env, info);
  if (call.target == nullptr) return nullptr;
  Connection* connection = connection_of(env, call.target, call.arguments);
  if (connection == nullptr) return full(env);
  size_t length = 0;
  if (napi_get_value_string_utf8(env, call.arguments[2], nullptr, 0, &length) == napi_ok) {
    // One byte more: Node-API ends the string with a zero, which the delimiter then overwrites.
    uint8_t* room = connection->begin_send(length + 1);
    if (room == nullptr) return full(env);
    napi_get_value_string_utf8(env, call.arguments[2], reinterpret_cast<char*>(room), length + 1, &length);
    return integer(env, static_cast<int32_t>(connection->end_send(length)));
  }
  void* bytes = nullptr;
  napi_typedarray_type type;
  if (napi_get_typedarray_info(env, call.arguments[2], &type, &length, &bytes, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array)
    return type_error(env, "\"frame\" must be a string or a Uint8Array");
  return integer(env, static_cast<int32_t>(connection->send(static_cast<const uint8_t*>(bytes), length)));
}

using ConnectionAction = void (*)(Connection*, int64_t);

/** (index, generation, value): an action on a connection; nothing where it is gone. */
template <ConnectionAction kAction>
napi_value act(napi_env env, napi_callback_info info) {
  EngineCall<3> call(env, info);
  if (call.target == nullptr) return nullptr;
  Connection* connection = connection_of(env, call.target, call.arguments);
  if (connection != nullptr) kAction(connection, integer_of(env, call.arguments[2]));
  return undefined(env);
}

void act_start(Connection* connection, int64_t) { connection->start(); }
void act_pause(Connection* connection, int64_t) { connection->pause(); }
void act_resume(Connection* connection, int64_t) { connection->resume(); }
void act_close(Connection* connection, int64_t) { connection->close(); }
void act_destroy(Connection* connection, int64_t status) { connection->destroy(static_cast<int>(status)); }
void act_set_flags(Connection* connection, int64_t flags) {
  connection->user_flags = static_cast<uint32_t>(flags);
  connection->set_pause_on_output((flags & ConnectionFlag::kDispatch) != 0);
}
void act_end_output(Connection* connection, int64_t) { connection->end_output(); }
void act_set_outlives_output(Connection* connection, int64_t on) { connection->set_outlives_output(on != 0); }

/** (index, generation, FramingCode, end): `end` is the arena offset where the frame at hand ends, or -1. */
napi_value set_framing(napi_env env, napi_callback_info info) {
  EngineCall<4> call(env, info);
  if (call.target == nullptr) return nullptr;
  Connection* connection = connection_of(env, call.target, call.arguments);
  const bool sized = integer_of(env, call.arguments[2]) == FramingCode::kLength;
  if (connection != nullptr)
    connection->set_framing(sized ? Framing::kLength : Framing::kNewline,
                            integer_of(env, call.arguments[3], -1));
  return undefined(env);
}

using ConnectionNumber = int64_t (*)(const Connection*);

/** (index, generation): a number of a connection; kGone where it is gone. */
template <ConnectionNumber kNumber, int64_t kGone>
napi_value number(napi_env env, napi_callback_info info) {
  EngineCall<2> call(env, info);
  if (call.target == nullptr) return nullptr;
  const Connection* connection = connection_of(env, call.target, call.arguments);
  return integer(env, connection == nullptr ? kGone : kNumber(connection));
}

/** Unsent. */
int64_t pending_bytes(const Connection* connection) {
  return static_cast<int64_t>(connection->pending_bytes());
}
/** 0 while there is output, 1 after it ended, or the libuv error that ended it. */
int64_t output_status(const Connection* connection) { return connection->output_status(); }
/** Read so far. */
int64_t received_bytes(const Connection* connection) {
  return static_cast<int64_t>(connection->received_bytes());
}
int64_t connection_fd(const Connection* connection) { return connection->fd(); }

/** Counters: what is open and in flight now, and what was answered without JavaScript. */
napi_value counters(napi_env env, napi_callback_info info) {
  EngineCall<0> call(env, info);
  if (call.target == nullptr) return nullptr;
  const BatchDispatcher* dispatcher = call.target->dispatcher();
  const struct {
    const char* name;
    int64_t value;
  } fields[] = {
      {"connections", call.target->engine()->open_connections()},
      {"callsInFlight", dispatcher->calls_in_flight()},
      {"forwardsInFlight", static_cast<int64_t>(dispatcher->forwards_in_flight())},
      {"nativeReplies", static_cast<int64_t>(dispatcher->native_replies())},
      {"unknownReplies", static_cast<int64_t>(dispatcher->unknown_replies())},
  };
  napi_value result = nullptr;
  napi_create_object(env, &result);
  for (const auto& field : fields)
    napi_set_named_property(env, result, field.name, integer(env, field.value));
  return result;
}

}  // namespace

void register_stream_engine(Napi::Env env, Napi::Object exports) {
  const struct {
    const char* name;
    napi_callback callback;
  } methods[] = {
      {"listenTcp", listen_tcp},
      {"listenUnix", listen_unix},
      {"connectTcp", connect_tcp},
      {"connectUnix", connect_unix},
      {"openFds", open_fds},
      {"listenerInfo", listener_info},
      {"closeListener", close_listener},
      {"generation", generation},
      {"send", send},
      {"start", act<act_start>},
      {"pause", act<act_pause>},
      {"resume", act<act_resume>},
      {"close", act<act_close>},
      {"destroy", act<act_destroy>},
      {"setFlags", act<act_set_flags>},
      {"endOutput", act<act_end_output>},
      {"setOutlivesOutput", act<act_set_outlives_output>},
      {"outputStatus", number<output_status, 1>},
      {"receivedBytes", number<received_bytes, 0>},
      {"setFraming", set_framing},
      {"pendingBytes", number<pending_bytes, 0>},
      {"connectionFd", number<connection_fd, -1>},
      {"peerAddress", peer_address},
      {"shutDown", shut_down},
      {"counters", counters},
  };
  std::vector<napi_property_descriptor> properties;
  for (const auto& method : methods) properties.push_back(engine_method(method.name, method.callback));
  add_dispatch_methods(&properties);
  napi_value engine_class = nullptr;
  if (napi_define_class(env, "StreamEngine", NAPI_AUTO_LENGTH, construct, nullptr, properties.size(),
                        properties.data(), &engine_class) == napi_ok)
    exports["StreamEngine"] = Napi::Value(env, engine_class);
}

}  // namespace ringwire
