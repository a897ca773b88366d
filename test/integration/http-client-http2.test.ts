/** Our client over HTTP/2: by TLS, and on the pipes of a child. */
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import {
  type AddressInfo,
  connect as connectSocket,
  createServer as createSocketServer,
  type Socket,
} from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ConnectOptions, connect, type McpClient } from '../../src/mcp/index.js';
import type { HttpClientOptions } from '../../src/transports/http/client/client-options.js';
import { Authority, type Pair } from './certificates.js';

let authority: Authority;
let pair: Pair;
beforeAll(() => {
  authority = new Authority();
  pair = authority.issue('localhost', 'DNS:localhost,IP:127.0.0.1');
});
afterAll(() => authority.remove());

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const said = (result: unknown): unknown => (result as { content: { text: string }[] }).content[0].text;

interface Secure {
  readonly url: string;
  /** What came: the version of HTTP and the tool. */
  readonly seen: string[];
  readonly sessions: ServerHttp2Session[];
  connect(options?: HttpClientOptions): Promise<McpClient>;
}

/** A modern server that speaks HTTP/2 and HTTP/1.1; the tool `reset` resets its stream, `hold` never answers. */
async function secure(): Promise<Secure> {
  const seen: string[] = [];
  const sessions: ServerHttp2Session[] = [];
  const server: Http2SecureServer = createSecureServer(
    { cert: pair.cert, key: pair.key, allowHTTP1: true },
    async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { id, method, params } = JSON.parse(body);
      seen.push(`${request.httpVersion} ${params.name ?? method}`);
      if (params.name === 'reset') {
        response.stream.close(2);
        return;
      }
      if (params.name === 'hold') return;
      const result =
        method === 'server/discover'
          ? { supportedVersions: ['2026-07-28'], capabilities: {}, resultType: 'complete' }
          : { content: [{ type: 'text', text: params.arguments.text }] };
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    },
  );
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        for (const session of sessions) session.destroy();
      }),
  );
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  return {
    url,
    seen,
    sessions,
    connect: async (httpClient) => {
      const options: ConnectOptions = { transport: { tls: { ca: authority.cert }, httpClient } };
      const client = await connect(url, options);
      cleanups.push(() => client.close());
      return client;
    },
  };
}

describe('over TLS', () => {
  it('HTTP/2 is spoken where it is offered, a hundred calls on one connection', async () => {
    const { connect: open, seen, sessions } = await secure();
    const client = await open();
    const texts = Array.from({ length: 100 }, (_, index) => `text ${index}`);
    const results = await Promise.all(texts.map((text) => client.callTool('echo', { text })));
    expect(results.map(said)).toEqual(texts);
    expect(new Set(seen)).toEqual(new Set(['2.0 server/discover', '2.0 echo']));
    expect(sessions).toHaveLength(1);
  });

  it('HTTP/1.1 is spoken where HTTP/2 is not wanted', async () => {
    const { connect: open, seen } = await secure();
    const client = await open({ http2: false });
    expect(said(await client.callTool('echo', { text: 'a' }))).toBe('a');
    expect(seen).toEqual(['1.1 server/discover', '1.1 echo']);
  });

  it('a reset stream fails its call alone', async () => {
    const { connect: open, sessions } = await secure();
    const client = await open();
    const [reset, other] = await Promise.allSettled([
      client.callTool('reset'),
      client.callTool('echo', { text: 'a' }),
    ]);
    expect(reset).toMatchObject({ reason: { code: 'CONNECTION_RESET', retryable: true } });
    expect(other).toMatchObject({ status: 'fulfilled' });
    expect(sessions).toHaveLength(1);
  });

  it('a connection that the server ends is made anew', async () => {
    const { connect: open, sessions } = await secure();
    const client = await open();
    const held = client.callTool('hold').catch((error: unknown) => error);
    await client.callTool('echo', { text: 'a' });
    sessions[0].destroy();
    expect(await held).toMatchObject({ code: 'CONNECTION_RESET', retryable: true });
    expect(said(await client.callTool('echo', { text: 'b' }))).toBe('b');
    expect(sessions).toHaveLength(2);
  });

  it('a call that is given up resets its stream and leaves the others', async () => {
    const { connect: open, sessions, seen } = await secure();
    const client = await open();
    const stop = new AbortController();
    const held = client.callTool('hold', {}, { signal: stop.signal });
    await expect.poll(() => seen.includes('2.0 hold')).toBe(true);
    stop.abort();
    await expect(held).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(said(await client.callTool('echo', { text: 'b' }))).toBe('b');
    expect(sessions).toHaveLength(1);
  });
});

describe('on the pipes of a child', () => {
  const fixture = fileURLToPath(new URL('http2-child-fixture.mjs', import.meta.url));
  const target = (...args: string[]): string =>
    `stdio+h2:${process.execPath}?${[fixture, ...args].map((arg) => `arg=${encodeURIComponent(arg)}`).join('&')}`;

  async function child(): Promise<McpClient> {
    const client = await connect(target());
    cleanups.push(() => client.close());
    return client;
  }

  const pidOf = (client: McpClient): number => Number(client.serverInfo?.version);
  const isAlive = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };

  it('calls go side by side, and close() ends the child', async () => {
    const client = await child();
    const texts = Array.from({ length: 50 }, (_, index) => `text ${index}`);
    const call = (text: string, index: number) =>
      client.callTool(index % 2 === 0 ? 'echo' : 'stream', { text });
    expect((await Promise.all(texts.map(call))).map(said)).toEqual(texts);
    const large = 'é'.repeat(500_000);
    expect(said(await client.callTool('echo', { text: large }))).toBe(large);
    expect(isAlive(pidOf(client))).toBe(true);
    await client.close();
    expect(isAlive(pidOf(client))).toBe(false);
  });

  it('a reset stream fails its call alone', async () => {
    const client = await child();
    await expect(client.callTool('reset')).rejects.toMatchObject({ code: 'CONNECTION_RESET' });
    expect(said(await client.callTool('echo', { text: 'a' }))).toBe('a');
  });

  it('a child that ends fails its calls, says why, and is started again for the next', async () => {
    const client = await child();
    const first = pidOf(client);
    const error = await client.callTool('exit').catch((failure: unknown) => failure);
    expect(error).toMatchObject({ retryable: true });
    expect(said(await client.callTool('echo', { text: 'again' }))).toBe('again');
    expect(pidOf(client)).not.toBe(first);
  });

  it('a child that cannot start is quoted', async () => {
    const error: unknown = await connect(target('fail'), {
      transport: { stderr: 'ignore' },
    }).catch((failure: unknown) => failure);
    const { cause } = error as { cause?: { code?: string; message?: string } };
    const said = [error, cause].map((each) => `${(each as Error)?.message}`).join('\n');
    expect(said).toMatch(/exited with code 4[\s\S]*no configuration/);
    await expect(connect('stdio+h2:no-such-command')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

it('a connection that fell silent is given up, and the next call takes another', async () => {
  const { url, sessions } = await secure();
  const sockets: Socket[] = [];
  let frozen: Socket | undefined;
  const proxy = createSocketServer((near) => {
    const far = connectSocket(Number(new URL(url).port), '127.0.0.1');
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on('error', () => {});
    far.on('data', (chunk) => void (frozen !== far && near.write(chunk)));
    near.on('data', (chunk) => void (frozen !== far && far.write(chunk)));
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => proxy.close(resolve));
  });
  const client = await connect(`https://127.0.0.1:${(proxy.address() as AddressInfo).port}/mcp`, {
    transport: { connectTimeoutMs: 2_000, tls: { ca: authority.cert } },
  });
  cleanups.push(() => client.close());
  expect(said(await client.callTool('say', { text: 'before' }))).toBe('before');
  frozen = sockets[1];
  await expect(client.callTool('say', { text: 'lost' }, { timeoutMs: 100 })).rejects.toMatchObject({
    code: 'DEADLINE_EXCEEDED',
  });
  // Sent on the silent connection, too, and told of its end long before its own deadline.
  await expect(client.callTool('say', { text: 'also lost' })).rejects.toMatchObject({
    code: 'CONNECTION_RESET',
  });
  expect(said(await client.callTool('say', { text: 'after' }))).toBe('after');
  expect(sessions).toHaveLength(2);
});
