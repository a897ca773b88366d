/**
 * ringwire: a native-accelerated transport engine for JSON-RPC 2.0 and the Model Context Protocol. What is exported
 * here, by name, is the public API; everything else may change without notice.
 */
export type { TcpInfo } from './binding/native.js';
export type { RingDescriptors } from './buffers/mapped-memory.js';
export { RingBuffer, type RingBufferOptions, type RingRole } from './buffers/ring-buffer.js';
export type { RingBufferKind } from './buffers/ring-memory.js';
export {
  type AuthChallenge,
  type ErrorCode,
  errorKinds,
  HttpError,
  RingwireError,
  RpcError,
  RpcErrorCode,
} from './errors.js';
export {
  type CallToolResult,
  type ChangeEvent,
  type ConnectOptions,
  type ContentBlock,
  clientTransport,
  connect,
  createServer,
  type Era,
  type EventStore,
  type InputHandlers,
  type InputOptions,
  InputRequired,
  inputRequired,
  type JsonSchema,
  type LmdbEventStoreOptions,
  lmdbEventStore,
  McpClient,
  type McpContext,
  type McpHttpOptions,
  McpServer,
  type MemoryEventStoreOptions,
  memoryEventStore,
  type PromptOptions,
  type ReadReturn,
  type ResourceOptions,
  type ResourceTemplateOptions,
  type Schema,
  type SdkClientTransport,
  type SdkServer,
  type SdkServerFactory,
  type SdkService,
  type ServerOptions,
  type ServeSdkOptions,
  Subscription,
  serveSdk,
  type Target,
  type ToolHandler,
  type ToolOptions,
  type ToolReturn,
} from './mcp/index.js';
export { type ConnectRpcOptions, connectRpc, RpcClient } from './rpc/client.js';
export { Dispatcher } from './rpc/dispatcher.js';
export { Peer } from './rpc/peer.js';
export type { CloseOptions, PeerCounters, PeerOptions } from './rpc/peer-options.js';
export { createRpcServer, RpcServer, type RpcServerOptions } from './rpc/server.js';
export type {
  AuthInfo,
  Call,
  CallContext,
  Connection,
  Handler,
  IdText,
  Interceptor,
  LogLevel,
  RequestOptions,
  TraceContext,
} from './rpc/types.js';
export type { Encoding } from './serialization/codec.js';
export type { ChildCommand } from './transports/endpoint.js';
export type { HeaderFields, HttpClientOptions } from './transports/http/client/client-options.js';
export type { FetchHandler, NodeHandler } from './transports/http/handlers.js';
export type {
  CompressionOptions,
  CorsOptions,
  HealthOptions,
  HttpOptions,
  HttpRefusal,
  ProtectedResourceOptions,
  WebSocketOptions,
} from './transports/http/http-options.js';
export type {
  ClientCertificate,
  HeaderList,
  HttpCounters,
  HttpListener,
  HttpPrincipal,
  HttpRequestHead,
  PemSource,
  TlsOptions,
} from './transports/http/http-server.js';
export { connectTransport, listenTransport } from './transports/open.js';
export type {
  Framing,
  Implementation,
  Listener,
  PeerInfo,
  SendResult,
  SocketOptions,
  Transport,
  TransportHandlers,
  TransportKind,
  TransportOptions,
  TuningProfile,
} from './transports/transport.js';
export { tuningProfiles } from './transports/tuning.js';
