#include "proc_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace loadgen {
namespace {

bool ReadSmallFile(const std::string& path, std::string* out) {
  FILE* file = fopen(path.c_str(), "r");
  if (file == nullptr) return false;
  char text[8192];
  size_t n = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  out->assign(text, n);
  return n > 0;
}

double StatusMb(const std::string& status, const char* key) {
  size_t at = status.find(key);
  return at == std::string::npos ? 0 : strtod(status.c_str() + at + strlen(key), nullptr) / 1024;
}

}  // namespace

ProcStats ReadProcStats(int pid) {
  ProcStats stats;
  std::string base = "/proc/" + std::to_string(pid), text;
  if (pid <= 0 || !ReadSmallFile(base + "/stat", &text)) return stats;
  // The command name may hold spaces and parentheses: the fields are counted
  // from the last ')'.
  const char* rest = strrchr(text.c_str(), ')');
  unsigned long user = 0, system = 0;
  if (rest == nullptr ||
      sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2) {
    return stats;
  }
  stats.known = true;
  stats.cpu_seconds = static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  if (ReadSmallFile(base + "/status", &text)) {
    stats.rss_mb = StatusMb(text, "VmRSS:");
    stats.rss_peak_mb = StatusMb(text, "VmHWM:");
  }
  return stats;
}

double OwnCpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace loadgen
