#include "options.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace loadgen {
namespace {

bool ParseNumber(const char* text, double minimum, double maximum, double* out) {
  char* end = nullptr;
  errno = 0;
  double value = strtod(text, &end);
  if (errno != 0 || end == text || *end != '\0' || !(value >= minimum) || !(value <= maximum)) return false;
  *out = value;
  return true;
}

struct NumberOption {
  const char* name;
  double minimum;
  double maximum;
  bool whole;
};

constexpr NumberOption kNumbers[] = {
    {"--connections", 1, 20000, true},  {"--depth", 1, 65536, true},          {"--rate", 0.001, 1e8, false},
    {"--warmup", 0, 1e6, false},        {"--seconds", 0.05, 1e6, false},      {"--messages", 1, 1e15, true},
    {"--text-bytes", 1, 1 << 30, true}, {"--server-pid", 1, INT32_MAX, true}, {"--cpu", 0, 4095, true},
    {"--child-cpu", 0, 4095, true},     {"--active", 1, 1000, true},          {"--window", 1, 65536, true},
    {"--timeout", 0.05, 3600, false},   {"--interval-ms", 10, 1e7, true},     {"--seed", 0, 1e15, true},
};

void StoreNumber(const std::string& name, double value, Options* options) {
  if (name == "--connections") options->connections = static_cast<uint64_t>(value);
  if (name == "--active") options->active = static_cast<uint64_t>(value);
  if (name == "--depth") options->depth = static_cast<uint64_t>(value);
  if (name == "--rate") options->rate = value;
  if (name == "--warmup") options->warmup_seconds = value;
  if (name == "--seconds") options->seconds = value;
  if (name == "--messages") options->messages = static_cast<uint64_t>(value);
  if (name == "--text-bytes") options->text_bytes = static_cast<uint64_t>(value);
  if (name == "--window") options->window = static_cast<uint64_t>(value);
  if (name == "--timeout") options->timeout_seconds = value;
  if (name == "--interval-ms") options->interval_ms = static_cast<uint64_t>(value);
  if (name == "--seed") options->seed = static_cast<uint64_t>(value);
  if (name == "--server-pid") options->server_pid = static_cast<int>(value);
  if (name == "--cpu") options->cpu = static_cast<int>(value);
  if (name == "--child-cpu") options->child_cpu = static_cast<int>(value);
}

std::string StoreUrl(const std::string& url, Options* options) {
  options->url = url;
  if (url.rfind("unix:", 0) == 0) {
    options->path = url.substr(5);
    return "";
  }
  const size_t scheme = url.find("://");
  const std::string name = url.substr(0, scheme == std::string::npos ? 0 : scheme);
  if (name == "http") {
    options->wire = Wire::kHttp;
  } else if (name == "ws") {
    options->wire = Wire::kWebSocket;
  } else if (name != "tcp") {
    return "--url " + url +
           ": expected tcp://HOST:PORT, unix:/PATH, http://HOST:PORT/PATH or "
           "ws://HOST:PORT/PATH";
  }
  const size_t begin = name.size() + 3, slash = url.find('/', begin);
  options->host_port = url.substr(begin, slash == std::string::npos ? slash : slash - begin);
  options->path = slash == std::string::npos ? "/" : url.substr(slash);
  return "";
}

std::string StoreWord(const std::string& name, const std::string& value, Options* options) {
  if (name == "--url") {
    return StoreUrl(value, options);
  } else if (name == "--payload") {
    if (value == "tool") {
      options->payload = Payload::kTool;
    } else if (value == "resource") {
      options->payload = Payload::kResource;
    } else if (value == "list") {
      options->payload = Payload::kList;
    } else if (value == "rpc") {
      options->payload = Payload::kRpc;
    } else {
      return "--payload " + value + ": expected tool, resource, list or rpc";
    }
  } else if (name == "--text") {
    if (value == "ascii") {
      options->text = Text::kAscii;
    } else if (value == "utf8") {
      options->text = Text::kUtf8;
    } else if (value == "escapes") {
      options->text = Text::kEscapes;
    } else {
      return "--text " + value + ": expected ascii, utf8 or escapes";
    }
  } else if (name == "--stdio-kind") {
    if (value != "pipe" && value != "socketpair")
      return "--stdio-kind " + value + ": expected pipe or socketpair";
    options->child_socketpair = value == "socketpair";
  } else if (name == "--handshake") {
    if (value != "none" && value != "legacy") return "--handshake " + value + ": expected none or legacy";
    options->legacy_handshake = value == "legacy";
  } else if (name == "--reconnect") {
    if (value != "yes" && value != "no") return "--reconnect " + value + ": expected yes or no";
    options->reconnect = value == "yes";
  } else if (name == "--latencies") {
    options->latencies = value;
  } else if (name == "--tool") {
    options->tool = value;
  } else {
    return "unknown option " + name;
  }
  return "";
}

std::string StoreOption(const std::string& name, const char* value, Options* options) {
  for (const NumberOption& number : kNumbers) {
    if (name != number.name) continue;
    double parsed = 0;
    if (!ParseNumber(value, number.minimum, number.maximum, &parsed) ||
        (number.whole && parsed != static_cast<double>(static_cast<uint64_t>(parsed)))) {
      return name + " " + value + ": expected a " + (number.whole ? "whole " : "") + "number in its range";
    }
    StoreNumber(name, parsed, options);
    return "";
  }
  return StoreWord(name, value, options);
}

}  // namespace

std::string ParseOptions(int argc, char** argv, Options* options) {
  if (argc < 2) return "missing command: run, load, probe, start, idle or request";
  if (strcmp(argv[1], "load") == 0) {
    options->command = Command::kLoad;
  } else if (strcmp(argv[1], "probe") == 0) {
    options->command = Command::kProbe;
  } else if (strcmp(argv[1], "start") == 0) {
    options->command = Command::kStart;
  } else if (strcmp(argv[1], "idle") == 0) {
    options->command = Command::kIdle;
  } else if (strcmp(argv[1], "request") == 0) {
    options->command = Command::kRequest;
  } else if (strcmp(argv[1], "run") != 0) {
    return std::string("unknown command ") + argv[1] + ": expected run, load, probe, start, idle or request";
  }
  for (int i = 2; i < argc; i++) {
    if (strcmp(argv[i], "--") == 0) {
      options->child.assign(argv + i + 1, argv + argc);
      break;
    }
    if (i + 1 >= argc) return std::string(argv[i]) + " needs a value";
    std::string problem = StoreOption(argv[i], argv[i + 1], options);
    if (!problem.empty()) return problem;
    i++;
  }
  if (options->command == Command::kRequest) return "";
  if (options->url.empty() == options->child.empty()) {
    return "give exactly one of --url URL and a stdio server after --";
  }
  if (!options->child.empty() && options->connections != 1) return "a stdio server has one connection";
  if (options->legacy_handshake && options->wire == Wire::kWebSocket) {
    return "--handshake legacy: not over ws://, where no peer of that revision "
           "exists";
  }
  if (options->command == Command::kIdle && options->wire == Wire::kLines && options->url.empty()) {
    return "idle connections need a server that listens: give --url";
  }
  return "";
}

const char* UsageText() {
  return "usage: loadgen run|load|probe|start|idle [options] --url URL\n"
         "       loadgen run|load|probe|start [options] -- COMMAND ARGS...   a "
         "server on its stdin and stdout\n"
         "       loadgen request [options]\n"
         "  run     load the server, print one JSON object\n"
         "  load    the same with the messages of a plan on standard input, "
         "whose end ends the run early; print\n"
         "          a line of JSON every interval and one at the end\n"
         "  probe   send one request, print the reply line as it came\n"
         "  start   send one request, stay idle for --seconds, print the time "
         "to the reply and the memory\n"
         "  idle    open --connections, call once on each, leave them idle; "
         "print their memory in the server "
         "and\n"
         "          the latency of --active more that call for --seconds "
         "meanwhile\n"
         "  request print the request line\n"
         "options\n"
         "  --url tcp://HOST:PORT | unix:/PATH | http://HOST:PORT/PATH | "
         "ws://HOST:PORT/PATH\n"
         "  --connections N      open connections (1)\n"
         "  --depth N            closed loop: requests in flight per "
         "connection (1)\n"
         "  --rate N             open loop: N requests per second in total, "
         "latency from the scheduled send\n"
         "  --warmup S --seconds S   not measured (1), measured (5)\n"
         "  --messages N         stop after N measured replies or --seconds, "
         "whichever is first\n"
         "  --window N           open loop: most requests in flight per "
         "connection (4096; 1 over http://)\n"
         "  --timeout S          wait for an answer before the clock starts "
         "(600)\n"
         "  --reconnect yes|no   open a connection anew that the server closed "
         "(no)\n"
         "  --interval-ms N --seed N    load: between two lines of progress, "
         "of the drawing of messages\n"
         "  --latencies FILE     also write every measured latency, in "
         "nanoseconds\n"
         "  --active N           idle: connections that call (8)\n"
         "  --payload tool|resource|list|rpc   tools/call, resources/read of "
         "bench://hello or tools/list of "
         "MCP\n"
         "                       2026-07-28, or plain JSON-RPC (tool)\n"
         "  --text ascii|utf8|escapes   what the echoed text consists of "
         "(ascii)\n"
         "  --text-bytes N       length of the echoed text, in bytes of JSON "
         "(short)\n"
         "  --tool NAME          tool, or method with --payload rpc (echo)\n"
         "  --handshake none|legacy     initialize first, on every connection; "
         "over HTTP with the session\n"
         "                       it gives and the header fields of that "
         "revision (none)\n"
         "  --server-pid PID     report CPU and memory of this process (the "
         "child, with stdio)\n"
         "  --cpu N, --child-cpu N      pin the generator, the child\n"
         "  --stdio-kind pipe|socketpair    what the child's stdin and stdout "
         "are (pipe)\n";
}

}  // namespace loadgen
