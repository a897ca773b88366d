#include "net/listener.h"

#include "net/stream_engine.h"

namespace ringwire {

Listener::Listener(StreamEngine* engine, StreamKind kind, const ConnectionOptions& options,
                   uint32_t max_connections)
    : engine_(engine), options_(options), max_connections_(max_connections), kind_(kind) {
  handle_.handle.data = this;
}

void Listener::on_connection(uv_stream_t* stream, int status) {
  auto* self = static_cast<Listener*>(stream->data);
  if (self->closing_) return;
  if (status != 0) return self->engine_->sink_->on_accept_error(self, status);
  self->accept_one();
}

void Listener::accept_one() {
  Connection* connection = engine_->add_connection(kind_, options_);
  if (connection == nullptr) return engine_->sink_->on_accept_error(this, UV_ENOMEM);
  const int status = uv_accept(&handle_.stream, connection->in());
  connection->connected_ = false;  // no on_close for a connection the sink never saw
  if (status != 0) {
    engine_->sink_->on_accept_error(this, status);
    return connection->close_handles();
  }
  if (connections_ >= max_connections_) {
    ++refused_;
    return connection->close_handles();
  }
  connection->connected_ = true;
  if (kind_ == StreamKind::kTcp) uv_tcp_nodelay(&connection->in_.tcp, 1);
  connection->listener_ = this;
  ++connections_;
  engine_->sink_->on_accept(this, connection);
}

int Listener::port() const {
  if (kind_ != StreamKind::kTcp) return 0;
  sockaddr_storage address;
  int length = sizeof address;
  if (uv_tcp_getsockname(&handle_.tcp, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

int Listener::fd() const {
#ifdef _WIN32
  return -1;
#else
  uv_os_fd_t descriptor = -1;
  return uv_fileno(&handle_.handle, &descriptor) == 0 ? descriptor : -1;
#endif
}

void Listener::close() {
  if (closing_) return;
  closing_ = true;
  uv_close(&handle_.handle, on_closed);
}

void Listener::on_closed(uv_handle_t* handle) {
  auto* self = static_cast<Listener*>(handle->data);
  self->engine_->remove_listener(self);
}

}  // namespace ringwire
