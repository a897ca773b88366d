#pragma once

#include <cstdint>

namespace loadgen {

// What /proc says of a process. CPU time covers all its threads and has the
// kernel's tick (usually 10 ms) as its resolution, so it wants windows of a
// second and more.
struct ProcStats {
  bool known = false;
  double cpu_seconds = 0;
  double rss_mb = 0;
  double rss_peak_mb = 0;  // highest since the process started
};

ProcStats ReadProcStats(int pid);

// CPU seconds of this process, user and system.
double OwnCpuSeconds();

}  // namespace loadgen
