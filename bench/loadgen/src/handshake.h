#pragma once

#include <memory>
#include <string>

#include "options.h"
#include "plan.h"
#include "reader.h"
#include "wire.h"

namespace loadgen {

// What has to be said on a new connection before its first request: the upgrade
// to WebSocket, `initialize` of older MCP revisions. Does no I/O.
class Handshake {
 public:
  // `is_reopening`: the session of HTTP outlives its connections, so
  // `initialize` is not repeated there.
  Handshake(const Options& options, const Plan& plan, bool is_reopening);

  bool done() const { return step_ == Step::kDone; }

  // Takes what the server sent; `consumed` bytes are done with. Returns an
  // empty string or what is wrong.
  std::string Take(const char* data, size_t length, size_t* consumed);

  // Bytes to be sent; whoever sends them takes them out.
  std::string out;
  // When done: finds what comes next on the connection; nullptr for lines.
  std::unique_ptr<Reader> TakeReader();
  const Session& session() const { return session_; }

 private:
  enum class Step { kUpgrade, kInitialize, kInitialized, kDone };

  void BeginInitialize();
  std::string TakeMessage(const Reader::Message& message);
  std::string TakeInitialized(const std::string& reply);

  const Options& options_;
  const Plan& plan_;
  const bool is_reopening_;
  Step step_ = Step::kDone;
  std::unique_ptr<Reader> reader_;
  Session session_;
};

}  // namespace loadgen
