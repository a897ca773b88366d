#include "net/socket_options.h"

#include <uv.h>

#include <cerrno>
#include <cstring>

#include "base/constants.generated.h"

#ifndef _WIN32
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

namespace ringwire {

#ifdef _WIN32

int set_socket_option(int, int32_t, int) { return UV_ENOTSUP; }
int get_socket_option(int, int32_t, int*) { return UV_ENOTSUP; }
int set_congestion_control(int, const std::string&) { return UV_ENOTSUP; }
int get_congestion_control(int, std::string*) { return UV_ENOTSUP; }
int get_tcp_measurements(int, TcpMeasurements*) { return UV_ENOTSUP; }
int make_socket_pair(int[2]) { return UV_ENOTSUP; }

#else

namespace {

struct KernelOption {
  int level;
  int name;
};

/** level -1: this system has no such option. */
KernelOption kernel_option(int32_t option) {
  switch (option) {
    case SocketOption::kNoDelay:
      return {IPPROTO_TCP, TCP_NODELAY};
    case SocketOption::kSendBufferBytes:
      return {SOL_SOCKET, SO_SNDBUF};
    case SocketOption::kReceiveBufferBytes:
      return {SOL_SOCKET, SO_RCVBUF};
    case SocketOption::kKeepAlive:
      return {SOL_SOCKET, SO_KEEPALIVE};
#ifdef TCP_KEEPIDLE
    case SocketOption::kKeepAliveIdleSeconds:
      return {IPPROTO_TCP, TCP_KEEPIDLE};
#endif
#ifdef TCP_KEEPINTVL
    case SocketOption::kKeepAliveIntervalSeconds:
      return {IPPROTO_TCP, TCP_KEEPINTVL};
#endif
#ifdef TCP_KEEPCNT
    case SocketOption::kKeepAliveProbes:
      return {IPPROTO_TCP, TCP_KEEPCNT};
#endif
#ifdef TCP_QUICKACK
    case SocketOption::kQuickAck:
      return {IPPROTO_TCP, TCP_QUICKACK};
#endif
#ifdef TCP_USER_TIMEOUT
    case SocketOption::kUserTimeoutMs:
      return {IPPROTO_TCP, TCP_USER_TIMEOUT};
#endif
#ifdef TCP_NOTSENT_LOWAT
    case SocketOption::kNotSentLowatBytes:
      return {IPPROTO_TCP, TCP_NOTSENT_LOWAT};
#endif
#ifdef SO_BUSY_POLL
    case SocketOption::kBusyPollMicroseconds:
      return {SOL_SOCKET, SO_BUSY_POLL};
#endif
#ifdef SO_REUSEPORT
    case SocketOption::kReusePort:
      return {SOL_SOCKET, SO_REUSEPORT};
#endif
    default:
      return {-1, 0};
  }
}

int last_error() { return uv_translate_sys_error(errno); }

}  // namespace

int set_socket_option(int fd, int32_t option, int value) {
  const KernelOption kernel = kernel_option(option);
  if (kernel.level < 0) return UV_ENOTSUP;
  return ::setsockopt(fd, kernel.level, kernel.name, &value, sizeof value) == 0 ? 0 : last_error();
}

int get_socket_option(int fd, int32_t option, int* value) {
  const KernelOption kernel = kernel_option(option);
  if (kernel.level < 0) return UV_ENOTSUP;
  *value = 0;
  socklen_t length = sizeof *value;
  return ::getsockopt(fd, kernel.level, kernel.name, value, &length) == 0 ? 0 : last_error();
}

#ifdef TCP_CONGESTION

int set_congestion_control(int fd, const std::string& name) {
  const auto length = static_cast<socklen_t>(name.size());
  return ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(), length) == 0 ? 0 : last_error();
}

int get_congestion_control(int fd, std::string* name) {
  char text[64] = {};
  socklen_t length = sizeof text - 1;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, text, &length) != 0) return last_error();
  *name = text;
  return 0;
}

#else

int set_congestion_control(int, const std::string&) { return UV_ENOTSUP; }
int get_congestion_control(int, std::string*) { return UV_ENOTSUP; }

#endif

int get_tcp_measurements(int fd, TcpMeasurements* out) {
#ifdef __linux__
  tcp_info info;
  socklen_t length = sizeof info;
  std::memset(&info, 0, sizeof info);
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return last_error();
  out->rtt_microseconds = info.tcpi_rtt;
  out->rtt_variance_microseconds = info.tcpi_rttvar;
  out->retransmits_total = info.tcpi_total_retrans;
  out->send_window_segments = info.tcpi_snd_cwnd;
  out->unacknowledged_segments = info.tcpi_unacked;
  out->lost_segments = info.tcpi_lost;
  out->maximum_segment_bytes = info.tcpi_snd_mss;
  return 0;
#else
  return UV_ENOTSUP;
#endif
}

int make_socket_pair(int fds[2]) {
#ifdef SOCK_CLOEXEC
  return ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0 ? 0 : last_error();
#else
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) return last_error();
  ::fcntl(fds[0], F_SETFD, FD_CLOEXEC);
  ::fcntl(fds[1], F_SETFD, FD_CLOEXEC);
  return 0;
#endif
}

#endif

}  // namespace ringwire
