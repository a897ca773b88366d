#pragma once

#include <cstdint>
#include <vector>

namespace loadgen {

// Log-linear latency histogram: 128 linear steps per power of two, so a
// recorded value is off by less than 0.8 %. Recording is one increment,
// whatever the value; nothing is sampled or dropped.
// src/observability/histogram.ts has the same layout.
class Histogram {
 public:
  Histogram() : counts_(kGroups * kSteps, 0) {}

  void Record(uint64_t value) {
    counts_[IndexOf(value)]++;
    total_++;
    sum_ += value;
    if (value > max_) max_ = value;
  }

  void Add(const Histogram& other) {
    if (other.total_ == 0) return;
    for (size_t i = 0; i < counts_.size(); i++) counts_[i] += other.counts_[i];
    total_ += other.total_;
    sum_ += other.sum_;
    if (other.max_ > max_) max_ = other.max_;
  }

  // Calls take(index, count) for every step that is not empty, rising.
  template <typename Take>
  void EachStep(Take take) const {
    for (size_t i = 0; i < counts_.size(); i++) {
      if (counts_[i] > 0) take(i, counts_[i]);
    }
  }

  void Reset() {
    counts_.assign(counts_.size(), 0);
    total_ = sum_ = max_ = 0;
  }

  uint64_t total() const { return total_; }
  uint64_t max() const { return max_; }
  uint64_t sum() const { return sum_; }
  double mean() const { return total_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(total_); }

  // Smallest recorded step below which `fraction` of all values lie. 0 when
  // nothing was recorded.
  uint64_t Percentile(double fraction) const {
    if (total_ == 0) return 0;
    uint64_t wanted = static_cast<uint64_t>(fraction * static_cast<double>(total_));
    if (wanted >= total_) wanted = total_ - 1;
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); i++) {
      seen += counts_[i];
      if (seen > wanted) return ValueOf(i) < max_ ? ValueOf(i) : max_;
    }
    return max_;
  }

 private:
  static constexpr uint64_t kStepBits = 7;
  static constexpr uint64_t kSteps = 1u << kStepBits;
  static constexpr uint64_t kGroups = 64 - kStepBits + 1;

  static size_t IndexOf(uint64_t value) {
    if (value < kSteps) return value;
    uint64_t shift = 63 - static_cast<uint64_t>(__builtin_clzll(value)) - kStepBits;
    return (shift + 1) * kSteps + ((value >> shift) - kSteps);
  }

  // Middle of the step, so that rounding does not lean to one side.
  static uint64_t ValueOf(size_t index) {
    if (index < kSteps) return index;
    uint64_t shift = index / kSteps - 1;
    return ((index % kSteps + kSteps) << shift) + ((uint64_t{1} << shift) >> 1);
  }

  std::vector<uint64_t> counts_;
  uint64_t total_ = 0;
  uint64_t sum_ = 0;
  uint64_t max_ = 0;
};

}  // namespace loadgen
