/** Data types of the Model Context Protocol, after schema/2026-07-28/schema.ts of the specification. */

export type JsonObject = Record<string, unknown>;
export type MetaObject = Record<string, unknown>;

export interface Icon {
  readonly src: string;
  readonly mimeType?: string;
  readonly sizes?: readonly string[];
  readonly theme?: 'light' | 'dark';
}

/** Who a client or server says it is. Self-reported: for display and logs, never for decisions. */
export interface Implementation {
  readonly name: string;
  readonly version: string;
  readonly title?: string;
  readonly description?: string;
  readonly websiteUrl?: string;
  readonly icons?: readonly Icon[];
}

export interface ClientCapabilities {
  readonly experimental?: Readonly<Record<string, JsonObject>>;
  readonly roots?: JsonObject;
  readonly sampling?: { readonly context?: JsonObject; readonly tools?: JsonObject };
  readonly elicitation?: { readonly form?: JsonObject; readonly url?: JsonObject };
  readonly extensions?: Readonly<Record<string, JsonObject>>;
}

export interface ServerCapabilities {
  readonly experimental?: Readonly<Record<string, JsonObject>>;
  readonly logging?: JsonObject;
  readonly completions?: JsonObject;
  readonly prompts?: { readonly listChanged?: boolean };
  readonly resources?: { readonly subscribe?: boolean; readonly listChanged?: boolean };
  readonly tools?: { readonly listChanged?: boolean };
  readonly extensions?: Readonly<Record<string, JsonObject>>;
}

export interface Annotations {
  readonly audience?: readonly ('user' | 'assistant')[];
  readonly priority?: number;
  readonly lastModified?: string;
}

export interface TextContent {
  readonly type: 'text';
  readonly text: string;
  readonly annotations?: Annotations;
  readonly _meta?: MetaObject;
}

export interface ImageContent {
  readonly type: 'image';
  /** Base64. */
  readonly data: string;
  readonly mimeType: string;
  readonly annotations?: Annotations;
  readonly _meta?: MetaObject;
}

export interface AudioContent {
  readonly type: 'audio';
  /** Base64. */
  readonly data: string;
  readonly mimeType: string;
  readonly annotations?: Annotations;
  readonly _meta?: MetaObject;
}

export interface ResourceLink extends Resource {
  readonly type: 'resource_link';
}

export interface EmbeddedResource {
  readonly type: 'resource';
  readonly resource: ResourceContents;
  readonly annotations?: Annotations;
  readonly _meta?: MetaObject;
}

export type ContentBlock = TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource;

/** One piece of a read resource: text, or blob as base64. */
export interface ResourceContents {
  readonly uri: string;
  readonly mimeType?: string;
  readonly text?: string;
  readonly blob?: string;
  readonly _meta?: MetaObject;
}

export interface ToolAnnotations {
  readonly title?: string;
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

/** A tool as tools/list shows it. */
export interface Tool {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly inputSchema: JsonObject;
  readonly outputSchema?: JsonObject;
  readonly annotations?: ToolAnnotations;
  readonly icons?: readonly Icon[];
  readonly _meta?: MetaObject;
}

export interface Resource {
  readonly uri: string;
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
  readonly size?: number;
  readonly annotations?: Annotations;
  readonly icons?: readonly Icon[];
  readonly _meta?: MetaObject;
}

export interface ResourceTemplate {
  readonly uriTemplate: string;
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
  readonly annotations?: Annotations;
  readonly icons?: readonly Icon[];
  readonly _meta?: MetaObject;
}

export interface PromptArgument {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly required?: boolean;
}

export interface Prompt {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly arguments?: readonly PromptArgument[];
  readonly icons?: readonly Icon[];
  readonly _meta?: MetaObject;
}

export interface PromptMessage {
  readonly role: 'user' | 'assistant';
  readonly content: ContentBlock;
}

/** What every result may carry beside its own fields. */
export interface ResultBase {
  readonly resultType?: string;
  readonly _meta?: MetaObject;
}

export type CacheScope = 'public' | 'private';

/** How long, and by whom, a result may be kept. */
export interface CacheHints {
  /** Milliseconds, at least 0. */
  readonly ttlMs?: number;
  readonly cacheScope?: CacheScope;
}

export interface CallToolResult extends ResultBase {
  readonly content: readonly ContentBlock[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
}

export interface ReadResourceResult extends ResultBase, CacheHints {
  readonly contents: readonly ResourceContents[];
}

export interface GetPromptResult extends ResultBase {
  readonly description?: string;
  readonly messages: readonly PromptMessage[];
}

export interface CompleteResult extends ResultBase {
  readonly completion: {
    readonly values: readonly string[];
    readonly total?: number;
    readonly hasMore?: boolean;
  };
}

export interface DiscoverResult extends ResultBase, CacheHints {
  readonly supportedVersions: readonly string[];
  readonly capabilities: ServerCapabilities;
  readonly instructions?: string;
}

export interface InitializeResult extends ResultBase {
  readonly protocolVersion: string;
  readonly capabilities: ServerCapabilities;
  readonly serverInfo: Implementation;
  readonly instructions?: string;
}

/** What a client asks for with subscriptions/listen; a field left out is not subscribed to. */
export interface SubscriptionFilter {
  readonly toolsListChanged?: boolean;
  readonly promptsListChanged?: boolean;
  readonly resourcesListChanged?: boolean;
  readonly resourceSubscriptions?: readonly string[];
}

export interface ElicitFormParams {
  readonly mode?: 'form';
  readonly message: string;
  /** An object schema of primitive properties only. */
  readonly requestedSchema: JsonObject;
}

export interface ElicitUrlParams {
  readonly mode: 'url';
  readonly message: string;
  readonly url: string;
  /** 2025-11-25 only: names the elicitation in notifications/elicitation/complete. */
  readonly elicitationId?: string;
}

export type ElicitParams = ElicitFormParams | ElicitUrlParams;

export interface ElicitResult {
  readonly action: 'accept' | 'decline' | 'cancel';
  readonly content?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  readonly _meta?: MetaObject;
}

export interface SamplingMessage {
  readonly role: 'user' | 'assistant';
  readonly content: JsonObject | readonly JsonObject[];
  readonly _meta?: MetaObject;
}

export interface CreateMessageParams {
  readonly messages: readonly SamplingMessage[];
  readonly maxTokens: number;
  readonly modelPreferences?: JsonObject;
  readonly systemPrompt?: string;
  readonly includeContext?: 'none' | 'thisServer' | 'allServers';
  readonly temperature?: number;
  readonly stopSequences?: readonly string[];
  readonly metadata?: JsonObject;
  readonly tools?: readonly Tool[];
  readonly toolChoice?: { readonly mode?: 'auto' | 'required' | 'none' };
}

export interface CreateMessageResult extends SamplingMessage {
  readonly model: string;
  readonly stopReason?: string;
}

export interface Root {
  readonly uri: string;
  readonly name?: string;
  readonly _meta?: MetaObject;
}

export interface ListRootsResult {
  readonly roots: readonly Root[];
}

/** A request of the server to the client, in a result of type input_required or, for legacy peers, on its own. */
export type InputRequest =
  | { readonly method: 'elicitation/create'; readonly params: ElicitParams }
  | { readonly method: 'sampling/createMessage'; readonly params: CreateMessageParams }
  | { readonly method: 'roots/list'; readonly params?: { readonly _meta?: MetaObject } };

export type InputRequests = Readonly<Record<string, InputRequest>>;
export type InputResponses = Readonly<Record<string, unknown>>;

export interface InputRequiredResult extends ResultBase {
  readonly resultType: 'input_required';
  readonly inputRequests?: InputRequests;
  readonly requestState?: string;
}

export interface Page {
  readonly nextCursor?: string;
}

export interface ListToolsResult extends ResultBase, Page, CacheHints {
  readonly tools: readonly Tool[];
}
export interface ListResourcesResult extends ResultBase, Page, CacheHints {
  readonly resources: readonly Resource[];
}
export interface ListResourceTemplatesResult extends ResultBase, Page, CacheHints {
  readonly resourceTemplates: readonly ResourceTemplate[];
}
export interface ListPromptsResult extends ResultBase, Page, CacheHints {
  readonly prompts: readonly Prompt[];
}
