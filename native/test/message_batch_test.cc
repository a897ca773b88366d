// What a batch of messages is routed to, and that the texts it gives belong to its records.
#include "route/message_batch.h"

#include <string>
#include <vector>

#include "expect.h"

using namespace ringwire;

namespace {

struct Batch {
  std::string arena;
  std::vector<int32_t> messages;
  std::vector<int32_t> records;

  void add(const std::string& text, uint32_t flags = ConnectionFlag::kDispatch) {
    arena += text;
    messages.push_back(static_cast<int32_t>(arena.size()));
    messages.push_back(static_cast<int32_t>(flags));
    messages.push_back(static_cast<int32_t>(messages.size()));
    arena += '\n';
  }

  bool route(MessageBatch* batch) {
    const auto count = static_cast<int32_t>(messages.size() / MessageField::kCount);
    records.assign(static_cast<size_t>(count) * BatchField::kCount, -7);
    return batch->route(reinterpret_cast<const uint8_t*>(arena.data()), arena.size(), messages.data(), count,
                        records.data());
  }

  int32_t field(size_t message, int32_t which) const {
    return records[message * BatchField::kCount + static_cast<size_t>(which)];
  }
};

std::string text_of(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

Route route_of(RouteKind kind, int32_t target, bool wants_arguments) {
  Route route;
  route.kind = kind;
  route.profiles = 1;
  route.target = target;
  route.wants_arguments = wants_arguments;
  return route;
}

std::string call(const std::string& id, const std::string& method, const std::string& params) {
  return "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"" + method + "\",\"params\":" + params + "}";
}

void routes_by_method_and_name() {
  MessageBatch batch(64);
  batch.set_profiles({{EnvelopeFlag::kHasProgressToken, 0, 0, 0}});
  batch.routes().set("tools/call", "echo", route_of(RouteKind::kHandler, 3, true));
  batch.routes().set("any", "", route_of(RouteKind::kHandler, 4, false));
  batch.routes().set("list", "", route_of(RouteKind::kReply, 5, false));
  Batch messages;
  messages.add(call("1", "tools/call", R"({"name":"echo","arguments":{"a":1}})"));
  messages.add(call("\"two\"", "list", "{}"));
  messages.add(call("3", "tools/call", R"({"name":"other","arguments":{}})"));
  messages.add(call("4", "any", R"([1,"\u00e9"])"));
  messages.add(call("5", "any", "[\"\xC3\xA9\"]"));
  messages.add(call("\"\xC3\xA9\"", "any", "[]"));
  messages.add(call("7", "any", R"({"_meta":{"progressToken":1}})"));
  messages.add(call("8", "any", "[]"), 0);
  messages.add(R"({"jsonrpc":"2.0","method":"any"})");
  messages.add("nonsense");
  messages.add(R"({"jsonrpc":"2.0","id":9,"method":"any"})");
  EXPECT(messages.route(&batch));
  const std::vector<int32_t> kinds = {BatchKind::kCall,  BatchKind::kReply, BatchKind::kFrame,
                                      BatchKind::kCall,  BatchKind::kCall,  BatchKind::kFrame,
                                      BatchKind::kFrame, BatchKind::kFrame, BatchKind::kFrame,
                                      BatchKind::kFrame, BatchKind::kCall};
  for (size_t i = 0; i < kinds.size(); ++i) {
    EXPECT(messages.field(i, BatchField::kKind) == kinds[i]);
    EXPECT(messages.field(i, BatchField::kEnd) == messages.messages[i * MessageField::kCount]);
  }
  EXPECT(messages.field(0, BatchField::kRoute) == 3);
  EXPECT(messages.field(1, BatchField::kRoute) == 5);
  EXPECT(messages.field(10, BatchField::kJoined) == 0);
  EXPECT(text_of(batch.ids()) == "1\"two\"459");
  EXPECT(text_of(batch.joined()) == "[{\"a\":1},[1,\"\\u00e9\"],[\"\xC3\xA9\"]");
  EXPECT(!batch.joined_is_ascii());
}

void a_line_break_is_noticed() {
  MessageBatch batch(64);
  for (const char* text : {"{\n}", "\n", "{}\n", "\n{}"}) {
    Batch messages;
    messages.add("{}");
    messages.add(text);
    messages.add("{}");
    EXPECT(!messages.route(&batch));
  }
  // What a refused batch left behind does not come back.
  Batch after;
  after.add("{}");
  EXPECT(after.route(&batch));
  EXPECT(batch.joined().empty() && batch.ids().empty());
}

void a_long_input_stands_alone() {
  MessageBatch batch(64);
  batch.set_profiles({{0, 0, 0, 0}});
  batch.routes().set("any", "", route_of(RouteKind::kHandler, 0, false));
  Batch messages;
  messages.add(call("1", "any", "[\"" + std::string(MessageBatch::kMaxJoinedInputBytes, 'x') + "\"]"));
  messages.add(call("2", "any", "[2]"));
  EXPECT(messages.route(&batch));
  EXPECT(messages.field(0, BatchField::kKind) == BatchKind::kCall);
  EXPECT(messages.field(0, BatchField::kJoined) == 0);
  EXPECT(messages.field(1, BatchField::kJoined) == 1);
  EXPECT(text_of(batch.joined()) == "[[2]");
}

}  // namespace

int main() {
  routes_by_method_and_name();
  a_line_break_is_noticed();
  a_long_input_stands_alone();
  return 0;
}
