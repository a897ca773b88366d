// The forward map against a std::map; and the slots of calls under way.
#include "route/forward_map.h"

#include <map>
#include <string>

#include "expect.h"
#include "route/call_slots.h"

using namespace ringwire;

namespace {

ForwardedCall call_of(int32_t caller, int32_t upstream, const std::string& id) {
  ForwardedCall call;
  call.caller = caller;
  call.caller_generation = static_cast<uint32_t>(caller) + 1;
  call.upstream = upstream;
  call.upstream_generation = static_cast<uint32_t>(upstream) + 1;
  call.id = id;
  return call;
}

uint32_t generation_of(int32_t upstream) { return static_cast<uint32_t>(upstream) + 1; }

bool same(const ForwardedCall& left, const ForwardedCall& right) {
  return left.caller == right.caller && left.caller_generation == right.caller_generation &&
         left.upstream == right.upstream && left.id == right.id;
}

/** Old and young calls stay open side by side, so that probing runs around the end of the table. */
void matches_a_map() {
  ForwardMap map;
  std::map<uint64_t, ForwardedCall> model;
  uint32_t random = 3;
  for (int step = 0; step < 60000; ++step) {
    random = random * 1664525u + 1013904223u;
    const uint32_t choice = (random >> 8) % 100;
    const auto upstream = static_cast<int32_t>((random >> 16) % 4);
    if (choice < 50 || model.empty()) {
      const ForwardedCall call = call_of(static_cast<int32_t>((random >> 20) % 10), upstream,
                                         "\"" + std::to_string(step % 7) + "\"");
      const uint64_t id = map.add(call);
      EXPECT(model.emplace(id, call).second);
    } else if (choice < 98) {
      auto found = model.lower_bound(model.begin()->first + (random >> 8) % (2 * model.size()));
      if (found == model.end()) found = model.begin();
      ForwardedCall call;
      const int32_t asked = found->second.upstream;
      EXPECT(!map.take(found->first, asked + 1, generation_of(asked), &call));
      EXPECT(!map.take(found->first, asked, generation_of(asked) + 1, &call));
      EXPECT(map.take(found->first, asked, generation_of(asked), &call));
      EXPECT(same(call, found->second));
      EXPECT(!map.take(found->first, asked, generation_of(asked), &call));
      model.erase(found);
    } else if (choice == 98) {
      const auto caller = static_cast<int32_t>((random >> 20) % 10);
      map.drop_caller(caller, static_cast<uint32_t>(caller) + 1);
      map.drop_caller(caller, 77);
      for (auto& entry : model) {
        if (entry.second.caller == caller) entry.second.caller = -1;
      }
    } else if ((random >> 24) % 8 == 0) {
      EXPECT(map.take_all_of(upstream, 77).empty());
      size_t owed = 0;
      for (auto entry = model.begin(); entry != model.end();) {
        const bool is_its = entry->second.upstream == upstream;
        owed += is_its ? 1 : 0;
        entry = is_its ? model.erase(entry) : std::next(entry);
      }
      const std::vector<ForwardedCall> calls = map.take_all_of(upstream, generation_of(upstream));
      EXPECT(calls.size() == owed);
      for (const ForwardedCall& call : calls) EXPECT(call.upstream == upstream);
    }
    EXPECT(map.size() == model.size());
  }
  for (const auto& entry : model) {
    ForwardedCall call;
    const int32_t upstream = entry.second.upstream;
    EXPECT(map.take(entry.first, upstream, generation_of(upstream), &call) && same(call, entry.second));
  }
  EXPECT(map.size() == 0);
}

void knows_nothing_at_first() {
  ForwardMap map;
  ForwardedCall call;
  EXPECT(!map.take(1, 0, 1, &call));
  EXPECT(map.take_all_of(0, 1).empty());
  map.drop_caller(0, 1);
  EXPECT(map.size() == 0);
}

void reuses_slots() {
  CallSlots slots;
  const uint8_t* id =
      reinterpret_cast<const uint8_t*>("\"an id of forty-eight bytes, the most that fits--\"");
  EXPECT(slots.at(0) == nullptr && slots.at(-1) == nullptr);
  const int32_t first = slots.take(3, 9, 1, id, CallSlot::kMaxIdBytes);
  const int32_t second = slots.take(4, 10, 0, id, 1);
  EXPECT(first != second && slots.in_use() == 2);
  EXPECT(slots.at(first)->connection == 3 && slots.at(first)->generation == 9 &&
         slots.at(first)->profile == 1);
  EXPECT(std::memcmp(slots.at(first)->id, id, CallSlot::kMaxIdBytes) == 0);
  slots.give_back(first);
  EXPECT(slots.at(first) == nullptr && slots.at(second)->id_length == 1 && slots.in_use() == 1);
  EXPECT(slots.take(5, 11, 0, id, 2) == first);
  EXPECT(slots.at(first)->connection == 5 && slots.at(first)->id_length == 2);
  slots.give_back(second);
  slots.give_back(first);
  std::map<int32_t, bool> taken;
  for (int i = 0; i < 5000; ++i) EXPECT(taken.emplace(slots.take(i, 1, 0, id, 3), true).second);
  EXPECT(slots.in_use() == 5000 && taken.rbegin()->first == 4999 && slots.at(5000) == nullptr);
  for (const auto& entry : taken) slots.give_back(entry.first);
  EXPECT(slots.in_use() == 0);
}

}  // namespace

int main() {
  matches_a_map();
  knows_nothing_at_first();
  reuses_slots();
  return 0;
}
