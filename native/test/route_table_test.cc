// The route table against a std::map, with thousands of routes coming and going.
#include "route/route_table.h"

#include <map>
#include <utility>
#include <vector>

#include "expect.h"

using namespace ringwire;

namespace {

ByteRange range_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

Route route_to(int32_t target, uint32_t profiles = 1, bool key_is_uri = false) {
  Route route;
  route.target = target;
  route.profiles = profiles;
  route.key_is_uri = key_is_uri;
  return route;
}

/** The target found, or -1. */
int32_t find(const RouteTable& table, const std::string& method, const std::string& key, uint32_t profile = 0,
             bool key_is_uri = false) {
  const Route* route = table.find(range_of(method), range_of(key), key_is_uri, profile);
  return route == nullptr ? -1 : route->target;
}

/** Names that differ at the start, in the middle only (beyond what is hashed), and at the end. */
std::string name_of(int number) {
  const std::string digits = std::to_string(number);
  if (number % 3 == 0) return "tool-" + digits;
  if (number % 3 == 1) return std::string(40, 'a') + digits + std::string(40, 'b');
  return digits;
}

void matches_a_map() {
  RouteTable table;
  std::map<std::pair<std::string, std::string>, int32_t> model;
  uint32_t random = 7;
  EXPECT(find(table, "tools/call", "x") == -1);
  for (int step = 0; step < 20000; ++step) {
    random = random * 1664525u + 1013904223u;
    const std::string method = (random >> 8) % 5 == 0 ? "resources/read" : "tools/call";
    const std::string key = name_of(static_cast<int>((random >> 12) % 3000));
    if ((random >> 28) % 16 == 0) {
      EXPECT(table.remove(method, key) == (model.erase({method, key}) == 1));
    } else {
      table.set(method, key, route_to(step));
      model[{method, key}] = step;
    }
    EXPECT(table.size() == model.size());
  }
  EXPECT(model.size() > 1000);
  for (const char* method : {"resources/read", "tools/call"}) {
    for (int number = 0; number < 3100; ++number) {
      const auto found = model.find({method, name_of(number)});
      EXPECT(find(table, method, name_of(number)) == (found == model.end() ? -1 : found->second));
    }
  }
  for (const auto& entry : model) EXPECT(table.remove(entry.first.first, entry.first.second));
  EXPECT(table.size() == 0);
  EXPECT(find(table, "tools/call", name_of(1)) == -1);
}

void falls_back_to_the_method() {
  RouteTable table;
  table.set("tools/call", "", route_to(1));
  table.set("tools/call", "known", route_to(2));
  table.set("ping", "", route_to(3));
  EXPECT(find(table, "tools/call", "known") == 2);
  EXPECT(find(table, "tools/call", "other") == 1);
  EXPECT(find(table, "tools/call", "") == 1);
  EXPECT(find(table, "ping", "known") == 3);
  EXPECT(find(table, "pin", "") == -1);
  EXPECT(find(table, "", "") == -1);
  // Method and key do not run together.
  EXPECT(find(table, "tools/callknown", "") == -1);
  EXPECT(!table.remove("tools/call", "unknown"));
  EXPECT(table.remove("tools/call", ""));
  EXPECT(find(table, "tools/call", "other") == -1);
  EXPECT(find(table, "tools/call", "known") == 2);
}

void tells_profiles_apart() {
  RouteTable table;
  table.set("m", "k", route_to(1, 1 << 0));
  table.set("m", "k", route_to(2, 1 << 1 | 1 << 31));
  EXPECT(table.size() == 1);
  EXPECT(find(table, "m", "k", 0) == 1);
  EXPECT(find(table, "m", "k", 1) == 2);
  EXPECT(find(table, "m", "k", 31) == 2);
  EXPECT(find(table, "m", "k", 2) == -1);
  // The same profiles: replaced.
  table.set("m", "k", route_to(3, 1 << 0));
  EXPECT(find(table, "m", "k", 0) == 3);
  EXPECT(find(table, "m", "k", 1) == 2);
  EXPECT(table.remove("m", "k"));
  EXPECT(find(table, "m", "k", 0) == -1);
  EXPECT(find(table, "m", "k", 1) == -1);
}

void tells_names_from_uris() {
  RouteTable table;
  table.set("resources/read", "file:///a", route_to(1, 1, true));
  EXPECT(find(table, "resources/read", "file:///a", 0, true) == 1);
  EXPECT(find(table, "resources/read", "file:///a", 0, false) == -1);
  table.set("resources/read", "named", route_to(2, 1, false));
  EXPECT(find(table, "resources/read", "named", 0, true) == -1);
}

void keeps_replies() {
  RouteTable table;
  Route route = route_to(-1);
  route.kind = RouteKind::kReply;
  route.reply = std::string(100000, 'r');
  table.set("tools/list", "", route);
  for (int number = 0; number < 100; ++number) table.set("tools/call", name_of(number), route_to(number));
  const Route* found = table.find(range_of("tools/list"), {}, false, 0);
  EXPECT(found != nullptr && found->kind == RouteKind::kReply && found->reply == route.reply);
  table.clear();
  EXPECT(table.size() == 0 && table.find(range_of("tools/list"), {}, false, 0) == nullptr);
  table.set("again", "", route_to(5));
  EXPECT(find(table, "again", "") == 5);
}

}  // namespace

int main() {
  matches_a_map();
  falls_back_to_the_method();
  tells_profiles_apart();
  tells_names_from_uris();
  keeps_replies();
  return 0;
}
