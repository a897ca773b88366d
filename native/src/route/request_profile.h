#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringwire {

/** A kind of request that native routes may serve, told by its envelope and its connection. */
struct RequestProfile {
  int32_t flags_mask;
  int32_t flags_value;
  uint32_t connection_mask;
  uint32_t connection_value;
};

/** The number of the first profile that matches, or -1. */
inline int match_profile(const std::vector<RequestProfile>& profiles, int32_t flags,
                         uint32_t connection_flags) {
  for (size_t i = 0; i < profiles.size(); ++i) {
    const RequestProfile& profile = profiles[i];
    if ((flags & profile.flags_mask) == profile.flags_value &&
        (connection_flags & profile.connection_mask) == profile.connection_value)
      return static_cast<int>(i);
  }
  return -1;
}

}  // namespace ringwire
