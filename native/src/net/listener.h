#pragma once
// A bound address that accepts connections.
#include <uv.h>

#include <cstdint>
#include <string>

#include "net/connection.h"

namespace ringwire {

class Listener {
 public:
  int32_t index() const { return index_; }
  StreamKind kind() const { return kind_; }
  uint32_t connections() const { return connections_; }
  uint64_t refused() const { return refused_; }
  const ConnectionOptions& options() const { return options_; }
  /** The bound TCP port, or 0. */
  int port() const;
  int fd() const;
  void close();

 private:
  friend class StreamEngine;
  friend class Connection;

  Listener(StreamEngine* engine, StreamKind kind, const ConnectionOptions& options, uint32_t max_connections);
  ~Listener() = default;
  static void on_connection(uv_stream_t* stream, int status);
  static void on_closed(uv_handle_t* handle);
  void accept_one();

  StreamEngine* engine_;
  ConnectionOptions options_;
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } handle_;
  uint64_t refused_ = 0;
  uint32_t max_connections_;
  uint32_t connections_ = 0;
  int32_t index_ = -1;
  StreamKind kind_;
  bool closing_ = false;
};

}  // namespace ringwire
