/** WebSocket over uWebSockets.js as a transport, by contract; what peers do that break the protocol; pings. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { HttpListener, HttpUpgrade } from '../../src/transports/http/http-server.js';
import { connectTransport } from '../../src/transports/open.js';
import type { Transport, TransportOptions } from '../../src/transports/transport.js';
import { deferred, echo } from '../contract/peers.js';
import { type Linked, transportContract } from '../contract/transport-contract.js';
import { RawClient, serve } from './uws-support.js';

/** A pair over a listener of this engine; the ends are not started. */
async function link(options: TransportOptions): Promise<Linked> {
  const accepted = deferred<Transport>();
  const onUpgrade = (upgrade: HttpUpgrade): void => upgrade.accept(undefined, accepted.resolve);
  const { listener } = await serve(options.http, { onUpgrade, options, url: 'ws://127.0.0.1:0/' });
  const client = await connectTransport(listener.webSocketUrl, { ...options, implementation: 'auto' });
  return { client, server: await accepted.promise, listener };
}

transportContract({
  name: 'a client with a server on uWebSockets.js',
  url: () => 'ws://127.0.0.1:0/',
  implementation: 'twin',
  refusalEnds: true,
  alwaysReads: true,
  link,
});

transportContract({
  name: 'a server on uWebSockets.js with its client',
  url: () => 'ws://127.0.0.1:0/',
  implementation: 'native',
  refusalEnds: true,
  link: async (options) => {
    const { client, server, listener } = await link(options);
    return { client: server, server: client, listener };
  },
});

describe('what peers do wrong', () => {
  let listener: HttpListener;
  let client: WebSocket;
  const transports: Transport[] = [];

  const open = async (options: TransportOptions = {}): Promise<void> => {
    transports.length = 0;
    const onUpgrade = (upgrade: HttpUpgrade): void => {
      if (upgrade.path === '/refuse') upgrade.refuse(403, ['content-type', 'text/plain'], 'no');
      else
        upgrade.accept(upgrade.protocols[0], (transport) => {
          transports.push(transport);
          echo(transport);
        });
    };
    ({ listener } = await serve(options.http, { onUpgrade, options }));
    client = new WebSocket(listener.webSocketUrl, ['one', 'two']);
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

  test('the protocol that is taken is answered', async () => {
    await open();
    expect(client.protocol).toBe('one');
  });

  test('a binary message ends it with 1003', async () => {
    await open();
    client.send(Buffer.from('binary'));
    expect((await once(client, 'close'))[0]).toBe(1003);
  });

  test('a message over the limit ends it with 1009; one far over it is cut before it came', async () => {
    await open({ http: { webSocket: { maxMessageBytes: 100 } } });
    client.send('x'.repeat(100));
    expect(String((await once(client, 'message'))[0])).toHaveLength(100);
    client.send('x'.repeat(101));
    expect((await once(client, 'close'))[0]).toBe(1009);
    await listener.close({ drainTimeoutMs: 0 });
    await open({ http: { webSocket: { maxMessageBytes: 100 } } });
    client.on('error', () => {});
    client.send('x'.repeat(1_000_000));
    expect((await once(client, 'close'))[0]).toBe(1006);
  });

  test('text that is no UTF-8 is cut, also in fragments', async () => {
    await open();
    expect(await raw(frame(1, Buffer.from([0xc3, 0x28])))).toBe(1006);
    await listener.close({ drainTimeoutMs: 0 });
    await open();
    expect(
      await raw(Buffer.concat([frame(1, Buffer.from([0xc3]), false), frame(0, Buffer.from([0x28]))])),
    ).toBe(1006);
  });

  test('the bytes of fragments count together', async () => {
    await open({ http: { webSocket: { maxMessageBytes: 100 } } });
    const fragment = frame(0, Buffer.alloc(100, 'x'), false);
    const pieces = Array.from({ length: 1000 }, () => fragment);
    expect(await raw(Buffer.concat([frame(1, Buffer.from('x'), false), ...pieces]))).toBe(1006);
  });

  test('messages that come while paused are held up to a limit, then the connection ends', async () => {
    await open();
    transports[0].pause();
    const closed = once(client, 'close');
    client.on('error', () => {});
    for (let sent = 0; sent < 18; sent++) client.send('x'.repeat(1024 * 1024));
    expect((await closed)[0]).toBe(1013);
  });

  test('draining says 1001', async () => {
    await open();
    const closed = once(client, 'close');
    await Promise.all([listener.close(), closed]);
    expect((await closed)[0]).toBe(1001);
    expect(listener.connections).toBe(0);
  });

  test('a refused handshake is answered; another Upgrade is served as the request it also is', async () => {
    await open();
    const refused = new WebSocket(new URL('/refuse', listener.webSocketUrl));
    const [, answer] = await once(refused, 'unexpected-response');
    expect(answer.statusCode).toBe(403);
    const port = Number(new URL(listener.url).port);
    const other = new RawClient(port);
    other.write('GET /plain HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n');
    await other.until(() => other.text.endsWith('GET /plain '));
    expect(other.statuses).toEqual([200]);
    other.destroy();
    const old = new RawClient(port);
    old.write(
      'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 8\r\n' +
        'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await old.closed();
    expect(old.text).toMatch(/^HTTP\/1\.1 426 [\s\S]*sec-websocket-version: 13\r\n/);
  });

  test('accepting may wait for something else', async () => {
    const later = deferred();
    const onUpgrade = (upgrade: HttpUpgrade): void => {
      upgrade.keepHead();
      void later.promise.then(() => upgrade.accept(undefined, echo));
    };
    ({ listener } = await serve({}, { onUpgrade }));
    client = new WebSocket(listener.webSocketUrl);
    setImmediate(() => later.resolve());
    await once(client, 'open');
    client.send('late');
    expect(String((await once(client, 'message'))[0])).toBe('late');
  });

  test('a client that leaves before it is accepted is forgotten', async () => {
    const asked = deferred<HttpUpgrade>();
    ({ listener } = await serve({}, { onUpgrade: asked.resolve }));
    client = new WebSocket(listener.webSocketUrl);
    client.on('error', () => {});
    const upgrade = await asked.promise;
    client.terminate();
    await expect.poll(() => listener.connections).toBe(0);
    upgrade.accept(undefined, () => expect.unreachable());
    expect(listener.counters.aborted).toBe(1);
  });

  test('a peer that is silent is pinged, and cut when it stays silent', async () => {
    await open({ http: { webSocket: { pingIntervalMs: 20 } } });
    await once(client, 'ping');
    // Pongs keep it alive; without them it ends.
    await once(client, 'ping');
    client.pause();
    await expect.poll(() => listener.connections).toBe(0);
  });

  test('a handler that throws ends its connection alone', async () => {
    const onUpgrade = (upgrade: HttpUpgrade): void =>
      upgrade.accept(undefined, (transport) => {
        transport.start({
          onFrame: () => {
            throw new Error('thrown by a handler');
          },
          onClose: () => {},
        });
      });
    ({ listener } = await serve({}, { onUpgrade }));
    client = new WebSocket(listener.webSocketUrl);
    await once(client, 'open');
    client.send('x');
    await once(client, 'close');
    expect((await fetch(listener.url)).status).toBe(200);
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
    client.send('x'.repeat(1_000_000));
    expect((await once(client, 'close'))[0]).toBe(1006);
  });
});
