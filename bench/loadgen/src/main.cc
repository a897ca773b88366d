// Load generator for JSON-RPC: in lines over TCP, Unix sockets and the stdio of
// a child, in HTTP/1.1 and WebSocket. One thread, one epoll; what it measures,
// how it checks and what it prints is described in docs/benchmarking.md.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "runner.h"
#include "stop.h"

int main(int argc, char** argv) {
  using loadgen::Command;
  if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
    fputs(loadgen::UsageText(), stdout);
    return 0;
  }
  loadgen::Options options;
  std::string problem = loadgen::ParseOptions(argc, argv, &options);
  if (!problem.empty()) {
    fprintf(stderr, "loadgen: %s\n%s", problem.c_str(), loadgen::UsageText());
    return 2;
  }
  if (options.command == Command::kRequest) {
    loadgen::Template request = loadgen::BuildRequest(options);
    fwrite(request.bytes.data(), 1, request.bytes.size(), stdout);
    return 0;
  }
  signal(SIGPIPE, SIG_IGN);
  // The default slack would move every scheduled send of the open loop by 50
  // µs.
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  loadgen::RaiseDescriptorLimit();
  const bool has_plan = options.command == Command::kLoad;
  loadgen::Plan plan = has_plan ? loadgen::Plan() : loadgen::PlanOf(options);
  if (has_plan) problem = loadgen::ReadPlan(STDIN_FILENO, &plan);
  if (has_plan) loadgen::WatchForStop(true);
  loadgen::Runner runner(options, plan);
  if (problem.empty()) problem = runner.Open();
  if (problem.empty() && options.command == Command::kProbe) {
    puts(runner.FirstReply().c_str());
    return 0;
  }
  if (problem.empty() && options.command == Command::kStart) {
    runner.StayIdle();
  } else if (problem.empty() && options.command == Command::kIdle) {
    problem = runner.RunIdle();
  } else if (problem.empty()) {
    problem = runner.Run();
  }
  if (!problem.empty()) {
    fprintf(stderr, "loadgen: %s\n", problem.c_str());
    return 1;
  }
  puts(runner.ResultJson().c_str());
  return 0;
}
