#pragma once
// Requests that JavaScript is answering: who asked, under which id. A slot number travels to JavaScript and
// comes back with the answer; the id's bytes never do.
#include <cstdint>
#include <cstring>
#include <vector>

namespace ringwire {

struct CallSlot {
  /** Longest id kept here, as JSON text; a request with a longer one takes the generic path. */
  static constexpr size_t kMaxIdBytes = 48;

  int32_t connection = -1;
  uint32_t generation = 0;
  int32_t next_free = -1;
  uint8_t profile = 0;
  uint8_t id_length = 0;
  bool in_use = false;
  uint8_t id[kMaxIdBytes];
};

class CallSlots {
 public:
  /** The number of a slot that now holds the id. id_length <= kMaxIdBytes. */
  int32_t take(int32_t connection, uint32_t generation, uint8_t profile, const uint8_t* id,
               size_t id_length) {
    int32_t number = first_free_;
    if (number < 0) {
      number = static_cast<int32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      first_free_ = slots_[number].next_free;
    }
    CallSlot& slot = slots_[number];
    slot.connection = connection;
    slot.generation = generation;
    slot.profile = profile;
    slot.id_length = static_cast<uint8_t>(id_length);
    slot.in_use = true;
    std::memcpy(slot.id, id, id_length);
    ++in_use_;
    return number;
  }

  /** nullptr where the number is out of range or free: an answer given twice. */
  const CallSlot* at(int32_t number) const {
    if (number < 0 || static_cast<size_t>(number) >= slots_.size() || !slots_[number].in_use) return nullptr;
    return &slots_[number];
  }

  /** Only for numbers at() knows. */
  void give_back(int32_t number) {
    CallSlot& slot = slots_[number];
    slot.in_use = false;
    slot.next_free = first_free_;
    first_free_ = number;
    --in_use_;
  }

  uint32_t in_use() const { return in_use_; }

 private:
  std::vector<CallSlot> slots_;
  int32_t first_free_ = -1;
  uint32_t in_use_ = 0;
};

}  // namespace ringwire
