#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "endpoint.h"
#include "plan.h"
#include "reader.h"
#include "wire.h"

namespace loadgen {

// One open connection before the clock starts: connected, upgraded, initialized
// where the wire wants that.
struct Link {
  Endpoint endpoint;
  std::unique_ptr<Reader> reader;  // nullptr for lines
  std::shared_ptr<const Requests> requests;
  std::string rest;  // what came behind the last answer
};

// Opens one connection. `shared` is what it sends unless a session makes that
// its own; `child` receives the process of a stdio server. Returns an empty
// string or the reason it failed; the endpoint is to be closed in both cases.
std::string OpenLink(const Options& options, const Plan& plan, const std::shared_ptr<const Requests>& shared,
                     Addresses* addresses, Link* link, pid_t* child);

// Sends a request of the link, whose id is kProbeId, and waits for its reply,
// which is put into `reply` without the newline of a line or the head of an
// HTTP answer.
std::string CallOnce(const Options& options, Link* link, size_t operation, std::string* reply);

}  // namespace loadgen
