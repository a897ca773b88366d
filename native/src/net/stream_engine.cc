#include "net/stream_engine.h"

#include <algorithm>
#include <cstring>
#include <new>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace ringwire {

StreamEngine* StreamEngine::create(uv_loop_t* loop, StreamSink* sink, uint8_t* arena) {
  return new (std::nothrow) StreamEngine(loop, sink, arena);
}

StreamEngine::StreamEngine(uv_loop_t* loop, StreamSink* sink, uint8_t* arena)
    : loop_(loop), sink_(sink), arena_(arena) {
  uv_prepare_init(loop, &prepare_);
  uv_check_init(loop, &check_);
  uv_idle_init(loop, &idle_);
  uv_timer_init(loop, &linger_timer_);
  prepare_.data = check_.data = idle_.data = linger_timer_.data = this;
  uv_prepare_start(&prepare_, on_prepare);
  uv_check_start(&check_, on_check);
  // The hooks alone must not keep a process alive.
  uv_unref(reinterpret_cast<uv_handle_t*>(&prepare_));
  uv_unref(reinterpret_cast<uv_handle_t*>(&check_));
  uv_unref(reinterpret_cast<uv_handle_t*>(&idle_));
  uv_unref(reinterpret_cast<uv_handle_t*>(&linger_timer_));
}

// ---- ticks ----

void StreamEngine::on_check(uv_check_t* handle) { static_cast<StreamEngine*>(handle->data)->tick(); }

void StreamEngine::on_prepare(uv_prepare_t* handle) {
  auto* self = static_cast<StreamEngine*>(handle->data);
  self->sink_->before_poll();
  self->process_resumable();
  self->tick();
}

void StreamEngine::tick() {
  sink_->end_of_batch();
  if (shutting_down_) return;
  arena_used_ = 0;
  ++batch_number_;
  flush();
}

/** The next read must find room for what is kept and a window; deliver early where it would not. */
void StreamEngine::after_read() {
  if (arena_used_ + kArenaReserveBytes <= kArenaBytes || shutting_down_) return;
  sink_->end_of_batch();
  arena_used_ = 0;
  ++batch_number_;
}

void StreamEngine::process_resumable() {
  if (resumable_.empty()) return;
  uv_idle_stop(&idle_);
  // Processing may stop a connection again and add it anew: only those present now are taken.
  std::vector<ConnectionKey> now;
  now.swap(resumable_);
  for (const ConnectionKey& key : now) {
    Connection* connection = find(key.index, key.generation);
    if (connection != nullptr) connection->process_stopped();
  }
}

void StreamEngine::add_resumable(Connection* connection) {
  // It may be called between here and the poll, by JavaScript that this very step delivered to.
  if (!shutting_down_) uv_idle_start(&idle_, on_idle);
  resumable_.push_back({connection->index_, connection->generation_});
}

void StreamEngine::flush() {
  // Flushing may add: a drain lets a sink send more.
  for (size_t i = 0; i < dirty_.size(); ++i) {
    if (dirty_[i] == nullptr) continue;
    dirty_[i]->dirty_ = false;
    dirty_[i]->flush();
  }
  dirty_.clear();
}

// ---- opening, closing ----

Connection* StreamEngine::add_connection(StreamKind kind, const ConnectionOptions& options) {
  auto* connection = new (std::nothrow) Connection(this, kind, options);
  if (connection == nullptr) return nullptr;
  if (kind == StreamKind::kTcp) {
    uv_tcp_init(loop_, &connection->in_.tcp);
  } else {
    uv_pipe_init(loop_, &connection->in_.pipe, 0);
  }
  connection->in_.handle.data = connection;
  if (free_indices_.empty()) {
    connection->index_ = static_cast<int32_t>(connections_.size());
    connections_.push_back(connection);
  } else {
    connection->index_ = free_indices_.back();
    free_indices_.pop_back();
    connections_[connection->index_] = connection;
  }
  connection->generation_ = next_generation_;
  // Positive as an int32 too: JavaScript reads it from an Int32Array.
  next_generation_ = next_generation_ == INT32_MAX ? 1 : next_generation_ + 1;
  ++open_connections_;
  return connection;
}

/** Takes a closing connection from every list but the table, where it stays until its handles are gone. */
void StreamEngine::forget(Connection* connection) {
  if (connection->dirty_)
    std::replace(dirty_.begin(), dirty_.end(), connection, static_cast<Connection*>(nullptr));
  connection->dirty_ = false;
  if (connection->lingering_)
    lingering_.erase(std::remove(lingering_.begin(), lingering_.end(), connection), lingering_.end());
}

void StreamEngine::remove_connection(Connection* connection) {
  // Events of this tick go out before the index is free, and before a loop with nothing left to do ends.
  if (!shutting_down_) sink_->end_of_batch();
  connections_[connection->index_] = nullptr;
  free_indices_.push_back(connection->index_);
  --open_connections_;
  delete connection;
  finish_shutdown();
}

Connection* StreamEngine::at(int32_t index) const {
  if (index < 0 || static_cast<size_t>(index) >= connections_.size()) return nullptr;
  return connections_[index];
}

Connection* StreamEngine::find(int32_t index, uint32_t generation) const {
  Connection* connection = at(index);
  return connection != nullptr && connection->generation_ == generation ? connection : nullptr;
}

Listener* StreamEngine::listener_at(int32_t index) const {
  if (index < 0 || static_cast<size_t>(index) >= listeners_.size()) return nullptr;
  return listeners_[index];
}

Listener* StreamEngine::add_listener(StreamKind kind, const ConnectionOptions& options,
                                     uint32_t max_connections) {
  auto* listener = new (std::nothrow) Listener(this, kind, options, max_connections);
  if (listener == nullptr) return nullptr;
  if (kind == StreamKind::kTcp) {
    uv_tcp_init(loop_, &listener->handle_.tcp);
  } else {
    uv_pipe_init(loop_, &listener->handle_.pipe, 0);
  }
  listener->handle_.handle.data = listener;
  listener->index_ = static_cast<int32_t>(listeners_.size());
  listeners_.push_back(listener);
  ++open_listeners_;
  return listener;
}

int StreamEngine::finish_listen(Listener* listener, int backlog, int status) {
  if (status == 0) status = uv_listen(&listener->handle_.stream, backlog, Listener::on_connection);
  if (status != 0) listener->close();
  return status;
}

Listener* StreamEngine::listen_tcp(const sockaddr* address, int backlog, bool reuse_port,
                                   uint32_t max_connections, const ConnectionOptions& options, int* status) {
  Listener* listener = add_listener(StreamKind::kTcp, options, max_connections);
  if (listener == nullptr) {
    *status = UV_ENOMEM;
    return nullptr;
  }
  int result = 0;
#if !defined(_WIN32) && defined(SO_REUSEPORT)
  if (reuse_port) {
    // The option must be on before bind(), and libuv creates its socket inside bind(): bring our own.
    const int fd = ::socket(address->sa_family, SOCK_STREAM, 0);
    const int on = 1;
    if (fd < 0) {
      result = uv_translate_sys_error(errno);
    } else if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
               ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
      result = uv_translate_sys_error(errno);
      ::close(fd);
    } else {
      result = uv_tcp_open(&listener->handle_.tcp, fd);
      if (result != 0) ::close(fd);
    }
  }
#else
  if (reuse_port) result = UV_ENOTSUP;
#endif
  if (result == 0) result = uv_tcp_bind(&listener->handle_.tcp, address, 0);
  *status = finish_listen(listener, backlog, result);
  return *status == 0 ? listener : nullptr;
}

Listener* StreamEngine::listen_unix(const char* path, int backlog, uint32_t max_connections,
                                    const ConnectionOptions& options, int* status) {
  Listener* listener = add_listener(StreamKind::kUnix, options, max_connections);
  if (listener == nullptr) {
    *status = UV_ENOMEM;
    return nullptr;
  }
#ifdef _WIN32
  int result = uv_pipe_bind(&listener->handle_.pipe, path);
#else
  // Created with the mode it keeps: between bind() and chmod() another user could connect.
  const mode_t before = ::umask(0177);
  int result = uv_pipe_bind(&listener->handle_.pipe, path);
  ::umask(before);
#endif
  *status = finish_listen(listener, backlog, result);
  return *status == 0 ? listener : nullptr;
}

void StreamEngine::remove_listener(Listener* listener) {
  // Accepted connections outlive their listener.
  for (Connection* connection : connections_) {
    if (connection != nullptr && connection->listener_ == listener) connection->listener_ = nullptr;
  }
  listeners_[listener->index_] = nullptr;
  --open_listeners_;
  if (!shutting_down_) {
    sink_->on_listener_close(listener);
    sink_->end_of_batch();
  }
  delete listener;
  finish_shutdown();
}

Connection* StreamEngine::connect_tcp(const sockaddr* address, const ConnectionOptions& options,
                                      int* status) {
  Connection* connection = add_connection(StreamKind::kTcp, options);
  if (connection == nullptr) {
    *status = UV_ENOMEM;
    return nullptr;
  }
  connection->connected_ = false;
  uv_tcp_nodelay(&connection->in_.tcp, 1);
  *status =
      uv_tcp_connect(&connection->connect_request_, &connection->in_.tcp, address, Connection::on_connect);
  if (*status == 0) return connection;
  connection->close_handles();
  return nullptr;
}

Connection* StreamEngine::connect_unix(const char* path, const ConnectionOptions& options, int* status) {
  Connection* connection = add_connection(StreamKind::kUnix, options);
  if (connection == nullptr) {
    *status = UV_ENOMEM;
    return nullptr;
  }
  connection->connected_ = false;
  uv_pipe_connect(&connection->connect_request_, &connection->in_.pipe, path, Connection::on_connect);
  *status = 0;  // errors come through on_connect
  return connection;
}

Connection* StreamEngine::open_fds(int in_fd, int out_fd, const ConnectionOptions& options, int* status) {
  Connection* connection = add_connection(StreamKind::kStdio, options);
  if (connection == nullptr) {
    *status = UV_ENOMEM;
    return nullptr;
  }
#ifndef _WIN32
  // Standard streams stay open under their numbers, and Node may have a handle of its own on them.
  const bool is_duplex = in_fd == out_fd;
  if (in_fd <= STDERR_FILENO) in_fd = ::fcntl(in_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  out_fd = is_duplex                 ? in_fd
           : out_fd <= STDERR_FILENO ? ::fcntl(out_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                                     : out_fd;
#endif
  *status = uv_pipe_open(&connection->in_.pipe, in_fd);
  if (*status == 0 && out_fd != in_fd) {
    uv_pipe_init(loop_, &connection->out_.pipe, 0);
    connection->out_.handle.data = connection;
    connection->has_separate_out_ = true;
    *status = uv_pipe_open(&connection->out_.pipe, out_fd);
  }
  if (*status == 0) return connection;
  connection->connected_ = false;
  connection->close_handles();
  return nullptr;
}

// ---- lingering ----

void StreamEngine::start_linger(Connection* connection) {
  connection->linger_until_ms_ = uv_now(loop_) + kLingerMs;
  lingering_.push_back(connection);
  if (lingering_.size() == 1) uv_timer_start(&linger_timer_, on_linger_timer, kLingerMs, 0);
}

void StreamEngine::on_linger_timer(uv_timer_t* handle) {
  auto* self = static_cast<StreamEngine*>(handle->data);
  const uint64_t now = uv_now(self->loop_);
  // Same wait for all: the list is in the order of expiry.
  while (!self->lingering_.empty() && self->lingering_.front()->linger_until_ms_ <= now)
    self->lingering_.front()->close_handles();
  if (!self->lingering_.empty())
    uv_timer_start(handle, on_linger_timer, self->lingering_.front()->linger_until_ms_ - now, 0);
}

// ---- teardown ----

void StreamEngine::shutdown(void (*done)(void*), void* context) {
  shutting_down_ = true;
  shutdown_done_ = done;
  shutdown_context_ = context;
  for (size_t i = 0; i < connections_.size(); ++i) {
    if (connections_[i] != nullptr) connections_[i]->close_handles();
  }
  for (size_t i = 0; i < listeners_.size(); ++i) {
    if (listeners_[i] != nullptr) listeners_[i]->close();
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&prepare_), on_hook_closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&check_), on_hook_closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&idle_), on_hook_closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&linger_timer_), on_hook_closed);
}

void StreamEngine::on_hook_closed(uv_handle_t* handle) {
  auto* self = static_cast<StreamEngine*>(handle->data);
  --self->open_hooks_;
  self->finish_shutdown();
}

void StreamEngine::finish_shutdown() {
  if (!shutting_down_ || open_hooks_ > 0 || open_connections_ > 0 || open_listeners_ > 0) return;
  auto done = shutdown_done_;
  void* context = shutdown_context_;
  delete this;
  done(context);
}

}  // namespace ringwire
