// Any bytes as a batch of messages: each line is one, under flags from its first byte. Records stay inside
// their messages, ids and joined inputs are as long as the records say, and a second run says the same.
#include <string>
#include <vector>

#include "route/message_batch.h"

using namespace ringwire;

namespace {

void require(bool condition) {
  if (!condition) __builtin_trap();
}

struct Routed {
  Routed() : batch(8) {
    batch.set_profiles({{EnvelopeFlag::kHasProgressToken, 0, ConnectionFlag::kLegacy, 0}, {0, 0, 0, 0}});
    Route route;
    route.kind = RouteKind::kHandler;
    route.profiles = 1;
    route.target = 1;
    route.wants_arguments = true;
    batch.routes().set("tools/call", "echo", route);
    route.profiles = 3;
    route.wants_arguments = false;
    batch.routes().set("any", "", route);
    route.kind = RouteKind::kReply;
    batch.routes().set("list", "", route);
  }
  MessageBatch batch;
};

void require_range(const int32_t* record, int32_t field) {
  const int32_t start = record[field];
  if (start < 0) return;
  require(start >= record[BatchField::kStart] && start <= record[field + 1] &&
          record[field + 1] <= record[BatchField::kEnd]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Routed routed;
  if (size == 0 || size > 64 * 1024) return 0;
  std::vector<uint8_t> arena(data, data + size);
  arena.push_back('\n');
  std::vector<int32_t> messages;
  for (size_t at = 0; at < arena.size(); ++at) {
    if (arena[at] != '\n') continue;
    messages.push_back(static_cast<int32_t>(at));
    messages.push_back(arena[0] & 7);
    messages.push_back(static_cast<int32_t>(messages.size()));
  }
  const auto count = static_cast<int32_t>(messages.size() / MessageField::kCount);
  std::vector<int32_t> records(static_cast<size_t>(count) * BatchField::kCount, -7);
  MessageBatch& batch = routed.batch;
  require(batch.route(arena.data(), arena.size(), messages.data(), count, records.data()));
  size_t ids = 0;
  size_t joined = 0;
  for (int32_t i = 0; i < count; ++i) {
    const int32_t* record = records.data() + static_cast<size_t>(i) * BatchField::kCount;
    require(record[BatchField::kEnd] == messages[static_cast<size_t>(i) * MessageField::kCount]);
    if (record[BatchField::kKind] == BatchKind::kFrame) continue;
    for (int32_t field : {BatchField::kInputStart, BatchField::kMetaStart, BatchField::kIdStart})
      require_range(record, field);
    ids += static_cast<size_t>(record[BatchField::kIdEnd] - record[BatchField::kIdStart]);
    if (record[BatchField::kJoined] != 0)
      joined += 1 + static_cast<size_t>(record[BatchField::kInputEnd] - record[BatchField::kInputStart]);
  }
  require(ids == batch.ids().size() && joined == batch.joined().size());
  const std::vector<int32_t> first = records;
  require(batch.route(arena.data(), arena.size(), messages.data(), count, records.data()));
  require(records == first);
  return 0;
}
