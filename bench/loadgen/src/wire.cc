#include "wire.h"

#include <cstring>

namespace loadgen {
namespace {

// The key and its answer of RFC 6455, section 1.3: nothing here needs a secret one.
constexpr char kWebSocketKey[] = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr int kTextFrame = 1;

std::string HeaderName(const Options& options) {
  switch (options.payload) {
    case Payload::kTool:
      return options.tool;
    case Payload::kResource:
      return kResourceUri;
    default:
      return "";
  }
}

void MaskInPlace(std::string* frame, size_t from, const char mask[4]) {
  for (size_t i = from; i < frame->size(); i++)
    (*frame)[i] = static_cast<char>((*frame)[i] ^ mask[(i - from) & 3]);
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

std::string WebSocketUpgrade(const Options& options) {
  return "GET " + options.path + " HTTP/1.1\r\nHost: " + options.host_port +
         "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
         kWebSocketKey + "\r\n\r\n";
}

std::string HttpPost(const Options& options, const std::string& body, const std::string& session) {
  std::string head = "POST " + options.path + " HTTP/1.1\r\nHost: " + options.host_port +
                     "\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n";
  if (options.legacy_handshake) {
    head += std::string("MCP-Protocol-Version: ") + kLegacyVersion + "\r\n";
    if (!session.empty()) head += "Mcp-Session-Id: " + session + "\r\n";
  } else if (options.payload != Payload::kRpc) {
    head += std::string("MCP-Protocol-Version: ") + kModernVersion + "\r\nMcp-Method: " + MethodOf(options) +
            "\r\n";
    std::string name = HeaderName(options);
    if (!name.empty()) head += "Mcp-Name: " + name + "\r\n";
  }
  head += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  head.reserve(head.size() + body.size());
  return head += body;
}

Template Wrap(const Options& options, const Template& message, const std::string& session, uint32_t mask) {
  if (options.wire == Wire::kLines) return message;
  const std::string body = message.bytes.substr(0, message.bytes.size() - 1);
  Template out;
  if (options.wire == Wire::kHttp) {
    out.bytes = HttpPost(options, body, session);
    out.id_offset = out.bytes.size() - body.size() + message.id_offset;
    return out;
  }
  out.bytes = WebSocketFrame(body, kTextFrame, mask);
  out.id_offset = out.bytes.size() - body.size() + message.id_offset;
  for (size_t i = 0; i < kIdDigits; i++) {
    out.id_mask[i] = static_cast<char>(mask >> (8 * ((message.id_offset + i) & 3)));
  }
  return out;
}

}  // namespace loadgen
