#include "wire.h"

#include <cstring>
#include <random>

namespace loadgen {
namespace {

// The key and its answer of RFC 6455, section 1.3: nothing here needs a secret
// one.
constexpr char kWebSocketKey[] = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr int kTextFrame = 1;

void MaskInPlace(std::string* frame, size_t from, const char mask[4]) {
  for (size_t i = from; i < frame->size(); i++)
    (*frame)[i] = static_cast<char>((*frame)[i] ^ mask[(i - from) & 3]);
}

std::string SessionFields(const Session& session) {
  std::string fields;
  if (!session.version.empty()) fields += "MCP-Protocol-Version: " + session.version + "\r\n";
  if (!session.id.empty()) fields += "Mcp-Session-Id: " + session.id + "\r\n";
  return fields;
}

// One for the whole run: what masks have to prevent, a proxy that is fooled by
// a page, is not here.
uint32_t RunMask() {
  static const uint32_t mask = std::random_device{}();
  return mask;
}

}  // namespace

const char kWebSocketAccept[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

std::string WebSocketFrame(const std::string& payload, int opcode, uint32_t mask) {
  std::string frame;
  const uint64_t length = payload.size();
  const int extended = length < 126 ? 0 : length < 65536 ? 2 : 8;
  frame.reserve(length + 14);
  frame.push_back(static_cast<char>(0x80 | opcode));
  frame.push_back(static_cast<char>(0x80 | (extended == 0 ? length : extended == 2 ? 126 : 127)));
  for (int i = extended - 1; i >= 0; i--) frame.push_back(static_cast<char>(length >> (8 * i)));
  char key[4];
  memcpy(key, &mask, sizeof key);
  frame.append(key, sizeof key);
  const size_t from = frame.size();
  frame += payload;
  MaskInPlace(&frame, from, key);
  return frame;
}

std::string WebSocketUpgrade(const Options& options, const Plan& plan) {
  return "GET " + options.path + " HTTP/1.1\r\nHost: " + options.host_port +
         "\r\nConnection: Upgrade\r\nUpgrade: "
         "websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
         kWebSocketKey + "\r\n" + plan.fields + "\r\n";
}

std::string HttpPost(const Options& options, const std::string& fields, const Session& session,
                     const std::string& body) {
  std::string message = "POST " + options.path + " HTTP/1.1\r\nHost: " + options.host_port +
                        "\r\nContent-Type: application/json\r\nAccept: "
                        "application/json, text/event-stream\r\n" +
                        fields;
  message += SessionFields(session) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  message.reserve(message.size() + body.size());
  return message += body;
}

Template Wrap(const Options& options, const std::string& fields, const Session& session,
              const Template& body) {
  Template out;
  if (options.wire == Wire::kLines) {
    out.bytes = body.bytes + '\n';
    out.id_offset = body.id_offset;
    return out;
  }
  const bool is_http = options.wire == Wire::kHttp;
  const uint32_t mask = RunMask();
  out.bytes =
      is_http ? HttpPost(options, fields, session, body.bytes) : WebSocketFrame(body.bytes, kTextFrame, mask);
  out.id_offset = out.bytes.size() - body.bytes.size() + body.id_offset;
  char key[4];
  memcpy(key, &mask, sizeof key);
  for (size_t i = 0; i < kIdDigits && !is_http; i++) out.id_mask[i] = key[(body.id_offset + i) & 3];
  return out;
}

std::shared_ptr<const Requests> Prepare(const Options& options, const Plan& plan, const Session& session) {
  auto requests = std::make_shared<Requests>();
  for (const Operation& operation : plan.operations) {
    requests->operations.push_back(Wrap(options, plan.fields + operation.fields, session, operation.body));
  }
  if (!plan.cancel.bytes.empty()) requests->cancel = Wrap(options, plan.fields, session, plan.cancel);
  if (!session.id.empty()) {
    requests->farewell = "DELETE " + options.path + " HTTP/1.1\r\nHost: " + options.host_port + "\r\n" +
                         plan.fields + SessionFields(session) + "\r\n";
  }
  return requests;
}

}  // namespace loadgen
