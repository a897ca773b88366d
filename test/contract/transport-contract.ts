/**
 * The contract every transport fulfils (src/transports/transport.ts), as tests. An implementation is a line in
 * transports.test.ts.
 */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { connectTransport, listenTransport } from '../../src/transports/open.js';
import type { Listener, Transport, TransportOptions } from '../../src/transports/transport.js';
import { deferred, echo, numbered, Recorder } from './peers.js';

export interface Linked {
  readonly client: Transport;
  /** The other end, not started. */
  readonly server: Transport;
  readonly listener: Listener;
}

/** An implementation whose two ends both live in this process. */
export interface TransportCase {
  readonly name: string;
  /** A fresh address to listen on. */
  url(): string;
  readonly implementation: 'native' | 'twin';
  /** What both ends need beside what a test sets. */
  readonly options?: TransportOptions;
  /** How many connections are made at once; default 1,000. */
  readonly connections?: number;
  /** A frame over the limit ends the connection: the protocol says so. */
  readonly refusalEnds?: boolean;
  /** The other end cannot stop reading: pause() holds back what comes. */
  readonly alwaysReads?: boolean;
  /** Connects a pair, where listenTransport() does not serve the address; then the contract of listeners is left out. */
  readonly link?: (options: TransportOptions) => Promise<Linked>;
}

/** Connects a pair; both ends take the options. */
export async function link(subject: TransportCase, options: TransportOptions = {}): Promise<Linked> {
  const all = { ...subject.options, ...options, implementation: subject.implementation };
  if (subject.link !== undefined) return subject.link(all);
  const accepted = deferred<Transport>();
  const listener = await listenTransport(subject.url(), all, accepted.resolve);
  const client = await connectTransport(listener.url, all);
  return { client, server: await accepted.promise, listener };
}

async function unlink({ client, server, listener }: Linked): Promise<void> {
  client.destroy();
  server.destroy();
  await Promise.all([client.close(), server.close(), listener.close()]);
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

export function transportContract(subject: TransportCase): void {
  describe(subject.name, () => {
    deliveryContract(subject);
    limitContract(subject);
    backpressureContract(subject);
    closingContract(subject);
    if (subject.link === undefined) scaleContract(subject);
  });
}

function deliveryContract(subject: TransportCase): void {
  test('says what it is', async () => {
    const linked = await link(subject);
    expect(linked.client.implementation).toBe(subject.implementation);
    expect(linked.client.kind).toBe(linked.listener.url.split(':')[0].replace('wss', 'ws'));
    expect(linked.server.peer.kind).toBe(linked.client.kind);
    expect(linked.client.bufferedBytes).toBe(0);
    await unlink(linked);
  });

  test('10,000 frames come in order, text and bytes mixed', async () => {
    const linked = await link(subject);
    echo(linked.server);
    const client = new Recorder(linked.client);
    const frames = numbered(10_000);
    await client.sendAll(frames.map((frame, index) => (index % 2 === 0 ? frame : Buffer.from(frame))));
    await client.count(frames.length);
    expect(client.frames).toEqual(frames);
    expect(client.ticks).toBeGreaterThan(0);
    expect(client.ticks).toBeLessThan(frames.length);
    await unlink(linked);
  });

  test('every Unicode character survives', async () => {
    const linked = await link(subject);
    echo(linked.server);
    const client = new Recorder(linked.client);
    const text = '"\u0000\u2028é漢\u{1f600}"'.replaceAll('\u0000', '\\u0000');
    linked.client.send(text);
    await client.count(1);
    expect(client.frames).toEqual([text]);
    await unlink(linked);
  });

  test('a buffer may be changed as soon as send() returned', async () => {
    const linked = await link(subject);
    echo(linked.server);
    const client = new Recorder(linked.client);
    const frame = Buffer.from('first');
    linked.client.send(frame);
    frame.write('wrong');
    await client.count(1);
    expect(client.frames).toEqual(['first']);
    await unlink(linked);
  });

  test('frames that arrive before start() wait', async () => {
    const linked = await link(subject);
    const client = new Recorder(linked.client);
    await client.sendAll(['one', 'two']);
    const late = await link(subject);
    echo(late.server);
    const clock = new Recorder(late.client);
    late.client.send('round trip');
    await clock.count(1);
    const server = new Recorder(linked.server);
    await server.count(2);
    expect(server.frames).toEqual(['one', 'two']);
    await unlink(linked);
    await unlink(late);
  });

  test('empty frames are not delivered', async () => {
    const linked = await link(subject);
    const client = new Recorder(linked.client);
    const server = new Recorder(linked.server);
    await client.sendAll(['', 'a', '', '', 'b', '']);
    await client.sendAll(['end']);
    await server.count(3);
    expect(server.frames).toEqual(['a', 'b', 'end']);
    await unlink(linked);
  });

  test('after pause() nothing is delivered, not even from the same read', async () => {
    const linked = await link(subject);
    const client = new Recorder(linked.client);
    const frames: string[] = [];
    let arrived = deferred();
    linked.server.start({
      onFrame: (frame) => {
        frames.push(frame.toString());
        linked.server.pause();
        arrived.resolve();
      },
      onClose: () => {},
    });
    await client.sendAll(['1', '2', '3']);
    for (const expected of [['1'], ['1', '2'], ['1', '2', '3']]) {
      await arrived.promise;
      expect(frames).toEqual(expected);
      arrived = deferred();
      linked.server.resume();
    }
    await unlink(linked);
  });

  test('start() twice is refused', async () => {
    const linked = await link(subject);
    new Recorder(linked.client);
    expect(() => new Recorder(linked.client)).toThrow(/called once/);
    await unlink(linked);
  });
}

function limitContract(subject: TransportCase): void {
  test.skipIf(subject.refusalEnds)(
    'the largest frame passes; one byte more is refused once, and the connection goes on',
    async () => {
      const maxFrameBytes = 100_000;
      const linked = await link(subject, { maxFrameBytes });
      const client = new Recorder(linked.client);
      const server = new Recorder(linked.server);
      const largest = 'x'.repeat(maxFrameBytes);
      await client.sendAll([largest, `${largest}y`, 'after']);
      await server.until(() => server.frames.at(-1) === 'after');
      expect(server.frames.map((frame) => frame.length)).toEqual([maxFrameBytes, 5]);
      expect(server.frameErrors.map((error) => error.code)).toEqual(['FRAME_TOO_LARGE']);
      expect(server.frameErrors[0].message).toContain(`maxFrameBytes (${maxFrameBytes})`);
      await unlink(linked);
    },
  );

  test('without onFrameError a refused frame closes the connection with the error', async () => {
    const linked = await link(subject, { maxFrameBytes: 10 });
    const client = new Recorder(linked.client);
    const server = new Recorder(linked.server, { onFrameError: undefined });
    await client.sendAll(['x'.repeat(11)]);
    expect((await server.closed)?.code).toBe('FRAME_TOO_LARGE');
    await client.closed;
    await unlink(linked);
  });
}

function backpressureContract(subject: TransportCase): void {
  test('a peer that does not read: bounded memory, then nothing is lost', async () => {
    const highWatermarkBytes = 256 * 1024;
    const frameBytes = 64 * 1024;
    const linked = await link(subject, { highWatermarkBytes });
    const client = new Recorder(linked.client);
    linked.server.pause();
    const server = new Recorder(linked.server);
    const frames = numbered(400, frameBytes);
    // The kernel's buffers end some time; a loop turn lets it take what it can.
    let sent = 0;
    let refusals = 0;
    while (refusals < 20 && sent < frames.length) {
      if (linked.client.send(frames[sent]) === 'full') {
        refusals++;
        await new Promise((resolve) => setImmediate(resolve));
      } else sent++;
      expect(linked.client.bufferedBytes).toBeLessThanOrEqual(highWatermarkBytes + frameBytes + 4);
    }
    expect(sent).toBeLessThan(frames.length);
    expect(server.frames).toEqual([]);
    linked.server.resume();
    await client.sendAll(frames.slice(sent));
    await server.count(frames.length);
    expect(server.frames).toEqual(frames);
    expect(client.drains).toBeGreaterThan(0);
    await expect.poll(() => linked.client.bufferedBytes).toBeLessThan(highWatermarkBytes);
    await unlink(linked);
  });

  test('a frame larger than the watermark is accepted when nothing else waits', async () => {
    const linked = await link(subject, { highWatermarkBytes: 1000 });
    const client = new Recorder(linked.client);
    const server = new Recorder(linked.server);
    expect(linked.client.send('x'.repeat(5000))).not.toBe('full');
    await client.sendAll(['second']);
    await server.count(2);
    expect(server.frames.map((frame) => frame.length)).toEqual([5000, 6]);
    await unlink(linked);
  });
}

function closingContract(subject: TransportCase): void {
  test('close() delivers what was sent before, then both ends close once, without error', async () => {
    const linked = await link(subject);
    const client = new Recorder(linked.client);
    const server = new Recorder(linked.server);
    const frames = numbered(12, 64 * 1024);
    for (const frame of frames) expect(linked.client.send(frame)).not.toBe('full');
    await Promise.all([linked.client.close(), server.closed]);
    expect(server.frames).toEqual(frames);
    expect(server.closes).toEqual([undefined]);
    expect(client.closes).toEqual([undefined]);
    expect(linked.client.send('late')).toBe('full');
    await unlink(linked);
    expect([client.closes.length, server.closes.length]).toEqual([1, 1]);
  });

  test('close() while the peer is slow waits for it', async () => {
    const linked = await link(subject);
    const client = new Recorder(linked.client);
    linked.server.pause();
    const server = new Recorder(linked.server);
    const frames = numbered(100, 64 * 1024);
    let sent = 0;
    while (linked.client.send(frames[sent]) !== 'full') sent++;
    const closing = linked.client.close();
    linked.server.resume();
    await Promise.all([closing, server.closed]);
    expect(server.frames).toEqual(frames.slice(0, sent));
    expect([...client.closes, ...server.closes]).toEqual([undefined, undefined]);
    await unlink(linked);
  });

  test.skipIf(subject.alwaysReads)(
    'close() to a peer that never reads ends with an error after closeTimeoutMs',
    async () => {
      const linked = await link(subject, { closeTimeoutMs: 50 });
      const client = new Recorder(linked.client);
      const frame = 'x'.repeat(64 * 1024);
      for (let refusals = 0; refusals < 20; ) {
        if (linked.client.send(frame) !== 'full') continue;
        refusals++;
        await new Promise((resolve) => setImmediate(resolve));
      }
      await linked.client.close();
      expect(client.closes.map((error) => error?.code)).toEqual(['CONNECTION_CLOSED']);
      expect(client.closes[0]?.message).toMatch(/dropped \d+ bytes.*closeTimeoutMs \(50\)/);
      await unlink(linked);
    },
  );

  test('close() twice and at both ends', async () => {
    const linked = await link(subject);
    const client = new Recorder(linked.client);
    const server = new Recorder(linked.server);
    await Promise.all([linked.client.close(), linked.client.close(), linked.server.close()]);
    await linked.client.close();
    await Promise.all([client.closed, server.closed]);
    expect([...client.closes, ...server.closes]).toEqual([undefined, undefined]);
    await unlink(linked);
  });

  test('destroy() reports its error here, once, and ends the peer', async () => {
    const linked = await link(subject);
    const client = new Recorder(linked.client);
    const server = new Recorder(linked.server);
    const { RingwireError } = await import('../../src/errors.js');
    linked.client.destroy(new RingwireError('OVERLOADED', 'enough'));
    linked.client.destroy(new RingwireError('INTERNAL', 'second'));
    expect((await client.closed)?.code).toBe('OVERLOADED');
    await server.closed;
    expect(client.closes.length).toBe(1);
    expect(linked.client.send('late')).toBe('full');
    await unlink(linked);
  });

  test('destroy() inside onFrame stops the delivery', async () => {
    const linked = await link(subject);
    const client = new Recorder(linked.client);
    const frames: string[] = [];
    const closed = deferred();
    linked.server.start({
      onFrame: (frame) => {
        frames.push(frame.toString());
        linked.server.destroy();
      },
      onClose: () => closed.resolve(),
    });
    await client.sendAll(['1', '2', '3']);
    await closed.promise;
    expect(frames).toEqual(['1']);
    await unlink(linked);
  });

  test('a transport that was never started can be closed; one closed before start() reports it', async () => {
    const linked = await link(subject);
    await linked.server.close();
    const server = new Recorder(linked.server);
    expect(await server.closed).toBeUndefined();
    const client = new Recorder(linked.client);
    await client.closed;
    await unlink(linked);
  });
}

function scaleContract(subject: TransportCase): void {
  const { connections = 1000 } = subject;
  test(`${connections} connections at once, and no descriptor is left`, async () => {
    const before = openDescriptors();
    const options = { ...subject.options, implementation: subject.implementation };
    const servers: Transport[] = [];
    const listener = await listenTransport(subject.url(), options, (server) => {
      servers.push(server);
      echo(server);
    });
    const clients = await Promise.all(
      Array.from(
        { length: connections },
        async () => new Recorder(await connectTransport(listener.url, options)),
      ),
    );
    for (const [index, client] of clients.entries()) client.transport.send(`frame ${index}`);
    await Promise.all(clients.map((client) => client.count(1)));
    expect(listener.connections).toBe(connections);
    for (const [index, client] of clients.entries()) expect(client.frames).toEqual([`frame ${index}`]);
    await Promise.all(clients.map((client) => client.transport.close()));
    await Promise.all(servers.map((server) => server.close()));
    expect(listener.connections).toBe(0);
    await listener.close();
    expect(openDescriptors()).toBeLessThanOrEqual(before);
  });

  test('connections beyond maxConnections are refused and counted', async () => {
    const options = { ...subject.options, implementation: subject.implementation, maxConnections: 1 };
    const listener = await listenTransport(subject.url(), options, echo);
    const first = new Recorder(await connectTransport(listener.url, options));
    await first.sendAll(['in']);
    await first.count(1);
    const second = await connectTransport(listener.url, options).then(
      (transport) => new Recorder(transport).closed,
      (error: unknown) => (error as { code: string }).code,
    );
    expect([undefined, 'CONNECTION_LIMIT', 'CONNECTION_RESET']).toContain(second);
    expect(listener.refusedConnections).toBe(1);
    await first.sendAll(['still']);
    await first.count(2);
    await first.transport.close();
    await listener.close();
  });

  test('a closed listener accepts no more; connections made so far live on', async () => {
    const linked = await link(subject);
    echo(linked.server);
    await linked.listener.close();
    await linked.listener.close();
    const options = { ...subject.options, implementation: subject.implementation };
    const refused = connectTransport(linked.listener.url, options);
    await expect(refused).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
    const client = new Recorder(linked.client);
    await client.sendAll(['alive']);
    await client.count(1);
    await unlink(linked);
  });

  test('an address in use is refused and named', async () => {
    const options = { ...subject.options, implementation: subject.implementation };
    const listener = await listenTransport(subject.url(), options, echo);
    await expect(listenTransport(listener.url, options, echo)).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: expect.stringContaining(listener.url),
    });
    await listener.close();
    const again = await listenTransport(listener.url, options, echo);
    expect(again.url).toBe(listener.url);
    await again.close();
  });

  test('an aborted signal ends connecting and listening', async () => {
    const options = { ...subject.options, implementation: subject.implementation };
    const controller = new AbortController();
    const listener = await listenTransport(subject.url(), { ...options, signal: controller.signal }, echo);
    const aborted = { ...options, signal: AbortSignal.abort() };
    await expect(connectTransport(listener.url, aborted)).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(listenTransport(subject.url(), aborted, echo)).rejects.toMatchObject({ code: 'CANCELLED' });
    controller.abort();
    await listener.close();
    await expect(connectTransport(listener.url, options)).rejects.toMatchObject({
      code: 'CONNECTION_REFUSED',
    });
  });
}
