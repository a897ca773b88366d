/** Listeners of the uWebSockets.js engine: addresses, limits, socket options, draining, TLS. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { addon } from '../../src/binding/addon.js';
import type { HttpOptions } from '../../src/transports/http/http-options.js';
import type { HttpExchange, HttpStream } from '../../src/transports/http/http-server.js';
import { chooseEngine } from '../../src/transports/http/listen.js';
import { resolveOptions } from '../../src/transports/options.js';
import type { TransportOptions } from '../../src/transports/transport.js';
import { deferred, echo } from '../contract/peers.js';
import { Authority } from './certificates.js';
import { type Overrides, RawClient, type Served, serve } from './uws-support.js';

const open: Served[] = [];
const clients: RawClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  for (const { listener } of open.splice(0)) await listener.close({ drainTimeoutMs: 0 });
});

async function listen(http: HttpOptions = {}, overrides: Overrides = {}): Promise<Served> {
  const served = await serve(http, overrides);
  open.push(served);
  return served;
}

function raw(port: number, text = ''): RawClient {
  const client = new RawClient(port).write(text);
  clients.push(client);
  return client;
}

const hello = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

describe('addresses', () => {
  test('say the port and where WebSockets go', async () => {
    const { listener, port } = await listen({}, { url: 'http://localhost:0/mcp' });
    expect(port).toBeGreaterThan(0);
    expect(listener.url).toBe(`http://localhost:${port}/mcp`);
    expect(listener.webSocketUrl).toBe(`ws://localhost:${port}/mcp`);
    expect([listener.engine, listener.engineReason]).toEqual(['uws', 'asked for']);
  });

  test('IPv6', async () => {
    const seen: unknown[] = [];
    const { listener, port } = await listen(
      {},
      {
        url: 'http://[::1]:0/',
        onRequest: (exchange) => {
          seen.push(exchange.peer.address);
          exchange.respond(200, []);
        },
      },
    );
    expect(listener.url).toBe(`http://[::1]:${port}/`);
    expect((await fetch(listener.url)).status).toBe(200);
    expect(seen).toEqual(['::1']);
  });

  test('one in use is refused, with its port shared one may follow', async () => {
    const { listener } = await listen();
    await expect(listen({}, { url: listener.url })).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
    const options: TransportOptions = { socket: { reusePort: true } };
    const url = `http://127.0.0.1:${await freePort()}/`;
    await listen({}, { url, options });
    await listen({}, { url, options });
  });

  test('one of another machine, a name that is none, an aborted signal', async () => {
    await expect(listen({}, { url: 'http://192.0.2.1:0/' })).rejects.toMatchObject({
      code: 'ADDRESS_INVALID',
    });
    await expect(listen({}, { url: 'http://no-such-host.invalid:0/' })).rejects.toMatchObject({
      code: 'ADDRESS_INVALID',
    });
    await expect(listen({}, { options: { signal: AbortSignal.abort() } })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });

  test('an aborted signal stops accepting; connections live on', async () => {
    const controller = new AbortController();
    const { port } = await listen({}, { options: { signal: controller.signal } });
    const client = raw(port, hello);
    await client.until(() => client.text.endsWith('GET / '));
    controller.abort();
    const late = raw(port);
    await late.closed();
    client.write(hello);
    await client.until(() => client.statuses.length === 2);
    expect(client.isClosed).toBe(false);
  });
});

describe('options it does not have', () => {
  test.each<[string, TransportOptions]>([
    ['keepAliveTimeoutMs', { http: { keepAliveTimeoutMs: 5_000 } }],
    ['headersTimeoutMs', { http: { headersTimeoutMs: 1_000 } }],
    ['maxHeaderFields', { http: { maxHeaderFields: 200 } }],
    ['maxHeaderBytes', { http: { maxHeaderBytes: 100_000 } }],
    ['maxFragments', { http: { webSocket: { maxFragments: 2 } } }],
  ])('"%s" is served by node:http, or refused', async (name, options) => {
    const endpoint = { kind: 'http', isSecure: false, host: '127.0.0.1', port: 0, path: '/' } as const;
    const chosen = await chooseEngine(endpoint, resolveOptions(options));
    expect(chosen.engine).toBe('node');
    expect(chosen.reason).toContain(name);
    const asked = resolveOptions({ http: { ...options.http, engine: 'uws' } });
    await expect(chooseEngine(endpoint, asked)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('connections', () => {
  test('are counted, and refused beyond the limit', async () => {
    const onUpgrade: Overrides['onUpgrade'] = (upgrade) => upgrade.accept(undefined, echo);
    const { listener, port } = await listen({}, { onUpgrade, options: { maxConnections: 2 } });
    const first = raw(port, hello);
    await first.until(() => first.text.endsWith('GET / '));
    const socket = new WebSocket(listener.webSocketUrl);
    await once(socket, 'open');
    expect(listener.connections).toBe(2);
    const third = raw(port, hello);
    await third.closed();
    expect(third.text).not.toContain(' 200 ');
    expect([listener.connections, listener.refusedConnections]).toEqual([2, 1]);
    socket.close();
    await once(socket, 'close');
    first.destroy();
    await expect.poll(() => listener.connections).toBe(0);
    const fourth = raw(port, hello);
    await fourth.until(() => fourth.text.endsWith('GET / '));
    expect(fourth.statuses).toEqual([200]);
  });

  test.skipIf(addon() === undefined || process.platform !== 'linux')(
    'have the socket options that were asked for',
    async () => {
      const socket = { noDelay: false, quickAck: true, keepAlive: true, keepAliveIdleSeconds: 77 };
      const { listener, port } = await listen({}, { options: { socket } });
      expect([...(listener.notGranted ?? [])].toSorted()).toEqual(['noDelay', 'quickAck']);
      const client = raw(port, hello);
      await client.until(() => client.text.endsWith('GET / '));
      // ss tells the timer of keep-alive, which runs on the server's end alone.
      const end = execFileSync('ss', ['-Htno', 'sport', '=', `:${port}`], { encoding: 'utf8' });
      expect(end).toMatch(/timer:\(keepalive,1min1[0-9]sec/);
    },
  );
});

describe('draining', () => {
  test('lets answers at work end, tells clients to leave, and takes no more', async () => {
    const waiting: HttpExchange[] = [];
    const { listener, port } = await listen({}, { onRequest: (exchange) => void waiting.push(exchange) });
    const client = raw(port, hello);
    await expect.poll(() => waiting.length).toBe(1);
    const closed = listener.close();
    const late = raw(port, hello);
    await late.closed();
    expect(late.text).toBe('');
    waiting[0].respond(200, [], 'done');
    await Promise.all([closed, client.closed()]);
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*connection: close\r\n[\s\S]*done$/i);
    expect(listener.connections).toBe(0);
    await listener.close();
  });

  test('sends what is answered in the callback that closes it', async () => {
    const { listener, port } = await listen(
      {},
      {
        onBody: (exchange) => {
          void listener.close();
          exchange.respond(200, [], 'the last answer');
        },
      },
    );
    const client = raw(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx');
    await client.closed();
    await listener.close();
    expect(client.text).toMatch(/the last answer$/);
  });

  test('cuts what does not end in time', async () => {
    const streams: HttpStream[] = [];
    const { listener, port } = await listen(
      {},
      { onRequest: (exchange) => void streams.push(exchange.openStream(200, [])) },
    );
    const client = raw(port, hello);
    await expect.poll(() => streams.length).toBe(1);
    streams[0].write('begun');
    await Promise.all([listener.close({ drainTimeoutMs: 50 }), client.closed()]);
    expect(client.text).toContain('begun');
    expect(listener.counters.aborted).toBe(1);
  });

  test('lets WebSockets end what is in flight', async () => {
    const leaving = deferred();
    const gone = deferred();
    const onUpgrade: Overrides['onUpgrade'] = (upgrade) =>
      upgrade.accept(undefined, (transport) => {
        transport.start({
          onFrame: () => {},
          onLeave: () => {
            transport.send('the last answer');
            leaving.resolve();
            void transport.close().then(gone.resolve);
          },
          onClose: () => {},
        });
      });
    const { listener } = await listen({}, { onUpgrade });
    const socket = new WebSocket(listener.webSocketUrl);
    await once(socket, 'open');
    const heard = once(socket, 'message');
    const ended = once(socket, 'close');
    await Promise.all([listener.close(), leaving.promise, gone.promise]);
    expect(String((await heard)[0])).toBe('the last answer');
    expect((await ended)[0]).toBe(1001);
  });
});

test('a process that closed its listener ends by itself', () => {
  const script = `
    import { RpcServer } from './dist/index.js';
    const server = new RpcServer().method('hello', () => 'world');
    const listener = await server.listen('http://127.0.0.1:0/', { http: { engine: 'uws' } });
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'hello' });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(listener.url, { method: 'POST', body, headers });
    console.log(listener.engine, (await answer.json()).result);
    await server.close();
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(output).toBe('uws world\n');
});

describe('TLS', () => {
  const authority = new Authority();
  const first = authority.issue('first', 'DNS:localhost,IP:127.0.0.1');
  const second = authority.issue('second', 'DNS:localhost,IP:127.0.0.1');
  const other = authority.issue('other', 'DNS:*.example.com');
  const folder = mkdtempSync(join(tmpdir(), 'ringwire-uws-'));
  afterAll(() => {
    authority.remove();
    rmSync(folder, { recursive: true });
  });

  const files = { cert: { file: join(folder, 'cert.pem') }, key: { file: join(folder, 'key.pem') } };
  const write = ({ cert, key }: typeof first): void => {
    writeFileSync(files.cert.file, cert);
    writeFileSync(files.key.file, key);
  };

  const secure = (tls: TransportOptions['tls'], url = 'https://127.0.0.1:0/'): Promise<Served> =>
    listen({}, { url, options: { tls }, onUpgrade: (upgrade) => upgrade.accept(undefined, echo) });

  const dial = async (port: number, servername = 'localhost', more: object = {}): Promise<TLSSocket> => {
    const socket = connect({ port, host: '127.0.0.1', ca: authority.cert, servername, ...more });
    await once(socket, 'secureConnect');
    return socket;
  };

  const nameOf = (socket: TLSSocket): string => String(socket.getPeerCertificate().subject.CN);

  test('requests, WebSockets, and another certificate by name; no text is left on disk', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('ringwire-tls-'));
    const { listener, port } = await secure({ ...first, hosts: { '*.example.com': other } });
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('ringwire-tls-'))).toEqual(before);
    expect(listener.webSocketUrl).toBe(`wss://127.0.0.1:${port}/`);
    for (const [servername, name] of [
      ['localhost', 'first'],
      ['a.example.com', 'other'],
    ]) {
      const socket = await dial(port, servername);
      expect(nameOf(socket)).toBe(name);
      socket.write(hello);
      const [answer] = await once(socket, 'data');
      expect(String(answer)).toMatch(/GET \/ $/);
      socket.destroy();
      const options: ClientOptions = { ca: authority.cert, ...{ servername } };
      const client = new WebSocket(`wss://127.0.0.1:${port}/`, options);
      await once(client, 'open');
      client.send('over TLS');
      expect(String((await once(client, 'message'))[0])).toBe('over TLS');
      client.terminate();
    }
  });

  test('TLS 1.1 is refused', async () => {
    const { port } = await secure(first);
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await expect(dial(port, 'localhost', old)).rejects.toThrow();
  });

  test('new certificates serve new connections; open ones live on', async () => {
    write(first);
    const { listener, port } = await secure(files);
    const early = await dial(port);
    write(second);
    await listener.reloadTls?.();
    const late = await dial(port);
    expect([nameOf(early), nameOf(late)]).toEqual(['first', 'second']);
    for (const socket of [early, late]) {
      socket.write(hello);
      expect(String((await once(socket, 'data'))[0])).toMatch(/GET \/ $/);
      socket.destroy();
    }
    await expect(listener.reloadTls?.({ cert: first.cert, key: second.key })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    const after = await dial(port);
    expect(nameOf(after)).toBe('second');
    after.destroy();
  });

  test('changed files are taken where they are watched', async () => {
    write(first);
    const { port } = await secure({ ...files, watchIntervalMs: 20 });
    write(second);
    const seen = async (): Promise<string> => {
      const socket = await dial(port);
      const name = nameOf(socket);
      socket.destroy();
      return name;
    };
    await expect.poll(seen).toBe('second');
  });

  test('an address in use is refused', async () => {
    const { listener } = await secure(first);
    await expect(secure(first, listener.url)).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
  });

  test('what it cannot do is refused and names the engine that can', async () => {
    const ca = authority.cert;
    for (const tls of [
      { ...first, ca, clientCertificates: 'require' as const },
      { ...first, minVersion: 'TLSv1.3' as const },
    ]) {
      await expect(secure(tls)).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('node'),
      });
    }
    await expect(secure(undefined)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(readFileSync(files.cert.file, 'utf8')).toContain('CERTIFICATE');
  });
});

async function freePort(): Promise<number> {
  const { listener, port } = await serve();
  await listener.close();
  return port;
}
