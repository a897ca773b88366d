#pragma once

#include <string>
#include <vector>

#include "options.h"
#include "payload.h"

namespace loadgen {

// What a reply must be. kExact: the bytes of the first one, the id apart.
// kResult: a result without isError. kSubscription: an acknowledgement, after
// which the subscription is cancelled.
enum class Expect { kExact, kResult, kSubscription };

struct Operation {
  double weight = 1;
  Expect expect = Expect::kExact;
  Template body;       // with kProbeId, without a newline
  std::string fields;  // header lines of HTTP, each with its CRLF
};

// Which messages a run sends.
struct Plan {
  std::vector<Operation> operations;
  std::string fields;       // header lines of every HTTP request and of the WebSocket
                            // handshake
  std::string initialize;   // of older MCP revisions, its id being "initialize";
                            // empty: no handshake
  std::string initialized;  // the notification after it
  Template cancel;          // the notification that ends a subscription; id_offset is
                            // that of requestId
};

// The plan that the options of the command line describe: one operation,
// answered byte for byte alike.
Plan PlanOf(const Options& options);

// Reads a plan from `fd` as src/workbench/load/native-plan.ts writes it.
// Returns an empty string, or what is wrong with it.
std::string ReadPlan(int fd, Plan* plan);

}  // namespace loadgen
