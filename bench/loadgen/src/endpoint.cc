#include "endpoint.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "stop.h"

namespace loadgen {
namespace {

std::string ErrorText(const std::string& what) { return what + ": " + strerror(errno); }

void SetNonBlocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

std::string ResolveTcp(const std::string& host_port, Addresses* addresses) {
  const size_t colon = host_port.rfind(':');
  if (colon == std::string::npos) return "no port in " + host_port;
  std::string host = host_port.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int status = getaddrinfo(host.c_str(), host_port.substr(colon + 1).c_str(), &hints, &found);
  if (status != 0) return "cannot resolve " + host_port + ": " + gai_strerror(status);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    addresses->emplace_back();
    memcpy(&addresses->back().address, each->ai_addr, each->ai_addrlen);
    addresses->back().length = each->ai_addrlen;
  }
  freeaddrinfo(found);
  return "";
}

std::string ResolveUnix(const std::string& path, Addresses* addresses) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return "unix path is longer than 107 bytes: " + path;
  memcpy(address.sun_path, path.data(), path.size());
  addresses->emplace_back();
  memcpy(&addresses->back().address, &address, sizeof address);
  addresses->back().length = sizeof address;
  return "";
}

// A socket for `address`, -1 with errno otherwise.
int OpenSocket(const Address& address, int flags) {
  const int family = address.address.ss_family;
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  int one = 1;
  if (fd >= 0 && family != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

int ConnectSocket(int fd, const Address& address) {
  return connect(fd, reinterpret_cast<const sockaddr*>(&address.address), address.length);
}

[[noreturn]] void RunChild(const Options& options, int in, int out) {
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  signal(SIGPIPE, SIG_DFL);
  ForgetStop();
  if (options.child_cpu >= 0) PinToCpu(options.child_cpu);
  std::vector<char*> argv;
  for (const std::string& word : options.child) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  dprintf(STDERR_FILENO, "loadgen: cannot start %s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

bool WaitFor(pid_t child, double seconds) {
  uint64_t until = NowNs() + static_cast<uint64_t>(seconds * 1e9);
  while (NowNs() < until) {
    if (waitpid(child, nullptr, WNOHANG) == child) return true;
    poll(nullptr, 0, 5);
  }
  return false;
}

}  // namespace

uint64_t NowNs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

std::string Connect(const Options& options, Addresses* addresses, Endpoint* endpoint) {
  if (addresses->empty()) {
    std::string problem = options.host_port.empty() ? ResolveUnix(options.path, addresses)
                                                    : ResolveTcp(options.host_port, addresses);
    if (!problem.empty()) return problem;
  }
  for (Address& address : *addresses) {
    int fd = OpenSocket(address, 0);
    if (fd >= 0 && ConnectSocket(fd, address) == 0) {
      std::swap(address, addresses->front());
      endpoint->read_fd = endpoint->write_fd = fd;
      SetNonBlocking(fd);
      return "";
    }
    const int reason = errno;
    if (fd >= 0) close(fd);
    errno = reason;
  }
  return ErrorText("cannot connect to " + options.url);
}

std::string StartConnect(const Addresses& addresses, Endpoint* endpoint) {
  int fd = OpenSocket(addresses.front(), SOCK_NONBLOCK);
  endpoint->read_fd = endpoint->write_fd = fd;
  if (fd >= 0 && (ConnectSocket(fd, addresses.front()) == 0 || errno == EINPROGRESS)) return "";
  std::string problem = ErrorText("cannot connect again");
  Close(endpoint);
  return problem;
}

std::string FinishConnect(const Endpoint& endpoint) {
  int reason = 0;
  socklen_t length = sizeof reason;
  getsockopt(endpoint.read_fd, SOL_SOCKET, SO_ERROR, &reason, &length);
  errno = reason;
  return reason == 0 ? "" : ErrorText("cannot connect again");
}

std::string SpawnChild(const Options& options, Endpoint* endpoint, pid_t* child) {
  // [0] is our end and [1] the child's, for both directions.
  int to_child[2], from_child[2];
  if (options.child_socketpair) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, to_child) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, from_child) != 0) {
      return ErrorText("socketpair");
    }
  } else {
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) return ErrorText("pipe");
    to_child[0] = in[1];
    to_child[1] = in[0];
    from_child[0] = out[0];
    from_child[1] = out[1];
  }
  *child = fork();
  if (*child < 0) return ErrorText("fork");
  if (*child == 0) RunChild(options, to_child[1], from_child[1]);
  close(to_child[1]);
  close(from_child[1]);
  endpoint->write_fd = to_child[0];
  endpoint->read_fd = from_child[0];
  SetNonBlocking(endpoint->write_fd);
  SetNonBlocking(endpoint->read_fd);
  return "";
}

void Close(Endpoint* endpoint) {
  if (endpoint->write_fd >= 0) close(endpoint->write_fd);
  if (endpoint->read_fd >= 0 && endpoint->read_fd != endpoint->write_fd) close(endpoint->read_fd);
  endpoint->read_fd = endpoint->write_fd = -1;
}

void Reset(Endpoint* endpoint) {
  linger at_once = {1, 0};
  if (endpoint->read_fd >= 0) setsockopt(endpoint->read_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  Close(endpoint);
}

void ReapChild(pid_t child) {
  if (WaitFor(child, 2)) return;
  kill(child, SIGTERM);
  if (WaitFor(child, 2)) return;
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

bool PinToCpu(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

void RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::string MoveBytes(const Endpoint& endpoint, const std::string& out, size_t* written, std::string* in) {
  if (*written < out.size()) {
    ssize_t n = write(endpoint.write_fd, out.data() + *written, out.size() - *written);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return ErrorText("write");
    if (n > 0) *written += static_cast<size_t>(n);
  }
  char chunk[65536];
  ssize_t n = read(endpoint.read_fd, chunk, sizeof chunk);
  if (n == 0) return "the server closed the connection";
  if (n < 0 && errno != EAGAIN && errno != EINTR) return ErrorText("read");
  if (n > 0) in->append(chunk, static_cast<size_t>(n));
  return "";
}

}  // namespace loadgen
