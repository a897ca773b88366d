#include "link.h"

#include <poll.h>

#include <cstdio>
#include <utility>

#include "handshake.h"
#include "scan.h"
#include "stop.h"

namespace loadgen {
namespace {

std::string NoAnswer(double seconds) {
  char text[64];
  snprintf(text, sizeof text, "no answer within %g s", seconds);
  return text;
}

// Moves bytes until `take` has had enough: it gets what came and erases what it
// is done with, and returns false to go on. `problem` is what ended it
// otherwise.
template <typename Take>
std::string Converse(const Options& options, Link* link, std::string* out, Take take) {
  const Endpoint& endpoint = link->endpoint;
  const uint64_t until = NowNs() + static_cast<uint64_t>(options.timeout_seconds * 1e9);
  std::string &in = link->rest, problem;
  while (!take(&in, &problem) || !out->empty()) {
    if (!problem.empty()) return problem;
    if (NowNs() >= until) return NoAnswer(options.timeout_seconds);
    if (StopRequested()) return "stopped";
    pollfd fds[2] = {{endpoint.read_fd, POLLIN, 0}, {endpoint.write_fd, POLLOUT, 0}};
    poll(fds, out->empty() ? 1 : 2, 100);
    size_t written = 0;
    problem = MoveBytes(endpoint, *out, &written, &in);
    out->erase(0, written);
    if (!problem.empty() && in.empty()) return problem;
    problem.clear();
  }
  return problem;
}

// Whether `message` answers the probe. Others are skipped where that is
// possible.
bool IsAnswer(const Reader& reader, const std::string& text, int status, std::string* problem) {
  if (status >= 300) {
    *problem = "HTTP " + std::to_string(status) + ": " + text.substr(0, 500);
    return false;
  }
  MessageFacts facts;
  if (!ScanMessage(text.data(), text.size(), &facts)) {
    *problem = "no JSON object: " + text.substr(0, 500);
    return false;
  }
  if (facts.method == nullptr && facts.id != nullptr && std::string(facts.id, facts.id_bytes) == kProbeId) {
    return true;
  }
  // A null id says that the request was not understood, which is an answer to
  // it.
  const bool is_refusal = facts.has_error && facts.method == nullptr;
  if (reader.in_order() || is_refusal) *problem = "an answer to another request: " + text.substr(0, 500);
  return false;
}

}  // namespace

std::string OpenLink(const Options& options, const Plan& plan, const std::shared_ptr<const Requests>& shared,
                     Addresses* addresses, Link* link, pid_t* child) {
  std::string problem = options.child.empty() ? Connect(options, addresses, &link->endpoint)
                                              : SpawnChild(options, &link->endpoint, child);
  if (!problem.empty()) return problem;
  Handshake handshake(options, plan, false);
  problem = Converse(options, link, &handshake.out, [&](std::string* in, std::string* wrong) {
    size_t consumed = 0;
    *wrong = handshake.Take(in->data(), in->size(), &consumed);
    in->erase(0, consumed);
    return wrong->empty() && handshake.done();
  });
  if (!problem.empty()) return problem;
  link->reader = handshake.TakeReader();
  const Session& session = handshake.session();
  const bool is_own = !session.id.empty() || !session.version.empty();
  link->requests = is_own ? Prepare(options, plan, session) : shared;
  return "";
}

std::string CallOnce(const Options& options, Link* link, size_t operation, std::string* reply) {
  LineReader lines;
  Reader* reader = link->reader == nullptr ? &lines : link->reader.get();
  std::string out = link->requests->operations[operation].bytes;
  bool answered = false;
  return Converse(options, link, &out, [&](std::string* in, std::string* wrong) {
    while (!answered) {
      Reader::Message message;
      size_t consumed = 0;
      Reader::Found found = reader->Next(in->data(), in->size(), &consumed, &message);
      if (found == Reader::Found::kBroken) *wrong = reader->problem();
      if (found == Reader::Found::kMessage) {
        reply->assign(message.data == nullptr ? "" : message.data, message.length);
      }
      in->erase(0, consumed);
      if (found != Reader::Found::kMessage) return false;
      answered = IsAnswer(*reader, *reply, message.status, wrong);
      if (!wrong->empty()) return false;
    }
    return true;
  });
}

}  // namespace loadgen
