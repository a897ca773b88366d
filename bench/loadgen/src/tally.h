#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "histogram.h"

namespace loadgen {

// What a run adds up of one operation. Latencies are recorded once and added to
// the total every interval.
struct OperationTally {
  Histogram recent;
  Histogram total;
  uint64_t replies = 0;
  uint64_t errors = 0;
};

// What the connections of a run add up to.
struct Tally {
  std::vector<OperationTally> operations;
  uint64_t replies = 0;
  uint64_t errors = 0;        // wrong or missing replies
  uint64_t lost = 0;          // of them, requests without a reply
  uint64_t extra_frames = 0;  // messages that answer nothing: notifications
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  std::string first_error;
  FILE* latencies = nullptr;  // every one of them, for tests of the percentiles

  void AddError(const std::string& what) {
    if (errors++ == 0) first_error = what;
  }

  void AddError(uint32_t operation, const std::string& what) {
    operations[operation].errors++;
    AddError(what);
  }

  void Record(uint32_t operation, uint64_t nanoseconds) {
    operations[operation].replies++;
    replies++;
    RecordLatency(operation, nanoseconds);
  }

  // A request without an answer. What it `waited` counts, where it is not 0: in an open loop those that wait
  // longest must not be left out. An empty `why` is no error.
  void Lose(uint32_t operation, const std::string& why, uint64_t waited) {
    if (!why.empty()) {
      AddError(operation, why);
      lost++;
    }
    if (waited > 0) RecordLatency(operation, waited);
  }

  void RecordLatency(uint32_t operation, uint64_t nanoseconds) {
    operations[operation].recent.Record(nanoseconds);
    if (latencies != nullptr) fprintf(latencies, "%llu\n", static_cast<unsigned long long>(nanoseconds));
  }

  // Adds the recent latencies to the totals; returns them.
  Histogram Fold() {
    Histogram all;
    for (OperationTally& operation : operations) {
      all.Add(operation.recent);
      operation.total.Add(operation.recent);
      operation.recent.Reset();
    }
    return all;
  }
};

}  // namespace loadgen
