/** What a modern request's head must say, and what is answered where it does not (2026-07-28, streamable-http). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RingwireError } from '../../src/errors.js';
import { trimHeaderValue } from '../../src/mcp/header-values.js';
import { createServer } from '../../src/mcp/index.js';
import { send, sendUnreadable, type TestExchange } from './http-support.js';
import {
  callTool,
  headersFor,
  type Message,
  request,
  serveHttp,
  type TestServer,
  version,
} from './mcp-http-support.js';
import { meta } from './mcp-support.js';

const schema = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    count: { type: 'integer', 'x-mcp-header': 'Count' },
    dry: { type: 'boolean', 'x-mcp-header': 'Dry-Run' },
    inner: { type: 'object', properties: { deep: { type: 'string', 'x-mcp-header': 'Deep' } } },
  },
} as const;

let http: TestServer;
let modernOnly: TestServer;
let legacyOnly: TestServer;

function build(protocolVersions?: readonly string[]) {
  return createServer({ name: 'headers', version: '1', protocolVersions })
    .tool('echo', (args) => JSON.stringify(args))
    .tool('sql', { inputSchema: schema }, (args) => JSON.stringify(args))
    .resource('file:///a b/é', { name: 'a' }, 'text')
    .prompt('greet', {}, () => 'hi');
}

beforeAll(async () => {
  http = await serveHttp(build());
  modernOnly = await serveHttp(build([version]));
  legacyOnly = await serveHttp(build(['2025-11-25']));
});
afterAll(async () => {
  await Promise.all([http.close(), modernOnly.close(), legacyOnly.close()]);
});

/** Status, code and message of a refusal; the id must be the request's. */
function refused(exchange: TestExchange, id: unknown = 1) {
  const { error, ...rest } = exchange.json as { error: { code: number; message: string; data?: unknown } };
  expect(rest).toEqual({ jsonrpc: '2.0', id });
  expect(exchange.head['content-type']).toBe('application/json');
  return [exchange.status, error.code, error.message] as const;
}

function sentinel(value: string | Buffer): string {
  return `=?base64?${Buffer.from(value).toString('base64')}?=`;
}

describe('required headers', () => {
  const echo = callTool('echo', { a: 1 });

  it.each([
    ['mcp-protocol-version', echo, /MCP-Protocol-Version header is missing/],
    ['mcp-method', echo, /Mcp-Method header is missing; the body's method is "tools\/call"/],
    ['mcp-method', request('tools/list'), /Mcp-Method header is missing/],
    ['mcp-name', echo, /Mcp-Name header is missing; the body has "echo" at params.name/],
    ['mcp-name', request('prompts/get', { name: 'greet' }), /Mcp-Name header is missing/],
    ['mcp-name', request('resources/read', { uri: 'file:///x' }), /"file:\/\/\/x" at params.uri/],
  ])('refuses a request without %s', (header, message: Message, problem) => {
    const exchange = http.post(message, { 'mcp-name': 'x', ...headersFor(message), [header]: undefined });
    const [status, code, text] = refused(exchange);
    expect([status, code]).toEqual([400, -32020]);
    expect(text).toMatch(problem);
  });

  it.each([
    [{ 'mcp-protocol-version': '2025-11-25' }, '"2025-11-25" does not match body value "2026-07-28"'],
    [{ 'mcp-method': 'tools/list' }, 'Mcp-Method header value "tools/list" does not match'],
    [{ 'mcp-method': 'TOOLS/CALL' }, 'Mcp-Method header value "TOOLS/CALL" does not match'],
    [{ 'mcp-name': 'foo' }, 'Mcp-Name header value "foo" does not match body value "echo"'],
    [{ 'mcp-name': 'Echo' }, 'Mcp-Name header value "Echo" does not match body value "echo"'],
    [{ 'mcp-name': 'echo\u00e9' }, 'holds characters a header may not hold'],
    [{ 'mcp-name': '=?base64?ZWNobw?=' }, 'no Base64 of UTF-8 text'],
    [{ 'mcp-name': '=?base64?ZW!!Nobw==?=' }, 'no Base64 of UTF-8 text'],
    [{ 'mcp-name': sentinel(Buffer.from([0xff])) }, 'no Base64 of UTF-8 text'],
    [{ 'mcp-name': '=?BASE64?ZWNobw==?=' }, 'does not match'],
    [{ 'mcp-name': '=?base64?ZWNobw==' }, 'does not match'],
  ])('refuses %o', (headers, problem) => {
    const [status, code, text] = refused(http.post(echo, headers));
    expect([status, code]).toEqual([400, -32020]);
    expect(text).toContain(problem);
  });

  it.each([
    ['echo', '  echo\t'],
    ['echo', sentinel('echo')],
  ])('takes the name %j as %j', (name, header) => {
    expect(http.post(callTool(name, {}), { 'mcp-name': header }).status).toBe(200);
  });

  it('takes names that only Base64 can carry', () => {
    const uri = 'file:///a b/é';
    const message = request('resources/read', { uri });
    expect(http.post(message, { 'mcp-name': sentinel(uri) }).json.result).toMatchObject({
      resultType: 'complete',
    });
    expect(refused(http.post(message, { 'mcp-name': Buffer.from(uri).toString('latin1') }))[1]).toBe(-32020);
  });

  it('decodes a value that looks encoded', () => {
    const name = '=?base64?aGk=?=';
    const message = request('prompts/get', { name });
    // Encoded it is this name (which is unknown); plain it would be the name "hi".
    expect(http.post(message, { 'mcp-name': sentinel(name) }).json.error).toMatchObject({ code: -32602 });
    expect(refused(http.post(message, { 'mcp-name': name }))[1]).toBe(-32020);
  });

  it('trims the white space around a value in one pass, however much stands inside', () => {
    const inside = `a${' '.repeat(250_000)}b`;
    expect(trimHeaderValue(` \t${inside}\t `)).toBe(inside);
    expect(trimHeaderValue(' \t ')).toBe('');
  });

  it('asks no Mcp-Name of other methods, and ignores one', () => {
    expect(http.post(request('tools/list')).status).toBe(200);
    expect(http.post(request('tools/list'), { 'mcp-name': 'x' }).status).toBe(200);
  });

  it('compares with the uri of a read that also has a name', () => {
    const uri = 'file:///x';
    const message = request('resources/read', { name: 'y', uri });
    expect(http.post(message, { 'mcp-name': uri }).json.error).toMatchObject({ code: -32602, data: { uri } });
    expect(refused(http.post(message, { 'mcp-name': 'y' }))[1]).toBe(-32020);
  });

  it('lets the method say that it needs a name where neither has one', () => {
    const exchange = http.post(request('tools/call'));
    expect([exchange.status, exchange.json.error]).toMatchObject([200, { code: -32602 }]);
    expect(refused(http.post(request('tools/call'), { 'mcp-name': 'echo' }))[1]).toBe(-32020);
  });

  it('ignores sessions and event ids of older clients', () => {
    const exchange = http.post(echo, { 'mcp-session-id': 'x', 'last-event-id': '7' });
    expect([exchange.status, exchange.head['mcp-session-id']]).toEqual([200, undefined]);
  });
});

describe('_meta', () => {
  const withMeta = (_meta: unknown) => request('server/discover', { _meta });

  it.each([
    ['none', { jsonrpc: '2.0', id: 1, method: 'server/discover' } as Message],
    ['no _meta', request('server/discover', { _meta: undefined })],
    ['a _meta that is no object', withMeta('x')],
    ['no version', withMeta({ 'io.modelcontextprotocol/clientCapabilities': {} })],
    ['a version that is no string', withMeta(meta({}, { 'io.modelcontextprotocol/protocolVersion': 1 }))],
    ['no capabilities', withMeta({ 'io.modelcontextprotocol/protocolVersion': version })],
    ['capabilities that are no object', withMeta(meta([] as never))],
    ['a log level that is none', withMeta(meta({}, { 'io.modelcontextprotocol/logLevel': 'loud' }))],
  ])('is refused with 400 and -32602: %s', (_, message) => {
    expect(refused(http.post(message)).slice(0, 2)).toEqual([400, -32602]);
  });

  it('need not name the client', () => {
    const { 'io.modelcontextprotocol/clientInfo': _, ...rest } = meta();
    expect(http.post(withMeta(rest)).status).toBe(200);
  });

  it('counts before the headers do', () => {
    const message = withMeta({ 'io.modelcontextprotocol/clientCapabilities': {} });
    expect(refused(http.post(message, { 'mcp-method': undefined })).slice(0, 2)).toEqual([400, -32602]);
  });

  it.each(['v999', '2027-01-01'])('names an unknown revision: %s', (unknown) => {
    const message = withMeta(meta({}, { 'io.modelcontextprotocol/protocolVersion': unknown }));
    const exchange = http.post(message, { 'mcp-protocol-version': unknown });
    expect(refused(exchange).slice(0, 2)).toEqual([400, -32022]);
    expect(exchange.json.error).toMatchObject({ data: { supported: [version], requested: unknown } });
    // A header that says something else is the earlier mistake.
    expect(refused(http.post(message))[1]).toBe(-32020);
  });
});

describe('Mcp-Param headers', () => {
  const call = (args: unknown) => callTool('sql', args);

  it.each([
    [{ region: 'us' }, { 'mcp-param-region': 'us' }],
    [{ region: 'us' }, { 'MCP-PARAM-REGION': '\tus ' }],
    [{ region: 'Grüße, 世界' }, { 'mcp-param-region': sentinel('Grüße, 世界') }],
    [{ region: ' padded ' }, { 'mcp-param-region': sentinel(' padded ') }],
    [{ region: 'a\nb' }, { 'mcp-param-region': sentinel('a\nb') }],
    [{ region: 'SGVsbG8=' }, { 'mcp-param-region': 'SGVsbG8=' }],
    [{ region: '=?base64?SGVsbG8=' }, { 'mcp-param-region': '=?base64?SGVsbG8=' }],
    [{ count: 42 }, { 'mcp-param-count': '42' }],
    [{ count: 42 }, { 'mcp-param-count': '42.0' }],
    [{ count: -7 }, { 'mcp-param-count': '-7' }],
    [{ count: 1000 }, { 'mcp-param-count': '1e3' }],
    [{ dry: true }, { 'mcp-param-dry-run': 'true' }],
    [{ inner: { deep: 'x' } }, { 'mcp-param-deep': 'x' }],
    [{ region: null }, {}],
    [{}, {}],
    [{ other: 'x' }, { 'mcp-param-other': 'y' }],
  ])('agree: %o and %o', (args, headers) => {
    expect(http.post(call(args), headers).status).toBe(200);
  });

  it.each([
    [{ region: 'us' }, {}, 'the mcp-param-region header is missing; the body has "us" at region'],
    [{ region: 'us' }, { 'mcp-param-region': 'eu' }, '"eu" does not match body value "us"'],
    [{ region: 'us' }, { 'mcp-param-region': 'US' }, '"US" does not match'],
    [{}, { 'mcp-param-region': 'us' }, 'the body has nothing at region'],
    [{ region: null }, { 'mcp-param-region': 'us' }, 'the body has nothing at region'],
    [{ region: 'us' }, { 'mcp-param-region': '=?base64?SGVsbG8?=' }, 'no Base64'],
    [{ region: 'us' }, { 'mcp-param-region': '=?base64?SGVs!!!bG8=?=' }, 'no Base64'],
    [{ region: 'é' }, { 'mcp-param-region': 'é' }, 'characters a header may not hold'],
    [{ count: 42 }, { 'mcp-param-count': '43' }, 'does not match'],
    [{ count: 42 }, { 'mcp-param-count': '0x2a' }, 'does not match'],
    [{ count: 42 }, { 'mcp-param-count': '' }, 'does not match'],
    [{ count: 2 ** 53 }, { 'mcp-param-count': '9007199254740992' }, 'does not match'],
    [{ dry: true }, { 'mcp-param-dry-run': 'True' }, 'does not match'],
    [{ dry: false }, { 'mcp-param-dry-run': '' }, 'does not match'],
    [{ inner: { deep: 'x' } }, { 'mcp-param-deep': 'y' }, 'does not match'],
    [{ inner: { deep: 'x' } }, {}, 'the body has "x" at inner.deep'],
    [{ region: { a: 1 } }, { 'mcp-param-region': '[object Object]' }, 'does not match'],
  ])('disagree: %o and %o', (args, headers, problem) => {
    const [status, code, text] = refused(http.post(call(args), headers));
    expect([status, code]).toEqual([400, -32020]);
    expect(text).toContain(problem);
  });

  it('are read for a tool that Mcp-Name names encoded', () => {
    const headers = { 'mcp-name': sentinel('sql'), 'mcp-param-region': 'us' };
    expect(http.post(call({ region: 'us' }), headers).status).toBe(200);
  });

  it.each([
    ['a name that is no token', { type: 'string', 'x-mcp-header': 'a b' }],
    ['an empty name', { type: 'string', 'x-mcp-header': '' }],
    ['a number', { type: 'number', 'x-mcp-header': 'A' }],
    ['no type', { 'x-mcp-header': 'A' }],
    ['an array', { type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } }],
    ['a choice', { anyOf: [{ type: 'string', 'x-mcp-header': 'A' }] }],
    ['a definition', { $ref: '#/$defs/x', $defs: { x: { type: 'string', 'x-mcp-header': 'A' } } }],
    ['a name taken', { type: 'object', properties: { b: { type: 'string', 'x-mcp-header': 'other' } } }],
  ])('are refused at registration: %s', (_, property) => {
    const inputSchema = {
      type: 'object',
      properties: { a: property, other: { type: 'string', 'x-mcp-header': 'OTHER' } },
    } as const;
    expect(() => createServer({ name: 'x', version: '1' }).tool('t', { inputSchema }, () => '')).toThrow(
      expect.objectContaining({ code: 'SCHEMA_INVALID', message: expect.stringContaining('x-mcp-header') }),
    );
  });

  it('may be a property of that name', () => {
    const inputSchema = { type: 'object', properties: { 'x-mcp-header': { type: 'string' } } } as const;
    expect(() =>
      createServer({ name: 'x', version: '1' }).tool('t', { inputSchema }, () => ''),
    ).not.toThrow();
  });
});

describe('bodies and media types', () => {
  const echo = callTool('echo', { a: 1 });

  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;x=y'])(
    'takes the content type %s',
    (type) => expect(http.post(echo, { 'content-type': type }).status).toBe(200),
  );

  it.each(['text/plain', undefined, 'application/json-rpc', 'text/json'])('refuses %s with 415', (type) => {
    expect(refused(http.post(echo, { 'content-type': type }), null).slice(0, 2)).toEqual([415, -32600]);
  });

  it.each([
    undefined,
    '*/*',
    'application/*',
    'application/json',
    'text/html, */*;q=0.1',
    'application/json;q=0.5',
  ])('answers JSON where Accept is %s', (accept) => {
    const exchange = http.post(echo, { accept });
    expect([exchange.status, exchange.head['content-type']]).toEqual([200, 'application/json']);
  });

  it.each(['text/html', 'application/json;q=0', 'image/*, application/json;q=0.0, text/event-stream; q=0'])(
    'refuses with 406 where Accept is %s',
    (accept) => expect(refused(http.post(echo, { accept }), null).slice(0, 2)).toEqual([406, -32600]),
  );

  it('answers events where nothing else is accepted', () => {
    const exchange = http.post(echo, { accept: 'text/event-stream' });
    expect([exchange.head['content-type'], exchange.isEnded]).toEqual(['text/event-stream', true]);
    expect(exchange.events).toMatchObject([{ id: 1, result: { resultType: 'complete' } }]);
  });

  it.each([
    ['', -32700],
    ['{', -32700],
    [Buffer.from([0x22, 0xff, 0x22]), -32700],
    ['[]', -32600],
    [[echo], -32600],
    ['1', -32600],
    [{ ...echo, id: null }, -32600],
    [{ ...echo, jsonrpc: '1.0' }, -32600],
    [{ jsonrpc: '2.0', id: 1 }, -32600],
    [`{"jsonrpc":"2.0","id":1,"method":"ping","params":${'['.repeat(80)}${']'.repeat(80)}}`, -32600],
  ])('refuses the body %j with 400', (body, code) => {
    const exchange = send(http.application, { headers: headersFor(echo), body });
    expect(refused(exchange, null).slice(0, 2)).toEqual([400, code]);
  });

  it.each([
    { jsonrpc: '2.0', id: 1, result: {} },
    { jsonrpc: '2.0', id: 1, error: { code: 1, message: '' } },
  ])('refuses the response %o with 400', (body) => {
    const exchange = send(http.application, { headers: headersFor(echo), body });
    expect(refused(exchange).slice(0, 2)).toEqual([400, -32600]);
  });

  it.each([
    ['FRAME_TOO_LARGE', 413],
    ['FRAME_INVALID', 400],
    ['CONFIG_INVALID', 415],
    ['DEADLINE_EXCEEDED', 408],
  ] as const)('answers a body that cannot be had (%s) with %d', (code, status) => {
    const exchange = sendUnreadable(
      http.application,
      { headers: headersFor(echo) },
      new RingwireError(code, 'why'),
    );
    expect(refused(exchange, null)).toEqual([status, -32600, 'why']);
  });
});

describe('the router of eras', () => {
  const plain = (method: string, params?: Record<string, unknown>): Message => ({
    jsonrpc: '2.0',
    id: 1,
    method,
    ...(params && { params }),
  });
  const old = { 'mcp-protocol-version': undefined, 'mcp-method': undefined, 'mcp-name': undefined };

  it('refuses old requests where no old revision is served', () => {
    const initialize = plain('initialize', { protocolVersion: '2025-11-25', capabilities: {} });
    const exchange = modernOnly.post(initialize, old);
    expect(refused(exchange).slice(0, 2)).toEqual([400, -32022]);
    expect(exchange.json.error).toMatchObject({ data: { supported: [version], requested: '2025-11-25' } });
    expect(refused(modernOnly.post(plain('tools/list'), old)).slice(0, 2)).toEqual([400, -32020]);
    const named = { ...old, 'mcp-protocol-version': '2025-06-18' };
    expect(refused(modernOnly.post(plain('tools/list'), named)).slice(0, 2)).toEqual([400, -32022]);
    const array = send(modernOnly.application, { headers: headersFor(initialize, old), body: [initialize] });
    expect(refused(array, null).slice(0, 2)).toEqual([400, -32600]);
    const response = { jsonrpc: '2.0', id: 1, result: {} };
    const answered = send(modernOnly.application, { headers: headersFor(initialize, old), body: response });
    expect(refused(answered).slice(0, 2)).toEqual([400, -32600]);
  });

  it('refuses modern requests where no modern revision is served', () => {
    const exchange = legacyOnly.post(callTool('echo', {}));
    expect(refused(exchange).slice(0, 2)).toEqual([400, -32022]);
    expect(exchange.json.error).toMatchObject({ data: { supported: ['2025-11-25'], requested: version } });
  });

  it.each(['GET', 'DELETE', 'PUT', 'HEAD'])(
    'answers %s with 405 where no old revision is served',
    (method) => {
      const exchange = send(modernOnly.application, { method });
      expect([exchange.status, exchange.head.allow]).toEqual([405, 'POST']);
      expect(refused(exchange, null)[1]).toBe(-32600);
    },
  );

  it('answers methods that no era has with 405', () => {
    const exchange = send(http.application, { method: 'PATCH' });
    expect([exchange.status, exchange.head.allow]).toEqual([405, 'GET, POST, DELETE']);
  });

  it.each([
    'initialize',
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'resources/unsubscribe',
    'unknown/method',
  ])('knows no %s in the modern era', (method) => {
    const exchange = http.post(request(method, {}, 'q'));
    expect([exchange.status, exchange.json]).toMatchObject([404, { id: 'q', error: { code: -32601 } }]);
  });
});
