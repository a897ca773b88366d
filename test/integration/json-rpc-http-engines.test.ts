/** What one engine answers, the other answers: the same status, header fields and bytes. */
import type { OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RpcError } from '../../src/errors.js';
import { createRpcServer, type RpcServer } from '../../src/rpc/server.js';
import type { HttpListener } from '../../src/transports/http/http-server.js';
import { ask, engines, rpc } from './http-support.js';

const json = { 'content-type': 'application/json' };
const origin = 'http://localhost:5173';
const gzip = { ...json, 'content-encoding': 'gzip' };

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

const corpus: Record<string, Sent> = {
  'a call': { body: rpc('echo', { a: 'é', b: [1, null] }) },
  'a call answered later': { body: rpc('later', [1], 'ü') },
  'an error': { body: rpc('refuse') },
  'an unknown method': { body: rpc('none') },
  'a notification': { body: '{"jsonrpc":"2.0","method":"tell"}' },
  'an array': { body: `[${rpc('echo', [1])},${rpc('echo', [2], 2)}]` },
  'an array of notifications': { body: '[{"jsonrpc":"2.0","method":"tell"}]' },
  'no JSON': { body: '{' },
  'an empty body': { method: 'POST', headers: { ...json, 'content-length': 0 } },
  'bad UTF-8': { body: Buffer.from([0x7b, 0xc3, 0x28, 0x7d]) },
  'a chunked body': { body: rpc('echo', ['chunked']), headers: { ...json, 'transfer-encoding': 'chunked' } },
  'a compressed body': { body: gzipSync(rpc('echo', ['small'])), headers: gzip },
  'a body that is no gzip': { body: rpc('echo'), headers: gzip },
  'a bomb': { body: gzipSync(Buffer.alloc(3_000_000, 0x20)), headers: gzip },
  'an unknown coding': { body: 'x', headers: { ...json, 'content-encoding': 'zstd' } },
  'two codings': { body: 'x', headers: { ...json, 'content-encoding': 'gzip, br' } },
  'too long a body': { body: rpc('echo', ['x'.repeat(2_000_000)]) },
  'too long a body in chunks': {
    body: rpc('echo', ['x'.repeat(2_000_000)]),
    headers: { ...json, 'transfer-encoding': 'chunked' },
  },
  'a large answer': { body: rpc('large') },
  'a large answer, gzip': { body: rpc('large'), headers: { ...json, 'accept-encoding': 'gzip' } },
  'a large answer, brotli': { body: rpc('large'), headers: { ...json, 'accept-encoding': 'gzip, br' } },
  'a large answer, refused codings': {
    body: rpc('large'),
    headers: { ...json, 'accept-encoding': 'gzip;q=0, identity' },
  },
  'a huge answer, gzip': { body: rpc('huge'), headers: { ...json, 'accept-encoding': 'gzip' } },
  GET: { method: 'GET', headers: {} },
  HEAD: { method: 'HEAD', headers: {} },
  PUT: { method: 'PUT', body: '{}' },
  'an odd method': { method: 'PROPFIND', headers: {} },
  OPTIONS: { method: 'OPTIONS', headers: {} },
  'another type': { body: rpc('echo'), headers: { 'content-type': 'text/plain' } },
  'no type': { body: rpc('echo'), headers: {} },
  'another answer': { body: rpc('echo'), headers: { ...json, accept: 'text/html' } },
  'another host': { body: rpc('echo'), headers: { ...json, host: 'evil.example' } },
  'another origin': { body: rpc('echo'), headers: { ...json, origin: 'https://evil.example' } },
  'another path': { path: '/other', body: rpc('echo') },
  'a path with escapes': { path: '/%72pc', body: rpc('echo') },
  'a query': { path: '/rpc?a=%20b&c', body: rpc('echo') },
  'a page': { body: rpc('echo'), headers: { ...json, origin } },
  'a page, refused': { body: '{', headers: { ...json, origin } },
  'a preflight': {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'mcp-param-a',
    },
  },
  'no token': { body: rpc('echo'), headers: { ...json, 'x-ask': 'yes' } },
  'a bad token': { body: rpc('echo'), headers: { ...json, 'x-ask': 'yes', authorization: 'Bearer x' } },
  'a bad token, later': { body: rpc('echo'), headers: { ...json, 'x-ask': 'later' } },
  'a token, later': {
    body: rpc('who'),
    headers: { ...json, 'x-ask': 'later', authorization: 'Bearer good' },
  },
  'a failing authentication': { body: rpc('echo'), headers: { ...json, 'x-ask': 'throw' } },
  metadata: { method: 'GET', path: '/.well-known/oauth-protected-resource/rpc', headers: {} },
  'the head of metadata': { method: 'HEAD', path: '/.well-known/oauth-protected-resource/rpc', headers: {} },
  health: { method: 'GET', path: '/healthz', headers: {} },
  readiness: { method: 'HEAD', path: '/readyz', headers: {} },
  'a post to health': { path: '/healthz', body: '{}' },
  'too many fields': {
    body: rpc('echo'),
    headers: {
      ...json,
      ...Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`x-${index}`, 'x'])),
    },
  },
};

/**
 * Requests that no client library sends; the answers end their connections. What the parser of uWebSockets.js itself
 * refuses it answers with a page of its own, and only the status is the same.
 */
const raw: Record<string, string> = {
  'two hosts': 'POST /rpc HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n',
  'a transfer coding': 'POST /rpc HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n',
  'too long a head': `POST /rpc HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(15_000)}\r\n\r\n`,
};

/** Status and body of the answer to these bytes, once the server closed the connection. */
async function exchange(url: string, bytes: string): Promise<{ status: string; body: string }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(bytes);
  let text = '';
  for await (const chunk of socket) text += chunk;
  const end = text.indexOf('\r\n\r\n');
  return { status: text.slice(9, 12), body: text.slice(end + 4) };
}

const servers: RpcServer[] = [];
const urls: string[] = [];
beforeAll(async () => {
  for (const engine of engines) {
    const server = createRpcServer()
      .method('echo', (params) => params)
      .method('later', async (params) => params)
      .method('who', (_, { auth }) => auth?.principal)
      .method('large', () => 'é'.repeat(10_000))
      .method('huge', () => 'é'.repeat(100_000))
      .method('refuse', () => {
        throw new RpcError(7, 'no', { é: 1 });
      });
    servers.push(server);
    const listener = (await server.listen('http://127.0.0.1:0/rpc', {
      http: {
        engine,
        cors: true,
        health: true,
        maxBodyBytes: 1_000_000,
        maxHeaderFields: 50,
        maxHeaderBytes: 10_000,
        protectedResource: {
          resource: 'https://mcp.example.com/rpc',
          authorizationServers: ['https://auth.example.com'],
        },
        authenticate: (head) => {
          const how = head.header('x-ask');
          if (how === 'throw') throw new Error('broken');
          if (how === '') return undefined;
          const verdict =
            head.header('authorization') === 'Bearer good'
              ? { principal: 'ann', scopes: [] }
              : ({ status: 401, problem: 'Send a token.' } as const);
          return how === 'later' ? Promise.resolve(verdict) : verdict;
        },
      },
    })) as HttpListener;
    expect(listener.engine).toBe(engine);
    urls.push(listener.url);
  }
});
afterAll(() => Promise.all(servers.map((server) => server.close({ drainTimeoutMs: 0 }))));

it.each(Object.entries(corpus))('%s', async (_, { method, path = '/rpc', headers = json, body }) => {
  const [one, other] = await Promise.all(
    urls.map(async (url) => {
      const answer = await ask(new URL(path, url).href, body, headers, method);
      // These say how the connection goes on, which is each engine's own business.
      const { date, connection, 'keep-alive': keepAlive, ...fields } = answer.headers;
      return { status: answer.status, fields, body: answer.body.toString('latin1') };
    }),
  );
  expect(other).toEqual(one);
});

it.each(Object.entries(raw))('%s', async (_, bytes) => {
  const [one, other] = await Promise.all(urls.map((url) => exchange(url, bytes)));
  expect(JSON.parse(one.body)).toMatchObject({ jsonrpc: '2.0', id: null });
  expect(other).toEqual(one);
});
