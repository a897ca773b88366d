#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace loadgen {

enum class Command { kRun, kLoad, kProbe, kStart, kIdle, kRequest };
// What a message travels in.
enum class Wire { kLines, kHttp, kWebSocket };
enum class Payload { kTool, kResource, kList, kRpc };
enum class Text { kAscii, kUtf8, kEscapes };

struct Options {
  Command command = Command::kRun;
  std::string url;                 // where the server listens; empty with a child
  Wire wire = Wire::kLines;        // the next three are read from the URL
  std::string host_port;           // empty for a Unix socket
  std::string path;                // of the socket, or of the HTTP endpoint
  std::vector<std::string> child;  // argv of a stdio server
  bool child_socketpair = false;   // stdio over socketpairs (what Node's spawn
                                   // gives) instead of pipes
  bool legacy_handshake = false;   // initialize + notifications/initialized before the first call
  uint64_t connections = 1;        // of the idle command: those that stay idle
  uint64_t active = 8;             // idle command: connections that call meanwhile
  uint64_t depth = 1;              // requests in flight per connection (closed loop)
  uint64_t window = 0;             // the same in the open loop, at most; 0: as many as it takes
  double rate = 0;                 // total requests per second (open loop); 0: closed loop
  double warmup_seconds = 1;
  double seconds = 5;
  uint64_t messages = 0;         // stop after this many measured replies; 0: by time alone
  double timeout_seconds = 600;  // of an answer before the clock starts
  uint64_t interval_ms = 0;      // between two lines of progress; 0: none
  uint64_t seed = 1;             // of the drawing of operations
  bool reconnect = false;        // open a connection anew that the server closed
  std::string latencies;         // a file for every measured latency, in nanoseconds;
                                 // empty: none
  Payload payload = Payload::kTool;
  Text text = Text::kAscii;
  uint64_t text_bytes = 0;  // 0: the short default text
  std::string tool = "echo";
  int server_pid = 0;  // 0: the child, or nothing to report
  int cpu = -1;        // -1: not pinned
  int child_cpu = -1;
};

// Fills `options` from argv. Returns an empty string, or what is wrong with the
// arguments.
std::string ParseOptions(int argc, char** argv, Options* options);

const char* UsageText();

}  // namespace loadgen
