#include "link.h"

#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <random>

#include "wire.h"

namespace loadgen {
namespace {

constexpr double kReplySeconds = 600;

std::string InitializeLine() {
  return std::string(
             "{\"jsonrpc\":\"2.0\",\"id\":\"initialize\",\"method\":\"initialize\",\"params\":{"
             "\"protocolVersion\":\"") +
         kLegacyVersion + "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"load\",\"version\":\"1\"}}}\n";
}

constexpr char kInitialized[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";

std::string WithoutNewline(std::string line) {
  line.pop_back();
  return line;
}

// Sends `out` and waits for one message that holds `wanted`; others are skipped.
std::string ExchangeMessage(const Endpoint& endpoint, Reader* reader, const std::string& out,
                            const std::string& wanted, std::string* reply) {
  const uint64_t until = NowNs() + static_cast<uint64_t>(kReplySeconds * 1e9);
  std::string in;
  size_t written = 0;
  while (NowNs() < until) {
    pollfd fd = {endpoint.read_fd, static_cast<short>(written < out.size() ? POLLIN | POLLOUT : POLLIN), 0};
    poll(&fd, 1, 100);
    std::string problem = MoveBytes(endpoint, out, &written, &in);
    if (!problem.empty()) return problem;
    for (;;) {
      Reader::Message message;
      size_t consumed = 0;
      Reader::Found found = reader->Next(in.data(), in.size(), &consumed, &message);
      if (found == Reader::Found::kBroken) return reader->problem();
      if (found == Reader::Found::kMessage) reply->assign(message.data, message.length);
      in.erase(0, consumed);
      if (found == Reader::Found::kNeedMore) break;
      const bool is_refusal = message.status >= 300;
      if (is_refusal) return "HTTP " + std::to_string(message.status) + ": " + reply->substr(0, 500);
      if (reply->find(wanted) == std::string::npos) {
        if (reader->in_order()) return "an answer to another request: " + reply->substr(0, 500);
        continue;
      }
      return in.empty() ? "" : "more than one answer came back: " + in.substr(0, 200);
    }
  }
  return "no reply with " + wanted + " within the time limit";
}

std::string Upgrade(const Options& options, const Endpoint& endpoint) {
  HttpReader reader;
  reader.ExpectUpgrade();
  std::string body;
  std::string problem = ExchangeMessage(endpoint, &reader, WebSocketUpgrade(options), "", &body);
  if (!problem.empty()) return "WebSocket upgrade: " + problem;
  if (reader.Header("upgrade").empty()) return "WebSocket upgrade: the server did not switch protocols";
  if (reader.Header("sec-websocket-accept") != kWebSocketAccept) {
    return "WebSocket upgrade: a wrong Sec-WebSocket-Accept: " + reader.Header("sec-websocket-accept");
  }
  return "";
}

std::string InitializeHttp(const Options& options, Link* link, std::string* session) {
  auto* reader = static_cast<HttpReader*>(link->reader.get());
  std::string reply;
  std::string problem =
      ExchangeMessage(link->endpoint, reader, HttpPost(options, WithoutNewline(InitializeLine()), ""),
                      "\"initialize\"", &reply);
  if (!problem.empty()) return "initialize: " + problem;
  *session = reader->Header("mcp-session-id");
  problem = ExchangeMessage(link->endpoint, reader, HttpPost(options, WithoutNewline(kInitialized), *session),
                            "", &reply);
  return problem.empty() ? "" : "notifications/initialized: " + problem;
}

std::string InitializeLines(const Endpoint& endpoint) {
  std::string reply, rest;
  std::string problem = Exchange(endpoint, InitializeLine(), "\"initialize\"", kReplySeconds, &reply, &rest);
  if (!problem.empty()) return "initialize: " + problem;
  size_t length = sizeof kInitialized - 1;
  if (write(endpoint.write_fd, kInitialized, length) != static_cast<ssize_t>(length)) {
    return "initialize: the server does not read";
  }
  return "";
}

// Enough for a mask: what it has to prevent, a proxy that is fooled by a page, is not here.
uint32_t RandomMask() {
  static std::minstd_rand random{std::random_device{}()};
  return static_cast<uint32_t>(random()) * 2654435761u;
}

}  // namespace

std::string OpenLink(const Options& options, const Template& message, Link* link, pid_t* child) {
  std::string session, problem;
  problem =
      options.child.empty() ? Connect(options, &link->endpoint) : SpawnChild(options, &link->endpoint, child);
  link->reader = MakeReader(options.wire);
  if (problem.empty() && options.wire == Wire::kWebSocket) problem = Upgrade(options, link->endpoint);
  if (problem.empty() && options.legacy_handshake) {
    problem = options.wire == Wire::kHttp ? InitializeHttp(options, link, &session)
                                          : InitializeLines(link->endpoint);
  }
  if (!problem.empty()) return problem;
  link->request = Wrap(options, message, session, RandomMask());
  return "";
}

std::string CallOnce(Link* link, std::string* reply) {
  if (link->reader != nullptr) {
    std::string wanted = std::string("\"id\":") + kProbeId;
    return ExchangeMessage(link->endpoint, link->reader.get(), link->request.bytes, wanted, reply);
  }
  std::string rest;
  std::string problem = Exchange(link->endpoint, link->request.bytes, kProbeId, kReplySeconds, reply, &rest);
  if (!problem.empty()) return problem;
  return rest.empty() ? "" : "more than one line came back: " + rest.substr(0, 200);
}

}  // namespace loadgen
