#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "endpoint.h"
#include "payload.h"
#include "reader.h"

namespace loadgen {

// One open connection before the clock starts: connected, upgraded, initialized where the wire wants that.
struct Link {
  Endpoint endpoint;
  std::unique_ptr<Reader> reader;  // nullptr for lines
  Template request;                // ready to be sent, with kProbeId
};

// Opens one connection for `message`. `child` receives the process of a stdio server. Returns an empty string
// or the reason it failed; the endpoint is to be closed in both cases.
std::string OpenLink(const Options& options, const Template& message, Link* link, pid_t* child);

// Sends the request of the link and waits for its reply, which is put into `reply` as it came: with the
// newline of a line, without the head of an HTTP answer.
std::string CallOnce(Link* link, std::string* reply);

}  // namespace loadgen
