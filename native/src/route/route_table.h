#pragma once
// Where a request goes: method, and for some methods the tool name or resource uri, to
//   handler   JavaScript, in the batch of this tick
//   reply     bytes held here: answered without JavaScript
//   forward   another connection, the id rewritten, the rest of the bytes untouched
// What is not in the table takes the generic path.
#include <cstdint>
#include <string>
#include <vector>

#include "route/byte_string.h"

namespace ringwire {

enum class RouteKind : uint8_t { kHandler = 1, kReply = 2, kForward = 3 };

struct Route {
  RouteKind kind = RouteKind::kHandler;
  /** Which profiles of requests (bits by profile number) take this route; others take the generic path. */
  uint32_t profiles = 0;
  /** Handler: the number JavaScript knows it by. Forward: the upstream connection's index. */
  int32_t target = -1;
  /** Forward: guards against an index that another connection took over. */
  uint32_t target_generation = 0;
  /** Handler: JavaScript wants params.arguments rather than params. */
  bool wants_arguments = false;
  /** The key is params.uri rather than params.name. */
  bool key_is_uri = false;
  /** Reply: the JSON text of the result. */
  std::string reply;
};

class RouteTable {
 public:
  /**
   * Adds a route, or replaces the one that serves the same profiles. An empty key matches every request of
   * the method that no other key matches.
   */
  void set(const std::string& method, const std::string& key, const Route& route);
  bool remove(const std::string& method, const std::string& key);
  void clear();

  /** The route of a request of this profile, or nullptr. An empty key: the request has no name or uri. */
  const Route* find(ByteRange method, ByteRange key, bool key_is_uri, uint32_t profile) const;
  size_t size() const { return count_; }

 private:
  struct Entry {
    uint32_t hash;
    bool used;
    std::string method;
    std::string key;
    /** Several where profiles are served differently; few. */
    std::vector<Route> routes;
  };

  const Entry* lookup(ByteRange method, ByteRange key) const;
  void insert(Entry entry);
  void rebuild(size_t capacity, const Entry* without);

  /** Open addressing with linear probing; at most half full. */
  std::vector<Entry> entries_;
  size_t count_ = 0;
  /** What the last request found: the next one often asks for the same. Reset by every change. */
  mutable const Entry* last_ = nullptr;
};

}  // namespace ringwire
