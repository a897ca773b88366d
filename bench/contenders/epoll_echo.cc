// The floor: what a bare epoll loop in C++ needs to frame lines, find the id and send one fixed result. It
// parses nothing else, so no server that understands its input can be expected to beat it.
//
//   epoll-echo tcp://127.0.0.1:0 RESULT_JSON | epoll-echo unix:/PATH RESULT_JSON
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr size_t kReadBytes = 128 * 1024;

struct Connection {
  explicit Connection(int descriptor) : fd(descriptor) {}
  int fd;
  std::vector<char> in = std::vector<char>(kReadBytes);
  size_t used = 0;
  std::string out;
  size_t sent = 0;
  bool waits_for_write = false;
};

int Listen(const std::string& url, std::string* bound) {
  if (url.rfind("unix:", 0) == 0) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", url.c_str() + 5);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 1024) != 0)
      return -1;
    *bound = url;
    return fd;
  }
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(atoi(url.substr(url.rfind(':') + 1).c_str())));
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 1024) != 0)
    return -1;
  socklen_t length = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  *bound = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  return fd;
}

// Appends the reply to one line. The id is the first "id": member; a line without one is not answered.
void Answer(const char* line, size_t length, const std::string& tail, std::string* out) {
  const char* key = static_cast<const char*>(memmem(line, length, "\"id\":", 5));
  if (key == nullptr) return;
  const char* begin = key + 5;
  const char* end = begin;
  while (end < line + length && *end != ',' && *end != '}') end++;
  out->append("{\"jsonrpc\":\"2.0\",\"id\":", 22);
  out->append(begin, static_cast<size_t>(end - begin));
  out->append(tail);
}

void AnswerLines(Connection* connection, const std::string& tail, size_t fresh_from) {
  size_t line = 0, scan = fresh_from;
  char* data = connection->in.data();
  while (scan < connection->used) {
    char* newline = static_cast<char*>(memchr(data + scan, '\n', connection->used - scan));
    if (newline == nullptr) break;
    size_t end = static_cast<size_t>(newline - data);
    Answer(data + line, end - line, tail, &connection->out);
    line = scan = end + 1;
  }
  memmove(data, data + line, connection->used - line);
  connection->used -= line;
  if (connection->in.size() - connection->used < kReadBytes / 2)
    connection->in.resize(connection->in.size() * 2);
}

bool Flush(int epoll, Connection* connection) {
  while (connection->sent < connection->out.size()) {
    ssize_t n = send(connection->fd, connection->out.data() + connection->sent,
                     connection->out.size() - connection->sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) return false;
    connection->sent += static_cast<size_t>(n);
  }
  bool blocked = connection->sent < connection->out.size();
  if (!blocked) {
    connection->out.clear();
    connection->sent = 0;
  }
  if (blocked != connection->waits_for_write) {
    connection->waits_for_write = blocked;
    epoll_event event = {};
    // While the peer does not read its replies, its requests are not read either.
    event.events = blocked ? EPOLLOUT : EPOLLIN;
    event.data.ptr = connection;
    epoll_ctl(epoll, EPOLL_CTL_MOD, connection->fd, &event);
  }
  return true;
}

bool Serve(int epoll, Connection* connection, uint32_t events, const std::string& tail) {
  if ((events & EPOLLOUT) != 0) return Flush(epoll, connection);
  size_t space = connection->in.size() - connection->used;
  ssize_t n = read(connection->fd, connection->in.data() + connection->used, space);
  if (n < 0 && errno == EAGAIN) return true;
  if (n <= 0) return false;
  size_t fresh_from = connection->used;
  connection->used += static_cast<size_t>(n);
  AnswerLines(connection, tail, fresh_from);
  return Flush(epoll, connection);
}

void Accept(int epoll, int listener) {
  int fd;
  while ((fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.ptr = new Connection(fd);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fputs("usage: epoll-echo tcp://127.0.0.1:PORT|unix:/PATH RESULT_JSON\n", stderr);
    return 2;
  }
  std::string bound, tail = std::string(",\"result\":") + argv[2] + "}\n";
  int listener = Listen(argv[1], &bound);
  if (listener < 0) {
    fprintf(stderr, "epoll-echo: cannot listen on %s: %s\n", argv[1], strerror(errno));
    return 1;
  }
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  printf("LISTENING %s\n", bound.c_str());
  fflush(stdout);
  epoll_event events[256];
  for (;;) {
    int n = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < n; i++) {
      Connection* connection = static_cast<Connection*>(events[i].data.ptr);
      if (connection == nullptr) {
        Accept(epoll, listener);
      } else if (!Serve(epoll, connection, events[i].events, tail)) {
        close(connection->fd);
        delete connection;
      }
    }
  }
}
