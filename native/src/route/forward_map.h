#pragma once
// Requests sent on to an upstream under an id of our own. Ids of different callers may be equal, so theirs
// never leave: an upstream sees only our numbers, and a reply goes to whoever asked under that number, or
// nowhere.
#include <cstdint>
#include <string>
#include <vector>

namespace ringwire {

struct ForwardedCall {
  int32_t caller = -1;
  uint32_t caller_generation = 0;
  int32_t upstream = -1;
  uint32_t upstream_generation = 0;
  /** The caller's id as JSON text. */
  std::string id;
};

class ForwardMap {
 public:
  /** Our id for the call. Numbers are not reused, so a late reply finds nothing. */
  uint64_t add(ForwardedCall call);
  /** The call behind an id, if this upstream was asked under it; the entry is removed. */
  bool take(uint64_t id, int32_t upstream, uint32_t upstream_generation, ForwardedCall* call);
  /** Removes and returns the calls an upstream still owes. */
  std::vector<ForwardedCall> take_all_of(int32_t upstream, uint32_t upstream_generation);
  /** Forgets who asked: replies to a caller that left are dropped. */
  void drop_caller(int32_t caller, uint32_t caller_generation);
  size_t size() const { return count_; }

 private:
  struct Entry {
    uint64_t id = 0;
    bool used = false;
    ForwardedCall call;
  };

  Entry* lookup(uint64_t id);
  void erase(size_t position);
  void grow();

  /** Open addressing by the number itself: consecutive ids fall into consecutive places. */
  std::vector<Entry> entries_;
  size_t count_ = 0;
  uint64_t next_id_ = 1;
};

}  // namespace ringwire
