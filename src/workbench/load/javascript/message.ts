/** JSON-RPC messages as the generator sends them: everything but the id is made once. */
import { encodeHeaderValue } from '../../../mcp/header-values.js';
import { MetaKey, modernVersions } from '../../../mcp/protocol.js';
import type { LoadEra } from '../load-plan.js';

/** A message in two parts, between which the id stands. One character for each byte. */
export interface Message {
  readonly method: string;
  readonly head: string;
  /** undefined: a notification, which is `head` alone. */
  readonly tail: string | undefined;
  /** Header fields that repeat the message, over HTTP. */
  readonly fields: Readonly<Record<string, string>>;
}

const clientInfo = { name: 'ringwire-load', version: '1.0.0' };

/** The revision that modern requests name. */
export const modernVersion = modernVersions[0];

/** What every modern request says of its sender. */
const modernMeta = {
  [MetaKey.ProtocolVersion]: modernVersion,
  [MetaKey.ClientInfo]: clientInfo,
  [MetaKey.ClientCapabilities]: {},
};

/** The parameter that `Mcp-Name` repeats. */
const namedBy: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

/** The `_meta` of a modern message, as one of its params. */
export function modernMetaOf(): { readonly _meta: Readonly<Record<string, unknown>> } {
  return { _meta: modernMeta };
}

type Params = Readonly<Record<string, unknown>>;

function bytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function fieldsOf(method: string, params: Params, era: LoadEra): Record<string, string> {
  if (era !== 'modern') return {};
  const fields: Record<string, string> = {
    'mcp-protocol-version': modernVersion,
    'mcp-method': encodeHeaderValue(method),
  };
  const name = params[namedBy[method] ?? ''];
  if (typeof name === 'string') fields['mcp-name'] = encodeHeaderValue(name);
  return fields;
}

export function requestMessage(method: string, params: Params, era: LoadEra): Message {
  const meta = params._meta as Params | undefined;
  const all = era === 'modern' ? { ...params, _meta: { ...meta, ...modernMeta } } : params;
  return {
    method,
    head: '{"jsonrpc":"2.0","id":',
    tail: bytes(`,"method":${JSON.stringify(method)},"params":${JSON.stringify(all)}}`),
    fields: fieldsOf(method, params, era),
  };
}

export function notificationMessage(method: string, params?: Params): Message {
  const rest = params === undefined ? '' : `,"params":${JSON.stringify(params)}`;
  const head = bytes(`{"jsonrpc":"2.0","method":${JSON.stringify(method)}${rest}}`);
  return { method, head, tail: undefined, fields: {} };
}

/** Takes a modern request back, where messages share a connection. */
export function cancelMessage(id: number): Message {
  return notificationMessage('notifications/cancelled', { requestId: id, ...modernMetaOf() });
}

export function initializeMessage(protocolVersion: string): Message {
  return requestMessage('initialize', { protocolVersion, capabilities: {}, clientInfo }, 'legacy');
}

/** What is sent for `id`. */
export function textOf({ head, tail }: Message, id: number): string {
  return tail === undefined ? head : `${head}${id}${tail}`;
}

/** Ids of a load have this many digits. */
const idDigits = 7;

/** Bytes of a load's request. */
export function bytesOf({ head, tail = '' }: Message): number {
  return head.length + idDigits + tail.length;
}

/** How much of a message a report shows. */
const shownBytes = 200;

/** The beginning of a message, readable and on one line. */
export function excerpt(text: string): string {
  const start = Buffer.from(text.slice(0, shownBytes), 'latin1').toString('utf8');
  const shown = start.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  if (shown === '') return 'nothing';
  return text.length > shownBytes ? `${shown}…` : shown;
}
