import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createRpcServer, type RpcServer } from '../../src/rpc/server.js';
import type { HttpOptions } from '../../src/transports/http/http-options.js';
import type { HttpListener } from '../../src/transports/http/http-server.js';
import { OriginPolicy } from '../../src/transports/http/origin-policy.js';
import { ask, engines, rpc } from '../integration/http-support.js';

const servers: RpcServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close({ drainTimeoutMs: 0 })));
});

const json = { 'content-type': 'application/json' };
const ping = rpc('ping');
const pong = '{"jsonrpc":"2.0","id":1,"result":"pong"}';

describe('OriginPolicy', () => {
  const local = new OriginPolicy({ allowedHosts: undefined, allowedOrigins: undefined }, true);
  const open = new OriginPolicy({ allowedHosts: undefined, allowedOrigins: undefined }, false);
  const listed = new OriginPolicy(
    { allowedHosts: ['app.example.com', 'b.example.com:8443'], allowedOrigins: ['https://app.example.com'] },
    true,
  );

  it.each(['localhost', 'LOCALHOST:80', 'a.localhost:1', '127.0.0.1:4', '127.9.9.9', '[::1]', '[::1]:80'])(
    'serves the host %s on the loopback',
    (host) => expect(local.hostProblem(host)).toBeUndefined(),
  );

  it.each([
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'notlocalhost',
    '[::2]',
    '10.0.0.1',
  ])('refuses the host "%s" on the loopback, and serves it elsewhere', (host) => {
    expect(local.hostProblem(host)).toContain('"http.allowedHosts"');
    expect(open.hostProblem(host)).toBeUndefined();
  });

  it('compares hosts with a list, with port where the list has one', () => {
    for (const host of ['app.example.com', 'APP.example.com:99', 'b.example.com:8443'])
      expect(listed.hostProblem(host)).toBeUndefined();
    for (const host of ['b.example.com', 'b.example.com:1', 'localhost', 'x.app.example.com', ''])
      expect(listed.hostProblem(host)).toContain('is not served here');
  });

  it('lets pages of the loopback call a server on the loopback', () => {
    for (const origin of [
      'http://localhost:5173',
      'https://127.0.0.1',
      'http://[::1]:3000',
      'http://a.localhost',
    ])
      expect(local.originProblem(origin, 'localhost:8080')).toBeUndefined();
    for (const origin of [
      'null',
      'https://evil.example',
      'http://localhost.evil.example',
      'file://',
      'localhost',
      '',
    ])
      expect(local.originProblem(origin, 'localhost:8080')).toContain('"http.allowedOrigins"');
  });

  it('lets pages of its own host call a server elsewhere, whatever the scheme a proxy took off', () => {
    expect(open.originProblem('https://mcp.example.com', 'mcp.example.com')).toBeUndefined();
    expect(open.originProblem('https://mcp.example.com', 'MCP.example.com:443')).toBeUndefined();
    expect(open.originProblem('http://mcp.example.com:8080', 'mcp.example.com:8080')).toBeUndefined();
    for (const origin of ['https://evil.example', 'http://localhost', 'https://mcp.example.com:444', 'null'])
      expect(open.originProblem(origin, 'mcp.example.com')).toContain('may not call');
  });

  it('compares origins with a list, scheme and port included', () => {
    expect(listed.originProblem('https://app.example.com', 'app.example.com')).toBeUndefined();
    for (const origin of [
      'http://app.example.com',
      'https://app.example.com:444',
      'http://localhost',
      'null',
    ])
      expect(listed.originProblem(origin, 'app.example.com')).toContain('may not call');
  });

  it('writes no quotes and controls of a stranger into its message', () => {
    expect(local.hostProblem('a"b\u0007c')).toContain('"a?b?c"');
  });
});

describe.each(engines)('a site, engine %s', (engine) => {
  async function listen(http: HttpOptions = {}): Promise<HttpListener> {
    const server = createRpcServer().method('ping', () => 'pong');
    server.method('who', (_, { auth }) => auth ?? null);
    servers.push(server);
    return (await server.listen('http://127.0.0.1:0/rpc', { http: { engine, ...http } })) as HttpListener;
  }

  const refusedUpgrade = async (url: string, options: object): Promise<number> => {
    const socket = new WebSocket(url, options);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    socket.on('error', () => {});
    socket.terminate();
    return response.statusCode;
  };

  it('refuses foreign hosts and origins, also on an upgrade, and serves its own', async () => {
    const { url, webSocketUrl } = await listen();
    for (const headers of [
      { host: 'evil.example' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ]) {
      const refused = await ask(url, ping, { ...json, ...headers });
      expect(refused.status).toBe(403);
      expect(JSON.parse(refused.text)).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32600 } });
      expect(await refusedUpgrade(webSocketUrl, { headers })).toBe(403);
    }
    for (const headers of [{}, { host: 'localhost' }, { origin: 'http://localhost:5173' }])
      expect(await ask(url, ping, { ...json, ...headers })).toMatchObject({ status: 200, text: pong });
    const socket = new WebSocket(webSocketUrl, { origin: 'http://localhost:5173' });
    await once(socket, 'open');
    socket.terminate();
  });

  it('remembers no host that was refused', async () => {
    const { url } = await listen({ allowedHosts: ['app.example.com'] });
    for (const [host, status] of [
      ['app.example.com', 200],
      ['localhost', 403],
      ['app.example.com', 200],
      ['localhost', 403],
    ] as const)
      expect((await ask(url, ping, { ...json, host })).status).toBe(status);
  });

  it('names the path where there is one', async () => {
    const { url, webSocketUrl } = await listen();
    for (const path of [
      '/',
      '/rpc/',
      '/rpcs',
      '/RPC',
      '/healthz',
      '/metrics',
      '/.well-known/oauth-protected-resource',
    ]) {
      const refused = await ask(new URL(path, url).href, ping);
      expect(refused.status).toBe(404);
      expect(JSON.parse(refused.text).error.message).toBe(
        `Nothing is served at "${path}". The endpoint is "/rpc".`,
      );
    }
    expect(await ask(`${url}?x=1`, ping)).toMatchObject({ status: 200, text: pong });
    expect(await refusedUpgrade(webSocketUrl.replace('/rpc', '/other'), {})).toBe(404);
  });

  it('serves no WebSocket where it is switched off', async () => {
    const { url, webSocketUrl } = await listen({ webSocket: false });
    expect(await refusedUpgrade(webSocketUrl, {})).toBeGreaterThanOrEqual(400);
    expect((await ask(url, ping)).status).toBe(200);
  });

  describe('authentication', () => {
    const authenticate: NonNullable<HttpOptions['authenticate']> = (head) => {
      const token = head.header('authorization');
      if (token === 'Bearer good') return { principal: 'ann', scopes: ['read'] };
      if (token === 'Bearer poor')
        return { status: 403, problem: 'Needs the scope "write".', scopes: ['read', 'write'] };
      if (token === 'Basic x')
        return { status: 401, problem: 'No.', head: ['WWW-Authenticate', 'Basic realm="x"'] };
      if (token === 'anonymous') return undefined;
      if (token === 'throw') throw new Error('secret');
      if (token === 'odd') return true as unknown as undefined;
      return { status: 401, problem: 'Send a token.', scopes: ['read'] };
    };
    const later: typeof authenticate = async (head) => {
      await Promise.resolve();
      return authenticate(head);
    };
    const protectedResource = {
      authorizationServers: ['https://auth.example.com'],
      scopes: ['read', 'write'],
    };

    it.each([
      ['at once', authenticate],
      ['later', later],
    ])('lets in and refuses, decided %s', async (_, hook) => {
      const { url, webSocketUrl } = await listen({ authenticate: hook, protectedResource });
      const metadata = `resource_metadata="${new URL('/.well-known/oauth-protected-resource/rpc', url).href}"`;
      const call = (authorization?: string) =>
        ask(url, rpc('who'), authorization === undefined ? json : { ...json, authorization });
      expect((await call('Bearer good')).text).toBe(
        '{"jsonrpc":"2.0","id":1,"result":{"principal":"ann","scopes":["read"]}}',
      );
      expect((await call('anonymous')).text).toBe('{"jsonrpc":"2.0","id":1,"result":null}');
      const none = await call();
      expect(none.status).toBe(401);
      expect(none.headers['www-authenticate']).toBe(`Bearer scope="read", ${metadata}`);
      expect(JSON.parse(none.text).error.message).toBe('Send a token.');
      const bad = await call('Bearer bad');
      expect(bad.headers['www-authenticate']).toBe(
        `Bearer error="invalid_token", error_description="Send a token.", scope="read", ${metadata}`,
      );
      const poor = await call('Bearer poor');
      expect(poor.status).toBe(403);
      expect(poor.headers['www-authenticate']).toBe(
        `Bearer error="insufficient_scope", error_description="Needs the scope 'write'.", scope="read write", ${metadata}`,
      );
      expect((await call('Basic x')).headers['www-authenticate']).toBe('Basic realm="x"');
      for (const fault of ['throw', 'odd']) {
        const failed = await call(fault);
        expect(failed.status).toBe(500);
        expect(failed.text).not.toContain('secret');
      }
      expect(await refusedUpgrade(webSocketUrl, {})).toBe(401);
      expect(await refusedUpgrade(webSocketUrl, { headers: { authorization: 'throw' } })).toBe(500);
      const socket = new WebSocket(webSocketUrl, { headers: { authorization: 'Bearer good' } });
      await once(socket, 'open');
      socket.send(rpc('who'));
      const [data] = (await once(socket, 'message')) as [Buffer];
      expect(JSON.parse(data.toString())).toMatchObject({ result: { principal: 'ann' } });
      socket.terminate();
    });

    it('reads a body that came before the decision, and one that comes after it', async () => {
      let admit: () => void = () => {};
      const { url } = await listen({
        authenticate: () =>
          new Promise((resolve) => {
            admit = () => resolve({ principal: 'x'.repeat(10), scopes: [] });
            if (waiting) waiting();
            else admit();
          }),
      });
      let waiting: (() => void) | undefined;
      const asked = new Promise<void>((resolve) => {
        waiting = resolve;
      });
      const answer = ask(url, rpc('who', ['y'.repeat(200_000)]));
      await asked;
      admit();
      expect((await answer).text).toContain('"principal":"xxxxxxxxxx"');
      waiting = undefined;
      expect((await ask(url, rpc('who'))).status).toBe(200);
    });

    it('lets nobody in who left before the decision', async () => {
      const calls: unknown[] = [];
      const waiting: (() => void)[] = [];
      let arrived: () => void = () => {};
      const server = createRpcServer().method('call', (params) => void calls.push(params));
      servers.push(server);
      const { url, webSocketUrl } = (await server.listen('http://127.0.0.1:0/rpc', {
        http: {
          engine,
          authenticate: () =>
            new Promise((resolve) => {
              waiting.push(() => resolve({ principal: 'ann', scopes: [] }));
              arrived();
            }),
        },
      })) as HttpListener;
      const arrival = (): Promise<void> =>
        new Promise((resolve) => {
          arrived = resolve;
        });
      let next = arrival();
      const outgoing = request(url, { method: 'POST', headers: json, agent: false });
      outgoing.on('error', () => {});
      outgoing.end(rpc('call', ['gone']));
      await next;
      outgoing.destroy();
      next = arrival();
      const socket = new WebSocket(webSocketUrl);
      socket.on('error', () => {});
      await next;
      socket.terminate();
      next = arrival();
      const answer = ask(url, rpc('call', ['here']));
      await next;
      for (const admit of waiting) admit();
      expect((await answer).status).toBe(200);
      expect(calls).toEqual([['here']]);
    });

    it.each([
      ['a refusal that does not say why', { status: 401 }],
      ['scopes that are no list', { status: 403, problem: 'Too little.', scopes: 'read' }],
      ['fields that are no list', { status: 401, problem: 'Who?', head: { 'x-a': '1' } }],
      ['a field that holds another', { status: 401, problem: 'Who?', head: ['x-a', '1\r\nx-b: 2'] }],
      ['a caller without scopes', { principal: 'ann' }],
      ['a field without a value', { status: 401, problem: 'Who?', head: ['x-a'] }],
    ])('lets nobody in where the hook returns %s, at once or later', async (_, verdict) => {
      for (const hook of [() => verdict, async () => verdict]) {
        const { url, webSocketUrl } = await listen({ authenticate: hook as never });
        const { status, text, headers } = await ask(url, rpc('who'), { ...json, authorization: 'Bearer x' });
        expect([status, headers['x-b']]).toEqual([500, undefined]);
        expect(text).toContain('Who calls could not be found out.');
        expect(await refusedUpgrade(webSocketUrl, { headers: { authorization: 'Bearer x' } })).toBe(500);
      }
    });

    it('serves the metadata of the resource to everybody', async () => {
      const { url } = await listen({ authenticate, protectedResource });
      for (const path of [
        '/.well-known/oauth-protected-resource/rpc',
        '/.well-known/oauth-protected-resource',
      ]) {
        const answer = await ask(new URL(path, url).href, undefined, {});
        expect(answer.status).toBe(200);
        expect(answer.headers['content-type']).toBe('application/json');
        expect(JSON.parse(answer.text)).toEqual({
          resource: url,
          authorization_servers: ['https://auth.example.com'],
          scopes_supported: ['read', 'write'],
          bearer_methods_supported: ['header'],
        });
        expect(await ask(new URL(path, url).href, '{}')).toMatchObject({
          status: 405,
          headers: { allow: 'GET, HEAD' },
        });
      }
    });

    it('names the resource of the options', async () => {
      const resource = 'https://mcp.example.com/v1/mcp';
      const { url } = await listen({ authenticate, protectedResource: { ...protectedResource, resource } });
      const { headers } = await ask(url, ping);
      expect(headers['www-authenticate']).toContain(
        'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/v1/mcp"',
      );
      const { text } = await ask(
        new URL('/.well-known/oauth-protected-resource/v1/mcp', url).href,
        undefined,
        {},
      );
      expect(JSON.parse(text).resource).toBe(resource);
    });

    it('challenges without metadata where no resource is configured', async () => {
      const { url } = await listen({ authenticate: () => ({ status: 401, problem: 'No "way"\u0007.' }) });
      expect((await ask(url, ping)).headers['www-authenticate']).toBe('Bearer');
      expect((await ask(url, ping, { ...json, authorization: 'Bearer x' })).headers['www-authenticate']).toBe(
        `Bearer error="invalid_token", error_description="No 'way'?."`,
      );
    });
  });
});
