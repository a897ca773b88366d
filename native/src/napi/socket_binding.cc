// Socket options and socket pairs by descriptor.
#include <napi.h>

#include <string>

#include "napi/bindings.h"
#include "net/socket_options.h"

namespace ringwire {

namespace {

int descriptor_of(const Napi::CallbackInfo& info) {
  return info[0].IsNumber() ? info[0].As<Napi::Number>().Int32Value() : -1;
}

int32_t integer_argument(const Napi::CallbackInfo& info, size_t index) {
  return info[index].IsNumber() ? info[index].As<Napi::Number>().Int32Value() : 0;
}

/** (fd, SocketOption, value): 0 or a negative libuv error. */
Napi::Value set_option(const Napi::CallbackInfo& info) {
  const int status =
      set_socket_option(descriptor_of(info), integer_argument(info, 1), integer_argument(info, 2));
  return Napi::Number::New(info.Env(), status);
}

/** (fd, SocketOption): the granted value, or undefined where the system has no such option. */
Napi::Value get_option(const Napi::CallbackInfo& info) {
  int value = 0;
  if (get_socket_option(descriptor_of(info), integer_argument(info, 1), &value) != 0)
    return info.Env().Undefined();
  return Napi::Number::New(info.Env(), value);
}

/** (fd, name): 0 or a negative libuv error. */
Napi::Value set_congestion(const Napi::CallbackInfo& info) {
  const std::string name = info[1].ToString().Utf8Value();
  return Napi::Number::New(info.Env(), set_congestion_control(descriptor_of(info), name));
}

/** (fd): the algorithm's name, or undefined. */
Napi::Value get_congestion(const Napi::CallbackInfo& info) {
  std::string name;
  if (get_congestion_control(descriptor_of(info), &name) != 0) return info.Env().Undefined();
  return Napi::String::New(info.Env(), name);
}

/** (fd): what the kernel measured on the TCP connection, or undefined. */
Napi::Value tcp_info(const Napi::CallbackInfo& info) {
  TcpMeasurements measured;
  if (get_tcp_measurements(descriptor_of(info), &measured) != 0) return info.Env().Undefined();
  Napi::Object result = Napi::Object::New(info.Env());
  result["rttMicroseconds"] = Napi::Number::New(info.Env(), measured.rtt_microseconds);
  result["rttVarianceMicroseconds"] = Napi::Number::New(info.Env(), measured.rtt_variance_microseconds);
  result["retransmits"] = Napi::Number::New(info.Env(), measured.retransmits_total);
  result["sendWindowSegments"] = Napi::Number::New(info.Env(), measured.send_window_segments);
  result["unacknowledgedSegments"] = Napi::Number::New(info.Env(), measured.unacknowledged_segments);
  result["lostSegments"] = Napi::Number::New(info.Env(), measured.lost_segments);
  result["maximumSegmentBytes"] = Napi::Number::New(info.Env(), measured.maximum_segment_bytes);
  return result;
}

/** (): [fd, fd] of two connected stream sockets, or a negative libuv error. */
Napi::Value socket_pair(const Napi::CallbackInfo& info) {
  int fds[2];
  const int status = make_socket_pair(fds);
  if (status != 0) return Napi::Number::New(info.Env(), status);
  Napi::Array result = Napi::Array::New(info.Env(), 2);
  result.Set(0u, Napi::Number::New(info.Env(), fds[0]));
  result.Set(1u, Napi::Number::New(info.Env(), fds[1]));
  return result;
}

}  // namespace

void register_sockets(Napi::Env env, Napi::Object exports) {
  exports["setSocketOption"] = Napi::Function::New(env, set_option, "setSocketOption");
  exports["getSocketOption"] = Napi::Function::New(env, get_option, "getSocketOption");
  exports["setCongestionControl"] = Napi::Function::New(env, set_congestion, "setCongestionControl");
  exports["getCongestionControl"] = Napi::Function::New(env, get_congestion, "getCongestionControl");
  exports["tcpInfo"] = Napi::Function::New(env, tcp_info, "tcpInfo");
  exports["socketPair"] = Napi::Function::New(env, socket_pair, "socketPair");
}

}  // namespace ringwire
