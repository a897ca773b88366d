#include "payload.h"

#include <cstring>

namespace loadgen {
namespace {

// Ends the params and the request.
constexpr char kModernMeta[] =
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
    "\"io.modelcontextprotocol/"
    "clientInfo\":{\"name\":\"load\",\"version\":\"1\"},"
    "\"io.modelcontextprotocol/clientCapabilities\":{}}}}\n";

// In its place for servers of the older revision over HTTP, where a body that
// names another version than the header field contradicts it: as many bytes,
// all of them unknown to the server.
std::string LegacyMeta() {
  const std::string begin = "\"_meta\":{\"com.example/load\":\"", end = "\"}}}\n";
  return begin + std::string(sizeof kModernMeta - 1 - begin.size() - end.size(), 'x') + end;
}

// One repeatable unit of JSON string content per kind. The UTF-8 one has two,
// three and four byte sequences; the escaped one has short escapes, a \u escape
// and a surrogate pair.
const char* TextUnit(Text text) {
  switch (text) {
    case Text::kAscii:
      return "hello world";
    case Text::kUtf8:
      return "h\xC3\xA9llo w\xC3\xB6rld \xE4\xBD\xA0\xE5\xA5\xBD "
             "\xF0\x9F\x8C\x8D";
    case Text::kEscapes:
      return "say \\\"hello\\\"\\n\\tC:\\\\world \\u00e9 \\ud83c\\udf0d";
  }
  return "";
}

// `bytes` bytes of JSON string content: whole units, filled up with ASCII so
// that no unit is cut.
std::string BuildText(Text text, uint64_t bytes) {
  std::string unit = TextUnit(text);
  if (bytes == 0) return unit;
  std::string out;
  out.reserve(bytes);
  unit.push_back(' ');
  while (out.size() + unit.size() <= bytes) out += unit;
  out.append(bytes - out.size(), 'x');
  return out;
}

}  // namespace

std::string MethodOf(const Options& options) {
  switch (options.payload) {
    case Payload::kTool:
      return "tools/call";
    case Payload::kResource:
      return "resources/read";
    case Payload::kList:
      return "tools/list";
    case Payload::kRpc:
      return options.tool;
  }
  return "";
}

Template BuildRequest(const Options& options) {
  Template request;
  std::string text = BuildText(options.text, options.text_bytes);
  std::string& bytes = request.bytes;
  bytes.reserve(text.size() + 512);
  bytes = "{\"jsonrpc\":\"2.0\",\"id\":";
  request.id_offset = bytes.size();
  bytes += kProbeId;
  bytes += ",\"method\":\"" + MethodOf(options) + "\",\"params\":{";
  if (options.payload == Payload::kRpc) {
    bytes += "\"text\":\"" + text + "\"}}\n";
    return request;
  }
  if (options.payload == Payload::kResource) {
    bytes += std::string("\"uri\":\"") + kResourceUri + "\",";
  } else if (options.payload == Payload::kTool) {
    bytes += "\"name\":\"" + options.tool + "\",\"arguments\":{\"text\":\"" + text + "\"},";
  }
  const bool is_legacy = options.legacy_handshake && options.wire == Wire::kHttp;
  bytes += is_legacy ? LegacyMeta() : kModernMeta;
  return request;
}

bool LocateId(const std::string& line, const char* id, size_t* offset) {
  std::string wanted = std::string("\"id\":") + id;
  size_t at = line.find(wanted);
  if (at == std::string::npos) return false;
  *offset = at + strlen("\"id\":");
  return true;
}

}  // namespace loadgen
