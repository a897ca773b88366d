/** MCP servers and clients: the package's `./mcp` export. */
export { type CompletionRef, connect, McpClient } from './client.js';
export type { ConnectOptions, InputHandlers, LogMessage, Target } from './client-options.js';
export { type ChangeEvent, Subscription } from './client-subscription.js';
export type { InputOptions, McpContext } from './context.js';
export type { LegacySseOptions, McpHttpOptions } from './http/http-server-options.js';
export type { EventStore, StoredEvent } from './http/legacy/event-store.js';
export { type LmdbEventStoreOptions, lmdbEventStore } from './http/legacy/lmdb.js';
export { type MemoryEventStoreOptions, memoryEventStore } from './http/legacy/memory-event-store.js';
export type { FromJsonSchema, InferSchema, JsonSchema, Schema } from './infer.js';
export { InputRequired, InputRequiredSignal, type InputResponseOf, inputRequired } from './input.js';
export type {
  Completer,
  PromptArgumentOptions,
  PromptHandler,
  PromptOptions,
  PromptReturn,
} from './prompt.js';
export { type Era, legacyVersions, MetaKey, modernVersions } from './protocol.js';
export type {
  ReadReturn,
  ResourceOptions,
  ResourceReader,
  ResourceTemplateOptions,
  TemplateReader,
} from './resource.js';
export { clientTransport, type SdkClientTransport } from './sdk-adapters/client-transport.js';
export type {
  SdkServer,
  SdkServerContext,
  SdkServerFactory,
  SdkTransport,
} from './sdk-adapters/sdk-types.js';
export { type SdkService, type ServeSdkOptions, serveSdk } from './sdk-adapters/serve-sdk.js';
export { createServer, McpServer } from './server.js';
export type { ServerOptions } from './server-options.js';
export type { ToolEntry, ToolHandler, ToolOptions, ToolReturn } from './tool.js';
export type {
  Annotations,
  AudioContent,
  CacheHints,
  CacheScope,
  CallToolResult,
  ClientCapabilities,
  CompleteResult,
  ContentBlock,
  CreateMessageParams,
  CreateMessageResult,
  DiscoverResult,
  ElicitFormParams,
  ElicitParams,
  ElicitResult,
  ElicitUrlParams,
  EmbeddedResource,
  GetPromptResult,
  Icon,
  ImageContent,
  Implementation,
  InputRequest,
  InputRequests,
  InputRequiredResult,
  InputResponses,
  Prompt,
  PromptArgument,
  PromptMessage,
  ReadResourceResult,
  Resource,
  ResourceContents,
  ResourceLink,
  ResourceTemplate,
  Root,
  SamplingMessage,
  ServerCapabilities,
  SubscriptionFilter,
  TextContent,
  Tool,
  ToolAnnotations,
} from './types.js';
export { UriTemplate, type UriVariables } from './uri-template.js';
