/** WebSocket over ws as a transport, both ends; what peers do that break the protocol; pings. And tls: by contract. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createRpcServer } from '../../src/rpc/server.js';
import type { HttpListener } from '../../src/transports/http/http-server.js';
import { connectTransport } from '../../src/transports/open.js';
import type { Transport, TransportOptions } from '../../src/transports/transport.js';
import { deferred } from '../contract/peers.js';
import { type Linked, transportContract } from '../contract/transport-contract.js';
import { Authority } from './certificates.js';
import { portOf, RawClient, serve, TestApplication } from './node-engine-support.js';

const authority = new Authority();
const pair = authority.issue('localhost', 'DNS:localhost,IP:127.0.0.1');
afterAll(() => authority.remove());

/** Accepts WebSockets and starts none of them. */
class Accepting extends TestApplication {
  readonly accepted = deferred<Transport>();

  override onUpgrade(upgrade: Parameters<TestApplication['onUpgrade']>[0]): void {
    upgrade.accept(undefined, (transport) => this.accepted.resolve(transport));
  }
}

async function linkWebSocket(url: string, options: TransportOptions): Promise<Linked> {
  const application = new Accepting();
  const listener = await serve(application, options, url);
  const client = await connectTransport(listener.webSocketUrl, options);
  const server = await application.accepted.promise;
  return { client, server, listener };
}

for (const scheme of ['ws', 'wss'] as const) {
  const tls = scheme === 'wss' ? { ...pair, ca: authority.cert } : undefined;
  transportContract({
    name: scheme,
    url: () => `${scheme}://127.0.0.1:0/`,
    implementation: 'twin',
    refusalEnds: true,
    link: (options) => linkWebSocket(`${scheme}://127.0.0.1:0/`, { ...options, tls }),
  });
}

transportContract({
  name: 'tls',
  url: () => 'tls://127.0.0.1:0',
  implementation: 'twin',
  connections: 50,
  options: { tls: { ...pair, ca: authority.cert } },
});

test('a server that closes answers the calls that are in flight over WebSocket, then says 1001', async () => {
  const server = createRpcServer();
  const called = deferred();
  const released = deferred<string>();
  server.method('slow', () => {
    called.resolve();
    return released.promise;
  });
  const listener = await server.listen('ws://127.0.0.1:0/', { http: { engine: 'node' } });
  const client = new WebSocket(listener.url);
  await once(client, 'open');
  const messages: string[] = [];
  client.on('message', (data) => messages.push(String(data)));
  client.send('{"jsonrpc":"2.0","id":1,"method":"slow"}');
  await called.promise;
  const closed = once(client, 'close');
  const closing = server.close();
  released.resolve('in time');
  expect((await closed)[0]).toBe(1001);
  expect(messages).toEqual(['{"jsonrpc":"2.0","id":1,"result":"in time"}']);
  await closing;
});

describe('what peers do wrong', () => {
  let application: TestApplication;
  let listener: HttpListener;
  let client: WebSocket;

  const open = async (options: TransportOptions = {}): Promise<void> => {
    application = new TestApplication();
    listener = await serve(application, options);
    client = new WebSocket(listener.webSocketUrl);
    await once(client, 'open');
  };

  afterEach(async () => {
    client.terminate();
    await listener.close({ drainTimeoutMs: 0 });
  });

  /** A frame of RFC 6455, section 5.2, masked with zeros. */
  const frame = (opcode: number, payload: Buffer, isLast = true): Buffer =>
    Buffer.concat([Buffer.from([(isLast ? 0x80 : 0) | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);

  const raw = async (bytes: Buffer): Promise<number> => {
    (client as unknown as { _socket: Writable })._socket.write(bytes);
    const [code] = await once(client, 'close');
    return code;
  };

  test('a binary message ends it with 1003', async () => {
    await open();
    client.send(Buffer.from('binary'));
    expect((await once(client, 'close'))[0]).toBe(1003);
  });

  test('a message over the limit ends it with 1009', async () => {
    await open({ http: { webSocket: { maxMessageBytes: 100 } } });
    client.send('x'.repeat(100));
    expect(String((await once(client, 'message'))[0])).toHaveLength(100);
    client.send('x'.repeat(101));
    expect((await once(client, 'close'))[0]).toBe(1009);
  });

  test('text that is no UTF-8 ends it with 1007', async () => {
    await open();
    expect(await raw(frame(1, Buffer.from([0xc3, 0x28])))).toBe(1007);
  });

  test('more fragments than allowed end it', async () => {
    await open({ http: { webSocket: { maxFragments: 3 } } });
    const fragment = frame(0, Buffer.from('x'), false);
    expect(await raw(Buffer.concat([frame(1, Buffer.from('x'), false), fragment, fragment, fragment]))).toBe(
      1008,
    );
  });

  test('draining says 1001', async () => {
    await open();
    const closed = once(client, 'close');
    await Promise.all([listener.close(), closed]);
    expect((await closed)[0]).toBe(1001);
  });

  test('a refused handshake is answered; another Upgrade is served as the request it also is', async () => {
    await open();
    const refused = new WebSocket(new URL('/refuse', listener.webSocketUrl));
    const [, answer] = await once(refused, 'unexpected-response');
    expect(answer.statusCode).toBe(403);
    const other = new RawClient(portOf(listener));
    other.write('GET /plain HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n');
    await other.until((text) => text.endsWith('plain'));
    expect(other.text).toMatch(/^HTTP\/1\.1 200 /);
    other.write('GET /plain HTTP/1.1\r\nhost: a\r\n\r\n');
    await other.until((text) => /plain.*plain$/s.test(text.replaceAll('text/plain', '')));
    other.socket.destroy();
    const bad = new RawClient(portOf(listener));
    bad.write(
      'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n',
    );
    expect(await bad.ended).toMatch(/^HTTP\/1\.1 400 .*Sec-WebSocket-Key is not 16 bytes in base64/s);
  });

  test('a peer that is silent is pinged, and cut when it stays silent', async () => {
    await open({ http: { webSocket: { pingIntervalMs: 20 } } });
    await once(client, 'ping');
    // Pongs keep it alive; without them it ends.
    await once(client, 'ping');
    client.pause();
    await expect.poll(() => listener.connections).toBe(0);
  });

  test('socket options that cannot be set are named', async () => {
    await open({ socket: { keepAlive: true, congestion: 'nosuch' } });
    await application.until(() => application.transports.length === 1);
    expect(application.transports[0].notGranted).toEqual(['congestion']);
  });

  test('permessage-deflate works where it is on, and is not offered where it is off', async () => {
    await open();
    expect(client.extensions).toBe('');
    client.terminate();
    await listener.close({ drainTimeoutMs: 0 });
    await open({ http: { webSocket: { deflate: true, maxMessageBytes: 100_000 } } });
    expect(client.extensions).toContain('permessage-deflate');
    client.send('x'.repeat(90_000));
    expect(String((await once(client, 'message'))[0])).toHaveLength(90_000);
    client.send('x'.repeat(100_001));
    expect((await once(client, 'close'))[0]).toBe(1009);
  });
});
