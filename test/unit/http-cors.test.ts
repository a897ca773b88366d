import { afterEach, describe, expect, it } from 'vitest';
import { createRpcServer, type RpcServer } from '../../src/rpc/server.js';
import type { HttpOptions } from '../../src/transports/http/http-options.js';
import { type Answer, ask, engines, rpc } from '../integration/http-support.js';

const servers: RpcServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close({ drainTimeoutMs: 0 })));
});

const origin = 'http://localhost:5173';
const json = { 'content-type': 'application/json' };

describe.each(engines)('CORS, engine %s', (engine) => {
  async function listen(http: HttpOptions = { cors: true }): Promise<string> {
    const server = createRpcServer()
      .method('ping', () => 'pong')
      .method('later', async () => 'pong')
      .method('long', () => 'x'.repeat(10_000));
    servers.push(server);
    return (await server.listen('http://127.0.0.1:0/rpc', { http: { engine, ...http } })).url;
  }

  const preflight = (url: string, headers: object = {}): Promise<Answer> =>
    ask(url, undefined, { origin, 'access-control-request-method': 'POST', ...headers }, 'OPTIONS');

  it('answers a preflight, with the parameter fields that are asked for', async () => {
    const { status, headers, text } = await preflight(await listen(), {
      'access-control-request-headers': 'content-type,mcp-param-Region,x-other, mcp-param-',
    });
    expect({ status, text }).toEqual({ status: 204, text: '' });
    expect(headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'POST, GET, DELETE, OPTIONS',
      'access-control-allow-headers':
        'content-type, accept, authorization, mcp-protocol-version, mcp-method, mcp-name, mcp-session-id, last-event-id, mcp-param-region',
      'access-control-max-age': '7200',
      vary: 'origin',
    });
    expect(headers['access-control-allow-credentials']).toBeUndefined();
    expect(headers['access-control-expose-headers']).toBeUndefined();
  });

  it('adds the fields to every answer to a page, also to refusals', async () => {
    const url = await listen();
    const fields = {
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'mcp-session-id, www-authenticate',
      vary: 'origin',
    };
    for (const [body, headers, status] of [
      [rpc('ping'), json, 200],
      [rpc('later'), json, 200],
      ['no json', json, 400],
      [rpc('ping'), { 'content-type': 'text/plain' }, 415],
    ] as const) {
      const answer = await ask(url, body, { ...headers, origin });
      expect(answer.status).toBe(status);
      expect(answer.headers).toMatchObject(fields);
    }
    const elsewhere = await ask(new URL('/other', url).href, rpc('ping'), { ...json, origin });
    expect(elsewhere).toMatchObject({ status: 404, headers: fields });
    const second = await ask(url, rpc('ping'), { ...json, origin: 'http://127.0.0.1:1' });
    expect(second.headers['access-control-allow-origin']).toBe('http://127.0.0.1:1');
  });

  it('adds nothing for those who name no origin', async () => {
    const { headers } = await ask(await listen(), rpc('ping'), json);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  it('tells foreign pages nothing', async () => {
    const url = await listen();
    const foreign = 'https://evil.example';
    for (const answer of [
      await preflight(url, { origin: foreign }),
      await ask(url, rpc('ping'), { ...json, origin: foreign }),
    ]) {
      expect(answer.status).toBe(403);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('lets any origin call with a star, and credentials go along to those that are named', async () => {
    const page = 'https://anywhere.example';
    const open = await preflight(await listen({ cors: true, allowedOrigins: '*' }), { origin: page });
    expect(open.headers['access-control-allow-origin']).toBe('*');
    expect(open.headers.vary).toBeUndefined();
    const url = await listen({ cors: { credentials: true }, allowedOrigins: [page] });
    const personal = await preflight(url, { origin: page });
    expect(personal.headers).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-credentials': 'true',
      vary: 'origin',
    });
  });

  it('adds the fields of the options', async () => {
    const url = await listen({
      cors: { allowedHeaders: ['X-Tenant'], exposedHeaders: ['X-Cost'], maxAgeSeconds: 5 },
    });
    const { headers } = await preflight(url);
    expect(headers['access-control-allow-headers']).toMatch(/last-event-id, x-tenant$/);
    expect(headers['access-control-max-age']).toBe('5');
    const answer = await ask(url, rpc('ping'), { ...json, origin });
    expect(answer.headers['access-control-expose-headers']).toBe('mcp-session-id, www-authenticate, x-cost');
  });

  it('asks no credentials of a preflight, and lets pages read a challenge', async () => {
    const url = await listen({
      cors: true,
      authenticate: async () => ({ status: 401, problem: 'Send a token.' }),
    });
    expect((await preflight(url)).status).toBe(204);
    const refused = await ask(url, rpc('ping'), { ...json, origin });
    expect(refused).toMatchObject({ status: 401, headers: { 'access-control-allow-origin': origin } });
  });

  it('says in one field what a compressed answer varies by', async () => {
    const { headers } = await ask(await listen(), rpc('long'), {
      ...json,
      origin,
      'accept-encoding': 'gzip',
    });
    expect(headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'origin, accept-encoding' });
  });

  it('leaves OPTIONS to the application where it is off', async () => {
    expect((await preflight(await listen({}))).status).toBe(405);
  });
});
