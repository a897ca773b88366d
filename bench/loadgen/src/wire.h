#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "options.h"
#include "payload.h"
#include "plan.h"

namespace loadgen {

// A WebSocket client frame, final, of at most 125 bytes or with an extended
// length. The mask is part of it.
std::string WebSocketFrame(const std::string& payload, int opcode, uint32_t mask);

// The GET that asks for a WebSocket, and the Sec-WebSocket-Accept its answer
// must have.
std::string WebSocketUpgrade(const Options& options, const Plan& plan);
extern const char kWebSocketAccept[];

// What `initialize` over HTTP agreed on; empty without it.
struct Session {
  std::string id;
  std::string version;
};

// A POST of `body` with `fields` among its header lines.
std::string HttpPost(const Options& options, const std::string& fields, const Session& session,
                     const std::string& body);

// `body`, which may hold an id at its offset, as the wire of this run carries
// it.
Template Wrap(const Options& options, const std::string& fields, const Session& session,
              const Template& body);

// The messages of a plan, ready to be sent on a connection.
struct Requests {
  std::vector<Template> operations;
  Template cancel;
  std::string farewell;  // ends the session, where there is one
};

std::shared_ptr<const Requests> Prepare(const Options& options, const Plan& plan, const Session& session);

}  // namespace loadgen
