#include "handshake.h"

#include <cstring>
#include <utility>

#include "scan.h"

namespace loadgen {
namespace {

constexpr char kInitializeId[] = "initialize";

std::string Quote(const std::string& text) { return text.substr(0, 500); }

// The string that is the value of `key`, the first one in the reply.
std::string StringAt(const std::string& reply, const std::string& key) {
  size_t at = reply.find('"' + key + '"');
  if (at == std::string::npos) return "";
  at = reply.find('"', reply.find(':', at));
  const size_t end = at == std::string::npos ? at : reply.find('"', at + 1);
  return end == std::string::npos ? "" : reply.substr(at + 1, end - at - 1);
}

}  // namespace

Handshake::Handshake(const Options& options, const Plan& plan, bool is_reopening)
    : options_(options), plan_(plan), is_reopening_(is_reopening) {
  if (options.wire == Wire::kWebSocket) {
    auto reader = std::make_unique<HttpReader>();
    reader->ExpectUpgrade();
    reader_ = std::move(reader);
    step_ = Step::kUpgrade;
    out = WebSocketUpgrade(options, plan);
    return;
  }
  reader_ = options.wire == Wire::kHttp ? MakeReader(Wire::kHttp) : std::make_unique<LineReader>();
  BeginInitialize();
}

void Handshake::BeginInitialize() {
  const bool is_needed = !plan_.initialize.empty() && !(is_reopening_ && options_.wire == Wire::kHttp);
  step_ = is_needed ? Step::kInitialize : Step::kDone;
  if (is_needed) out += Wrap(options_, plan_.fields, session_, {plan_.initialize, 0, {}}).bytes;
}

std::string Handshake::Take(const char* data, size_t length, size_t* consumed) {
  for (*consumed = 0; !done();) {
    Reader::Message message;
    size_t used = 0;
    Reader::Found found = reader_->Next(data + *consumed, length - *consumed, &used, &message);
    *consumed += used;
    if (found == Reader::Found::kNeedMore) return "";
    std::string problem = found == Reader::Found::kBroken ? reader_->problem() : TakeMessage(message);
    const char* step = step_ == Step::kUpgrade      ? "WebSocket upgrade: "
                       : step_ == Step::kInitialize ? "initialize: "
                                                    : "notifications/initialized: ";
    if (!problem.empty()) return step + problem;
  }
  return "";
}

std::string Handshake::TakeMessage(const Reader::Message& message) {
  const std::string text(message.data == nullptr ? "" : message.data, message.length);
  if (message.status >= 300) return "HTTP " + std::to_string(message.status) + ": " + Quote(text);
  if (step_ == Step::kUpgrade) {
    auto* http = static_cast<HttpReader*>(reader_.get());
    if (http->Header("upgrade").empty()) return "the server did not switch protocols";
    const std::string accept = http->Header("sec-websocket-accept");
    if (accept != kWebSocketAccept) return "a wrong Sec-WebSocket-Accept: " + accept;
    reader_ = MakeReader(Wire::kWebSocket);
    BeginInitialize();
    return "";
  }
  if (step_ == Step::kInitialized) {
    step_ = Step::kDone;
    return "";
  }
  MessageFacts facts;
  if (!ScanMessage(text.data(), text.size(), &facts)) return "no JSON object: " + Quote(text);
  const bool is_reply = facts.id != nullptr && facts.method == nullptr &&
                        std::string(facts.id, facts.id_bytes) == kInitializeId;
  if (!is_reply) return reader_->in_order() ? "an answer to another request: " + Quote(text) : "";
  if (!facts.has_result) return "not a result: " + Quote(text);
  return TakeInitialized(text);
}

std::string Handshake::TakeInitialized(const std::string& reply) {
  const bool is_http = options_.wire == Wire::kHttp;
  if (is_http) {
    session_.id = static_cast<HttpReader*>(reader_.get())->Header("mcp-session-id");
    session_.version = StringAt(reply, "protocolVersion");
  }
  out += Wrap(options_, plan_.fields, session_, {plan_.initialized, 0, {}}).bytes;
  step_ = is_http ? Step::kInitialized : Step::kDone;
  return "";
}

std::unique_ptr<Reader> Handshake::TakeReader() {
  if (options_.wire == Wire::kLines) return nullptr;
  return std::move(reader_);
}

}  // namespace loadgen
