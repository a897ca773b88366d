/** Requests good and bad over the whole MCP endpoint, each on a connection of its own, for comparing engines. */
import { deflateSync, gzipSync } from 'node:zlib';
import { callTool, headersFor, type Message, request } from '../unit/mcp-http-support.js';
import { meta } from '../unit/mcp-support.js';

export interface Sent {
  readonly method: string;
  readonly path: string;
  /** `{{session}}` is the id of the session that a step before began. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

type Headers = Readonly<Record<string, string | undefined>>;

function sent(method: string, headers: Headers = {}, body: string | Buffer = '', path = '/mcp'): Sent {
  const all = Object.entries({ host: 'localhost', ...headers });
  return {
    method,
    path,
    headers: Object.fromEntries(all.filter((each): each is [string, string] => each[1] !== undefined)),
    body: Buffer.from(body as string),
  };
}

const post = (message: Message, more: Headers = {}): Sent =>
  sent('POST', headersFor(message, more), JSON.stringify(message));
const text = (body: string | Buffer, more: Headers = {}): Sent =>
  sent('POST', headersFor(callTool('echo'), more), body);
const get = (path: string, more: Headers = {}): Sent => sent('GET', more, '', path);
const echo = callTool('echo', { text: 'é' });
const echoText = JSON.stringify(echo);
const long = callTool('echo', { text: 'é'.repeat(20_000) });
const origin = 'http://localhost:5173';

const legacyHeaders = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
} as const;
const inSession = { ...legacyHeaders, 'mcp-session-id': '{{session}}', 'mcp-protocol-version': '2025-11-25' };
const legacy = (method: string, params: unknown = {}, more: Headers = inSession, id: unknown = 1): Sent =>
  sent('POST', more, JSON.stringify({ jsonrpc: '2.0', id, method, params }));
const told = (method: string): Sent => sent('POST', inSession, JSON.stringify({ jsonrpc: '2.0', method }));
const initialize = (version = '2025-11-25'): Sent =>
  legacy(
    'initialize',
    { protocolVersion: version, capabilities: {}, clientInfo: { name: 'old', version: '1' } },
    legacyHeaders,
  );

const modern: Record<string, Sent> = {
  'a call': post(echo),
  'a call with a text id': post({ ...echo, id: 'ü' }),
  'a structured result': post(callTool('sum', { numbers: [1, 2] })),
  'a failing tool': post(callTool('fail')),
  'an unknown tool': post(callTool('none')),
  'wrong arguments': post(callTool('echo', { text: 1 })),
  'no arguments': post(callTool('echo')),
  discover: post(request('server/discover')),
  'the tools': post(request('tools/list')),
  'the resources': post(request('resources/list')),
  'the templates': post(request('resources/templates/list')),
  'the prompts': post(request('prompts/list')),
  'a resource': post(request('resources/read', { uri: 'note://one' })),
  'bytes of a resource': post(request('resources/read', { uri: 'note://bytes' })),
  'a resource by its template': post(request('resources/read', { uri: 'note://by/ada' })),
  'an unknown resource': post(request('resources/read', { uri: 'note://none' })),
  'a prompt': post(request('prompts/get', { name: 'greet', arguments: { who: 'Ada' } })),
  'a prompt without its argument': post(request('prompts/get', { name: 'greet' })),
  'a completion': post(
    request('completion/complete', {
      ref: { type: 'ref/resource', uri: 'note://by/{name}' },
      argument: { name: 'name', value: 'a' },
    }),
  ),
  'what only older clients may ask': post(request('initialize')),
  'an unknown method': post(request('none')),
  'a notification': post({ jsonrpc: '2.0', method: 'notifications/own' }),
  'a question to the client that it cannot answer': post(callTool('ask')),
  'a question to the client': post(
    callTool('ask', undefined, { _meta: meta({ elicitation: { form: {} } }) }),
  ),
  'a call as events': post(echo, { accept: 'text/event-stream' }),
  'a call as JSON': post(echo, { accept: 'application/json' }),
  'any form': post(echo, { accept: '*/*' }),
  'no Accept': post(echo, { accept: undefined }),
};

/** Header fields that say another thing than the body (attack A4). */
export const mismatches: Record<string, Sent> = {
  'another method in the header': post(echo, { 'mcp-method': 'tools/list' }),
  'the method in capitals': post(echo, { 'mcp-method': 'TOOLS/CALL' }),
  'no method in the header': post(echo, { 'mcp-method': undefined }),
  'another name in the header': post(echo, { 'mcp-name': 'sum' }),
  'no name in the header': post(echo, { 'mcp-name': undefined }),
  'a name in base64': post(echo, { 'mcp-name': '=?base64?ZWNobw==?=' }),
  'a name in bad base64': post(echo, { 'mcp-name': '=?base64?ZWNo!bw==?=' }),
  'another version in the header': post(echo, { 'mcp-protocol-version': '2025-11-25' }),
  'no version in the header': post(echo, { 'mcp-protocol-version': undefined }),
  'an unknown version in the header': post(echo, { 'mcp-protocol-version': '2099-01-01' }),
  'an unknown version in both': post(
    callTool('echo', {}, { _meta: meta({}, { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' }) }),
    { 'mcp-protocol-version': '2099-01-01' },
  ),
  'no _meta': post(callTool('echo', {}, { _meta: undefined })),
  'an empty _meta': post(callTool('echo', {}, { _meta: {} })),
};

const malformed: Record<string, Sent> = {
  'no JSON': text('{'),
  'an empty body': text(''),
  'white space': text(' \r\n '),
  'an array': text(`[${echoText}]`),
  'an empty array': text('[]'),
  'a number': text('1'),
  'bad UTF-8': text(Buffer.from([0x7b, 0xc3, 0x28, 0x7d])),
  'a byte-order mark': text(`\ufeff${echoText}`),
  'too deep': text(`${'['.repeat(100)}${']'.repeat(100)}`),
  'a name that is there twice': text(echoText.replace('"id":1', '"id":1,"id":2')),
  'no version of JSON-RPC': text(echoText.replace('"2.0"', '"1.0"')),
  'an id that is an object': text(echoText.replace('"id":1', '"id":{}')),
  'an id that is null': text(echoText.replace('"id":1', '"id":null')),
  'parameters that are text': text('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"x"}'),
  'a reply to nothing': text('{"jsonrpc":"2.0","id":1,"result":{}}'),
  'two messages': text(`${echoText}\n${echoText}`),
};

const http: Record<string, Sent> = {
  'another type': text(echoText, { 'content-type': 'text/plain' }),
  'no type': text(echoText, { 'content-type': undefined }),
  'a charset': text(echoText, { 'content-type': 'application/json; charset=utf-8' }),
  'another answer': text(echoText, { accept: 'text/html' }),
  'a compressed body': text(gzipSync(echoText), { 'content-encoding': 'gzip' }),
  'a body that is no gzip': text(echoText, { 'content-encoding': 'gzip' }),
  'a bomb': text(gzipSync(Buffer.alloc(3_000_000, 0x20)), { 'content-encoding': 'gzip' }),
  'an unknown coding': text(echoText, { 'content-encoding': 'zstd' }),
  'two codings': text(deflateSync(gzipSync(echoText)), { 'content-encoding': 'gzip, deflate' }),
  'too long a body': text(`{${' '.repeat(300_000)}}`),
  'a long answer': post(long),
  'a long answer, gzip': post(long, { 'accept-encoding': 'gzip' }),
  'a long answer, brotli': post(long, { 'accept-encoding': 'gzip, br' }),
  'a long answer, no coding': post(long, { 'accept-encoding': 'gzip;q=0, identity' }),
  GET: get('/mcp'),
  'GET for events': get('/mcp', { accept: 'text/event-stream' }),
  HEAD: sent('HEAD'),
  PUT: sent('PUT', {}, '{}'),
  PATCH: sent('PATCH', {}, '{}'),
  DELETE: sent('DELETE'),
  OPTIONS: sent('OPTIONS'),
  PROPFIND: sent('PROPFIND'),
  'another path': get('/other'),
  'another path, HEAD': sent('HEAD', {}, '', '/other'),
  'the path with a query': { ...post(echo), path: '/mcp?a=%20b&c' },
  'the path with an escape': { ...post(echo), path: '/%6dcp' },
  'another host': post(echo, { host: 'evil.example' }),
  'a foreign page': post(echo, { origin: 'https://evil.example' }),
  'the page "null"': post(echo, { origin: 'null' }),
  'a page': post(echo, { origin }),
  'a page that is refused': text('{', { origin }),
  'a preflight': sent('OPTIONS', {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type, mcp-method, mcp-name, mcp-protocol-version',
  }),
  'a preflight of a foreign page': sent('OPTIONS', {
    origin: 'https://evil.example',
    'access-control-request-method': 'POST',
  }),
  'a preflight of another method': sent('OPTIONS', { origin, 'access-control-request-method': 'PUT' }),
  health: get('/healthz'),
  'health, HEAD': sent('HEAD', {}, '', '/healthz'),
  'health, POST': sent('POST', {}, '{}', '/healthz'),
  readiness: get('/readyz'),
  'health from another host': get('/healthz', { host: 'evil.example' }),
  'too many fields': post(echo, Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`x-${at}`, 'x']))),
  'too long a head': post(echo, { x: 'x'.repeat(9_000) }),
  'an upgrade to another protocol': post(echo, { connection: 'upgrade', upgrade: 'h2c' }),
  'an unmet expectation': post(echo, { expect: 'coffee' }),
};

/** Steps that follow one another. */
export const conversations: Record<string, readonly Sent[]> = {
  ...Object.fromEntries(
    Object.entries({ ...modern, ...mismatches, ...malformed, ...http }).map(([name, one]) => [name, [one]]),
  ),
  'a session': [
    initialize(),
    told('notifications/initialized'),
    legacy('ping'),
    legacy('tools/list'),
    legacy('tools/call', { name: 'echo', arguments: { text: 'é' } }),
    legacy('tools/call', { name: 'none' }),
    legacy('resources/read', { uri: 'note://one' }),
    legacy('none'),
    legacy('tools/list', {}, { ...inSession, accept: 'application/json' }),
    legacy('tools/list', {}, { ...inSession, 'mcp-protocol-version': '2099-01-01' }),
    legacy('tools/list', {}, { ...inSession, 'mcp-protocol-version': undefined }),
    sent('POST', inSession, '{'),
    sent('DELETE', inSession),
    legacy('ping'),
    sent('DELETE', inSession),
  ],
  'a session of the oldest version': [
    initialize('2024-11-05'),
    legacy('ping', {}, { ...inSession, 'mcp-protocol-version': undefined }),
  ],
  'a session of an unknown version': [initialize('1999-01-01')],
  'arrays in the version that has them': [
    initialize('2025-03-26'),
    sent(
      'POST',
      { ...inSession, 'mcp-protocol-version': '2025-03-26' },
      '[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"none"}]',
    ),
    sent('POST', { ...inSession, 'mcp-protocol-version': '2025-03-26' }, '[]'),
  ],
  'no session': [legacy('ping', {}, legacyHeaders)],
  'an unknown session': [
    legacy('ping', {}, { ...inSession, 'mcp-session-id': 'none' }),
    sent('GET', { accept: 'text/event-stream', 'mcp-session-id': 'none' }),
    sent('DELETE', { 'mcp-session-id': 'none' }),
  ],
};
