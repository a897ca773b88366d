/** Names and numbers of the Model Context Protocol that every file of this folder shares. */
import type { LogLevel } from '../rpc/types.js';

/** Revisions with per-request metadata and no handshake, newest first. */
export const modernVersions: readonly string[] = ['2026-07-28'];

/** Revisions that open with initialize, newest first. */
export const legacyVersions: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

/** Modern revisions say everything in each request; legacy ones open a session with initialize. */
export type Era = 'modern' | 'legacy';

/** Keys of `_meta` that the protocol defines (2026-07-28, basic, "_meta"). */
export const MetaKey = {
  ProtocolVersion: 'io.modelcontextprotocol/protocolVersion',
  ClientInfo: 'io.modelcontextprotocol/clientInfo',
  ClientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  LogLevel: 'io.modelcontextprotocol/logLevel',
  SubscriptionId: 'io.modelcontextprotocol/subscriptionId',
  ServerInfo: 'io.modelcontextprotocol/serverInfo',
} as const;

/** Severities of RFC 5424, least severe first: the index is the rank. */
export const logLevels: readonly LogLevel[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
];

export function isLogLevel(value: unknown): value is LogLevel {
  return (logLevels as readonly unknown[]).includes(value);
}

/** -32002 of 2025-11-25 and earlier: no such resource. Modern servers answer -32602. */
export const legacyResourceNotFound = -32002;

/** Items of one list page. Large enough that ordinary servers answer in one page, small enough for any frame limit. */
export const listPageItems = 250;

/** completion/complete never returns more values than this (schema of CompleteResult). */
export const maxCompletionValues = 100;

/** Input rounds a client serves for one call before it gives up on a server that keeps asking. */
export const maxInputRounds = 16;

/** A requestState is refused after this; a person needs minutes to fill in a form, an attacker gets no more. */
export const requestStateTtlMs = 10 * 60_000;

/** Least time between two progress notifications of one call; the last value before the result is always kept. */
export const progressIntervalMs = 50;

/** Time the client waits for an answer to its server/discover probe before it takes the server for a legacy one. */
export const probeTimeoutMs = 5_000;

/** Levels of nesting and number of subschemas a tool's schema may have; both bound what a validation can cost. */
export const maxSchemaDepth = 32;
export const maxSubschemas = 2_000;

/** Resource URIs one subscription (or one legacy session) may watch; each costs memory for as long as it is open. */
export const maxSubscribedUris = 1_024;

/** Open subscriptions/listen requests per connection. */
export const maxSubscriptions = 64;
