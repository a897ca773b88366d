#include "route/route_table.h"

#include <utility>

namespace ringwire {

namespace {

ByteRange range_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

uint32_t hash_of(ByteRange method, ByteRange key) {
  return hash_bytes(hash_bytes(0, method.data, method.length), key.data, key.length);
}

}  // namespace

const RouteTable::Entry* RouteTable::lookup(ByteRange method, ByteRange key) const {
  if (entries_.empty()) return nullptr;
  const uint32_t hash = hash_of(method, key);
  const size_t mask = entries_.size() - 1;
  for (size_t i = hash & mask;; i = (i + 1) & mask) {
    const Entry& entry = entries_[i];
    if (!entry.used) return nullptr;
    if (entry.hash == hash && method.equals(entry.method) && key.equals(entry.key)) return &entry;
  }
}

const Route* RouteTable::find(ByteRange method, ByteRange key, bool key_is_uri, uint32_t profile) const {
  const Entry* entry = nullptr;
  if (last_ != nullptr && method.equals(last_->method) && key.equals(last_->key)) {
    entry = last_;
  } else {
    if (key.length > 0) entry = lookup(method, key);
    if (entry == nullptr) entry = lookup(method, {});
    if (entry == nullptr) return nullptr;
    last_ = entry;
  }
  const bool is_keyed = !entry->key.empty();
  for (const Route& route : entry->routes) {
    if (is_keyed && route.key_is_uri != key_is_uri) continue;
    if ((route.profiles >> profile & 1) != 0) return &route;
  }
  return nullptr;
}

void RouteTable::insert(Entry entry) {
  const size_t mask = entries_.size() - 1;
  size_t i = entry.hash & mask;
  while (entries_[i].used) i = (i + 1) & mask;
  entries_[i] = std::move(entry);
}

void RouteTable::rebuild(size_t capacity, const Entry* without) {
  last_ = nullptr;
  std::vector<Entry> before;
  before.swap(entries_);
  entries_.resize(capacity);
  for (Entry& entry : before) {
    if (entry.used && &entry != without) insert(std::move(entry));
  }
}

void RouteTable::set(const std::string& method, const std::string& key, const Route& route) {
  const Entry* found = lookup(range_of(method), range_of(key));
  if (found != nullptr) {
    std::vector<Route>& routes = const_cast<Entry*>(found)->routes;
    for (Route& present : routes) {
      if (present.profiles != route.profiles) continue;
      present = route;
      return;
    }
    routes.push_back(route);
    return;
  }
  if ((count_ + 1) * 2 > entries_.size()) rebuild(entries_.empty() ? 16 : entries_.size() * 2, nullptr);
  insert({hash_of(range_of(method), range_of(key)), true, method, key, {route}});
  ++count_;
}

bool RouteTable::remove(const std::string& method, const std::string& key) {
  const Entry* found = lookup(range_of(method), range_of(key));
  if (found == nullptr) return false;
  // Rebuilt rather than marked: removals are rare, and probing stays free of tombstones.
  rebuild(entries_.size(), found);
  --count_;
  return true;
}

void RouteTable::clear() {
  entries_.clear();
  count_ = 0;
  last_ = nullptr;
}

}  // namespace ringwire
