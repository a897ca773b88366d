#include "stop.h"

#include <poll.h>
#include <unistd.h>

#include <csignal>

namespace loadgen {
namespace {

volatile sig_atomic_t stopped = 0;
bool watches_stdin = false;

void OnSignal(int) { stopped = 1; }

}  // namespace

void WatchForStop(bool stdin_too) {
  struct sigaction action = {};
  action.sa_handler = OnSignal;  // without SA_RESTART: what waits is woken up
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  watches_stdin = stdin_too;
}

bool StopRequested() {
  if (stopped == 0 && watches_stdin) {
    pollfd fd = {STDIN_FILENO, POLLIN, 0};
    char bytes[256];
    if (poll(&fd, 1, 0) > 0 && read(STDIN_FILENO, bytes, sizeof bytes) <= 0) stopped = 1;
  }
  return stopped != 0;
}

void ForgetStop() {
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
}

}  // namespace loadgen
