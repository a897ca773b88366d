#pragma once
// Options of a socket by descriptor: set, and read back what the kernel granted.
#include <cstdint>
#include <string>

namespace ringwire {

/** Sets a SocketOption (generated constants). 0, or a negative libuv error; UV_ENOTSUP where the system lacks
 * it. */
int set_socket_option(int fd, int32_t option, int value);
/** Reads it back. */
int get_socket_option(int fd, int32_t option, int* value);
int set_congestion_control(int fd, const std::string& name);
int get_congestion_control(int fd, std::string* name);

/** What the kernel measured on a TCP connection. */
struct TcpMeasurements {
  uint32_t rtt_microseconds;
  uint32_t rtt_variance_microseconds;
  uint32_t retransmits_total;
  uint32_t send_window_segments;
  uint32_t unacknowledged_segments;
  uint32_t lost_segments;
  uint32_t maximum_segment_bytes;
};
int get_tcp_measurements(int fd, TcpMeasurements* out);

/** Two connected stream sockets, close-on-exec. */
int make_socket_pair(int fds[2]);

}  // namespace ringwire
