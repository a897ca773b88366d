#pragma once

#include <cstdint>
#include <string>

#include "options.h"
#include "payload.h"

namespace loadgen {

// A WebSocket client frame, final, of at most 125 bytes or with an extended length. The mask is part of it.
std::string WebSocketFrame(const std::string& payload, int opcode, uint32_t mask);

// The GET that asks for a WebSocket, and the Sec-WebSocket-Accept its answer must have.
std::string WebSocketUpgrade(const Options& options);
extern const char kWebSocketAccept[];

// A POST of `body`. `method` and `name` become the header fields of protocol 2026-07-28; with `legacy`, the
// protocol version of the older revision and the session id, where there is one, take their place.
std::string HttpPost(const Options& options, const std::string& body, const std::string& session);

// `message`, which ends with a newline, as the wire of this run carries it. `mask`: of WebSocket frames.
Template Wrap(const Options& options, const Template& message, const std::string& session, uint32_t mask);

}  // namespace loadgen
