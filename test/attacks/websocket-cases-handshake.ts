/** Requests to become a WebSocket, right and wrong (RFC 6455, section 4.2.1). */
import { type HandshakeParts, sampleKey } from './websocket-raw.js';

export interface HandshakeVerdict {
  readonly status: number;
  /** Fields of the answer: their values, or null where they must be absent. */
  readonly fields?: Readonly<Record<string, string | null>>;
}

export interface HandshakeCase extends HandshakeVerdict {
  readonly name: string;
  readonly parts: HandshakeParts;
  /** Where an engine does otherwise, and why it may. */
  readonly onUws?: { readonly verdict: HandshakeVerdict; readonly because: string };
  readonly onNode?: { readonly verdict: HandshakeVerdict; readonly because: string };
}

/** RFC 6455, section 1.3, computed from the key of the handshake. */
const accepted = { 'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' };

type Fields = NonNullable<HandshakeParts['fields']>;

function opens(name: string, fields: Fields, answered: HandshakeVerdict['fields'] = {}): HandshakeCase {
  return { name, parts: { fields }, status: 101, fields: { ...accepted, ...answered } };
}

function refuses(name: string, status: number, fields: Fields): HandshakeCase {
  return { name, parts: { fields }, status };
}

const noProtocol = { 'sec-websocket-protocol': null };
const noExtension = { 'sec-websocket-extensions': null };

const good: readonly HandshakeCase[] = [
  opens('a plain one', {}, { ...noProtocol, ...noExtension }),
  opens('names in any case', { Upgrade: 'WebSocket', Connection: 'upgrade' }),
  opens('names in capitals', { Upgrade: 'WEBSOCKET', Connection: 'UPGRADE' }),
  opens('several tokens of Connection', { Connection: 'keep-alive, Upgrade' }),
  opens('several tokens of Connection without spaces', { Connection: 'Upgrade,keep-alive' }),
  opens('an Origin of the loopback', { Origin: 'http://127.0.0.1:3000' }),
  opens('a Host that is localhost', { Host: 'localhost' }),
  opens('a Host with a port', { Host: '127.0.0.1:1234' }),
  { name: 'a query', parts: { line: 'GET /rpc?a=1&b HTTP/1.1' }, status: 101, fields: accepted },
  opens(
    'a sub-protocol that is served',
    { 'Sec-WebSocket-Protocol': 'jsonrpc' },
    { 'sec-websocket-protocol': 'jsonrpc' },
  ),
  opens(
    'a sub-protocol that is served among others',
    { 'Sec-WebSocket-Protocol': 'soap, mcp, jsonrpc-2.0' },
    { 'sec-websocket-protocol': 'jsonrpc-2.0' },
  ),
  opens('a sub-protocol that nobody knows', { 'Sec-WebSocket-Protocol': 'chat, superchat' }, noProtocol),
  opens('an extension that is off', { 'Sec-WebSocket-Extensions': 'permessage-deflate' }, noExtension),
  opens(
    'an extension that nobody knows',
    { 'Sec-WebSocket-Extensions': 'x-webkit-deflate-frame, foo; a=1' },
    noExtension,
  ),
];

const notAsked = {
  verdict: { status: 405 },
  because: 'uWebSockets.js takes a request without a key of 24 characters for one that asks for no WebSocket',
};

const badKeys: readonly HandshakeCase[] = [
  ['no key', undefined],
  ['an empty key', ''],
  ['a short key', 'dGhlIHNhbXBsZQ=='],
  ['a long key', 'dGhlIHNhbXBsZSBub25jZTEyMzQ1Njc4OTA='],
  ['a key of 24 characters that are no base64', '!!!!!!!!!!!!!!!!!!!!!!!!'],
  ['a key without padding', 'dGhlIHNhbXBsZSBub25jZQ'],
  ['two keys in one field', `${sampleKey}, ${sampleKey}`],
].map(
  ([name, key]): HandshakeCase => ({
    ...refuses(String(name), 400, { 'Sec-WebSocket-Key': key }),
    ...(key?.length === 24 ? {} : { onUws: notAsked }),
  }),
);

const bad: readonly HandshakeCase[] = [
  ...badKeys,
  ...['8', '12', '14', '0', '013', '13.0', 'x', ''].map((version) =>
    refuses(`version "${version}"`, 426, { 'Sec-WebSocket-Version': version }),
  ),
  refuses('no version', 426, { 'Sec-WebSocket-Version': undefined }),
  refuses('no Connection', 405, { Connection: undefined }),
  refuses('a Connection without Upgrade', 405, { Connection: 'keep-alive' }),
  refuses('no Upgrade', 405, { Upgrade: undefined }),
  refuses('another Upgrade', 405, { Upgrade: 'h2c' }),
  { name: 'POST', parts: { line: 'POST /rpc HTTP/1.1', fields: { 'Content-Length': '0' } }, status: 415 },
  {
    name: 'HTTP/1.0',
    parts: { line: 'GET /rpc HTTP/1.0' },
    status: 400,
    onUws: { verdict: { status: 505 }, because: 'uWebSockets.js reads no HTTP/1.0' },
  },
  {
    name: 'a body of a known length',
    parts: { fields: { 'Content-Length': '4' } },
    status: 400,
  },
  { name: 'a body in chunks', parts: { fields: { 'Transfer-Encoding': 'chunked' } }, status: 400 },
  refuses('a foreign Origin', 403, { Origin: 'https://evil.example' }),
  refuses('the Origin null', 403, { Origin: 'null' }),
  refuses('a foreign Host', 403, { Host: 'evil.example' }),
  refuses('a foreign Host and its Origin', 403, { Host: 'evil.example', Origin: 'http://evil.example' }),
  refuses('a Host that begins like the loopback', 403, { Host: '127.0.0.1.evil.example' }),
  { name: 'another path', parts: { line: 'GET /other HTTP/1.1' }, status: 404 },
  { name: 'the path with a slash', parts: { line: 'GET /rpc/ HTTP/1.1' }, status: 404 },
];

const duplicates: readonly HandshakeCase[] = [
  { name: 'two keys', parts: { more: `Sec-WebSocket-Key: ${sampleKey}\r\n` }, status: 400 },
  { name: 'two versions', parts: { more: 'Sec-WebSocket-Version: 8\r\n' }, status: 426 },
  {
    name: 'sub-protocols in two fields',
    parts: { more: 'Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: jsonrpc\r\n' },
    status: 101,
    fields: { 'sec-websocket-protocol': 'jsonrpc' },
  },
  {
    name: 'a sub-protocol twice',
    parts: { fields: { 'Sec-WebSocket-Protocol': 'chat, chat' } },
    status: 400,
  },
  {
    name: 'a sub-protocol that is no token',
    parts: { fields: { 'Sec-WebSocket-Protocol': 'a b' } },
    status: 400,
  },
  {
    name: 'an empty sub-protocol',
    parts: { fields: { 'Sec-WebSocket-Protocol': 'chat,,jsonrpc' } },
    status: 400,
  },
  {
    name: 'an empty list of sub-protocols',
    parts: { fields: { 'Sec-WebSocket-Protocol': '' } },
    status: 101,
    fields: noProtocol,
  },
];

export const handshakeCases = [...good, ...bad, ...duplicates];
