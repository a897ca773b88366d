#include "plan.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace loadgen {
namespace {

constexpr unsigned long long kMaxPartBytes = 1ull << 30;

// The plan's lines, and the bytes of known length that follow some of them.
class Source {
 public:
  explicit Source(int fd) : fd_(fd) {}

  bool Line(std::string* line) {
    size_t end;
    while ((end = text_.find('\n', at_)) == std::string::npos) {
      if (!More()) return false;
    }
    line->assign(text_, at_, end - at_);
    at_ = end + 1;
    return true;
  }

  bool Bytes(size_t count, std::string* bytes) {
    while (text_.size() - at_ < count) {
      if (!More()) return false;
    }
    bytes->assign(text_, at_, count);
    at_ += count;
    return true;
  }

  bool LineEnd() {
    std::string rest;
    return Line(&rest) && rest.empty();
  }

 private:
  bool More() {
    if (at_ > 0) {
      text_.erase(0, at_);
      at_ = 0;
    }
    char chunk[65536];
    ssize_t n;
    do n = read(fd_, chunk, sizeof chunk);
    while (n < 0 && errno == EINTR);
    if (n <= 0) return false;
    text_.append(chunk, static_cast<size_t>(n));
    return true;
  }

  int fd_;
  std::string text_;
  size_t at_ = 0;
};

// The id's place must hold kProbeId: it is what is written over.
bool IsTemplate(const Template& message) {
  return message.id_offset + kIdDigits <= message.bytes.size() &&
         message.bytes.compare(message.id_offset, kIdDigits, kProbeId) == 0;
}

bool ParseExpect(const char* word, Expect* expect) {
  if (strcmp(word, "exact") == 0) {
    *expect = Expect::kExact;
  } else if (strcmp(word, "result") == 0) {
    *expect = Expect::kResult;
  } else if (strcmp(word, "subscription") == 0) {
    *expect = Expect::kSubscription;
  } else {
    return false;
  }
  return true;
}

// operation WEIGHT EXPECT ID_OFFSET BODY_BYTES FIELD_BYTES NAME_BYTES, then
// these three.
bool ReadOperation(const char* line, Source* source, Operation* operation) {
  char expect[16];
  unsigned long long body = 0, fields = 0;
  size_t offset = 0;
  if (sscanf(line, "operation %lf %15s %zu %llu %llu", &operation->weight, expect, &offset, &body, &fields) !=
          5 ||
      !(operation->weight > 0) || !ParseExpect(expect, &operation->expect) || body > kMaxPartBytes ||
      fields > kMaxPartBytes) {
    return false;
  }
  operation->body.id_offset = offset;
  return source->Bytes(body, &operation->body.bytes) && source->Bytes(fields, &operation->fields) &&
         source->LineEnd() && IsTemplate(operation->body);
}

bool ReadPart(const std::string& line, Source* source, Plan* plan) {
  char word[16];
  unsigned long long first = 0, second = 0;
  const int found = sscanf(line.c_str(), "%15s %llu %llu", word, &first, &second);
  if (found < 2) return false;
  if (strcmp(word, "cancel") == 0) {
    plan->cancel.id_offset = first;
    return found == 3 && second <= kMaxPartBytes && source->Bytes(second, &plan->cancel.bytes) &&
           source->LineEnd() && IsTemplate(plan->cancel);
  }
  std::string* part = strcmp(word, "fields") == 0        ? &plan->fields
                      : strcmp(word, "initialize") == 0  ? &plan->initialize
                      : strcmp(word, "initialized") == 0 ? &plan->initialized
                                                         : nullptr;
  return part != nullptr && found == 2 && first <= kMaxPartBytes && source->Bytes(first, part) &&
         source->LineEnd();
}

std::string InitializeBody() {
  return std::string(
             "{\"jsonrpc\":\"2.0\",\"id\":\"initialize\",\"method\":"
             "\"initialize\",\"params\":{"
             "\"protocolVersion\":\"") +
         kLegacyVersion +
         "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"load\",\"version\":"
         "\"1\"}}}";
}

// The header fields in which protocol 2026-07-28 repeats what the body says.
std::string ModernFields(const Options& options) {
  std::string fields = std::string("MCP-Protocol-Version: ") + kModernVersion +
                       "\r\nMcp-Method: " + MethodOf(options) + "\r\n";
  if (options.payload == Payload::kTool) fields += "Mcp-Name: " + options.tool + "\r\n";
  if (options.payload == Payload::kResource) fields += std::string("Mcp-Name: ") + kResourceUri + "\r\n";
  return fields;
}

}  // namespace

Plan PlanOf(const Options& options) {
  Plan plan;
  Operation operation;
  operation.body = BuildRequest(options);
  operation.body.bytes.pop_back();
  if (options.legacy_handshake) {
    plan.initialize = InitializeBody();
    plan.initialized = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";
  } else if (options.payload != Payload::kRpc) {
    operation.fields = ModernFields(options);
  }
  plan.operations.push_back(std::move(operation));
  return plan;
}

std::string ReadPlan(int fd, Plan* plan) {
  Source source(fd);
  std::string line;
  while (source.Line(&line)) {
    if (line == "end") return plan->operations.empty() ? "the plan has no operation" : "";
    bool is_right;
    if (line.rfind("operation ", 0) == 0) {
      plan->operations.emplace_back();
      is_right = ReadOperation(line.c_str(), &source, &plan->operations.back());
    } else {
      is_right = ReadPart(line, &source, plan);
    }
    if (!is_right) return "the plan is broken at: " + line.substr(0, 200);
  }
  return "the plan ends before its line \"end\"";
}

}  // namespace loadgen
