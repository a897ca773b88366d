#include "route/forward_map.h"

#include <utility>

namespace ringwire {

ForwardMap::Entry* ForwardMap::lookup(uint64_t id) {
  if (entries_.empty()) return nullptr;
  const size_t mask = entries_.size() - 1;
  for (size_t i = id & mask; entries_[i].used; i = (i + 1) & mask) {
    if (entries_[i].id == id) return &entries_[i];
  }
  return nullptr;
}

void ForwardMap::grow() {
  std::vector<Entry> before;
  before.swap(entries_);
  entries_.resize(before.empty() ? 64 : before.size() * 2);
  const size_t mask = entries_.size() - 1;
  for (Entry& entry : before) {
    if (!entry.used) continue;
    size_t i = entry.id & mask;
    while (entries_[i].used) i = (i + 1) & mask;
    entries_[i] = std::move(entry);
  }
}

uint64_t ForwardMap::add(ForwardedCall call) {
  if ((count_ + 1) * 2 > entries_.size()) grow();
  const uint64_t id = next_id_++;
  const size_t mask = entries_.size() - 1;
  size_t i = id & mask;
  while (entries_[i].used) i = (i + 1) & mask;
  entries_[i] = {id, true, std::move(call)};
  ++count_;
  return id;
}

/** Backward-shift deletion: entries behind the hole move up as long as that brings them no further from home.
 */
void ForwardMap::erase(size_t hole) {
  const size_t mask = entries_.size() - 1;
  for (size_t i = (hole + 1) & mask; entries_[i].used; i = (i + 1) & mask) {
    const size_t home = entries_[i].id & mask;
    if (((i - home) & mask) >= ((i - hole) & mask)) {
      entries_[hole] = std::move(entries_[i]);
      hole = i;
    }
  }
  entries_[hole] = {};
  --count_;
}

bool ForwardMap::take(uint64_t id, int32_t upstream, uint32_t upstream_generation, ForwardedCall* call) {
  Entry* entry = lookup(id);
  if (entry == nullptr || entry->call.upstream != upstream ||
      entry->call.upstream_generation != upstream_generation)
    return false;
  *call = std::move(entry->call);
  erase(static_cast<size_t>(entry - entries_.data()));
  return true;
}

std::vector<ForwardedCall> ForwardMap::take_all_of(int32_t upstream, uint32_t upstream_generation) {
  std::vector<uint64_t> ids;
  for (const Entry& entry : entries_) {
    if (entry.used && entry.call.upstream == upstream &&
        entry.call.upstream_generation == upstream_generation)
      ids.push_back(entry.id);
  }
  std::vector<ForwardedCall> calls;
  for (const uint64_t id : ids) {
    calls.emplace_back();
    take(id, upstream, upstream_generation, &calls.back());
  }
  return calls;
}

void ForwardMap::drop_caller(int32_t caller, uint32_t caller_generation) {
  for (Entry& entry : entries_) {
    if (entry.used && entry.call.caller == caller && entry.call.caller_generation == caller_generation)
      entry.call.caller = -1;
  }
}

}  // namespace ringwire
