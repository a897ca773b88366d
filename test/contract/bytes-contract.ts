/** What a transport over a byte stream makes of bytes as they come: tests with a bare socket at the other end. */
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { listenTransport } from '../../src/transports/open.js';
import type { Listener, Transport, TransportOptions } from '../../src/transports/transport.js';
import { deferred, echo, numbered, Recorder } from './peers.js';
import type { TransportCase } from './transport-contract.js';

interface Served {
  readonly listener: Listener;
  /** A bare connection with it, and the transport at the server's end, not started. */
  dial(): Promise<{ readonly socket: Socket; readonly server: Transport }>;
}

async function serve(subject: TransportCase, options: TransportOptions = {}): Promise<Served> {
  let accepted = deferred<Transport>();
  const listener = await listenTransport(
    subject.url(),
    { ...options, implementation: subject.implementation },
    (transport) => accepted.resolve(transport),
  );
  const at = listener.url.startsWith('unix:')
    ? { path: listener.url.slice('unix:'.length) }
    : { host: '127.0.0.1', port: Number(listener.url.split(':').at(-1)) };
  return {
    listener,
    dial: async () => {
      accepted = deferred<Transport>();
      const socket = connect({ ...at, allowHalfOpen: true, noDelay: true });
      return { socket, server: await accepted.promise };
    },
  };
}

/** Everything a socket receives until its end. */
async function readToEnd(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function lengthFramed(frames: readonly string[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame) => {
      const prefix = Buffer.alloc(4);
      prefix.writeUInt32BE(Buffer.byteLength(frame));
      return [prefix, Buffer.from(frame)];
    }),
  );
}

export function bytesContract(subject: TransportCase): void {
  describe(`${subject.name}, byte by byte`, () => {
    framingContract(subject);
    peerContract(subject);
  });
}

function framingContract(subject: TransportCase): void {
  const frames = ['{"a":1}', 'é漢', 'x', '{"long":"..............................."}'];

  test('newline framing: every split in two writes gives the same frames', async () => {
    const bytes = Buffer.from(`\n${frames.join('\n\n')}\n`);
    await everySplit(subject, bytes, {}, frames);
  });

  test('length framing: every split in two writes gives the same frames', async () => {
    const bytes = lengthFramed(['', ...frames, '']);
    await everySplit(subject, bytes, { framing: 'length' }, frames);
  });

  test('a carriage return is white space and stays in the frame', async () => {
    const { listener, dial } = await serve(subject);
    const { socket, server } = await dial();
    const recorder = new Recorder(server);
    socket.end('{}\r\n{}\n');
    await recorder.closed;
    expect(recorder.frames).toEqual(['{}\r', '{}']);
    socket.destroy();
    await listener.close();
  });

  test('a frame of several megabytes in many reads', async () => {
    const { listener, dial } = await serve(subject);
    const { socket, server } = await dial();
    const recorder = new Recorder(server);
    const big = 'x'.repeat(4 * 1024 * 1024);
    socket.end(`${big}\nafter\n`);
    await recorder.closed;
    expect(recorder.frames.map((frame) => frame.length)).toEqual([big.length, 5]);
    socket.destroy();
    await listener.close();
  });

  test('an oversize line in many reads is reported once and holds no memory', async () => {
    const { listener, dial } = await serve(subject, { maxFrameBytes: 1000 });
    const { socket, server } = await dial();
    const recorder = new Recorder(server);
    socket.end(`${'x'.repeat(3 * 1024 * 1024)}\nafter\n`);
    await recorder.closed;
    expect(recorder.frameErrors.map((error) => error.code)).toEqual(['FRAME_TOO_LARGE']);
    expect(recorder.frames).toEqual(['after']);
    socket.destroy();
    await listener.close();
  });

  test('an oversize length is reported and closes: what follows cannot be framed', async () => {
    const { listener, dial } = await serve(subject, { maxFrameBytes: 1000, framing: 'length' });
    const { socket, server } = await dial();
    const recorder = new Recorder(server);
    socket.write(Buffer.from([0, 0, 0x03, 0xe9, 1, 2, 3]));
    const error = await recorder.closed;
    expect(error?.code).toBe('FRAME_TOO_LARGE');
    expect(error?.message).toContain('1001 bytes');
    expect(recorder.frameErrors).toEqual([error]);
    socket.destroy();
    await listener.close();
  });

  test('an end inside a frame is reported, the frame is not delivered', async () => {
    for (const [framing, bytes] of [
      ['newline', Buffer.from('whole\nhal')],
      ['length', Buffer.concat([lengthFramed(['whole']), Buffer.from([0, 0, 0, 9, 1, 2, 3])])],
    ] as const) {
      const { listener, dial } = await serve(subject, { framing });
      const { socket, server } = await dial();
      const recorder = new Recorder(server);
      socket.end(bytes);
      expect(await recorder.closed).toBeUndefined();
      expect(recorder.frames).toEqual(['whole']);
      expect(recorder.frameErrors.map((error) => error.code)).toEqual(['FRAME_INVALID']);
      expect(recorder.frameErrors[0].message).toContain('3 bytes');
      socket.destroy();
      await listener.close();
    }
  });

  test('setFraming() inside onFrame holds from the next byte on, in both directions', async () => {
    const { listener, dial } = await serve(subject);
    const { socket, server } = await dial();
    const frames: string[] = [];
    server.start({
      onFrame: (frame) => {
        frames.push(frame.toString());
        if (frames.length > 1) return;
        server.send('yes');
        server.setFraming?.('length');
        server.send('now');
      },
      onClose: () => {},
    });
    socket.end(Buffer.concat([Buffer.from('switch\n'), lengthFramed(['with\nnewline', 'b'])]));
    expect(await readToEnd(socket)).toBe(`yes\n${lengthFramed(['now'])}`);
    expect(frames).toEqual(['switch', 'with\nnewline', 'b']);
    await listener.close();
  });
}

/** Sends the bytes once for each place they can be cut in two, each on a connection of its own. */
async function everySplit(
  subject: TransportCase,
  bytes: Buffer,
  options: TransportOptions,
  frames: readonly string[],
): Promise<void> {
  const { listener, dial } = await serve(subject, options);
  for (let at = 0; at <= bytes.length; at++) {
    const { socket, server } = await dial();
    const recorder = new Recorder(server);
    await new Promise((resolve) => socket.write(bytes.subarray(0, at), resolve));
    // Without a turn of the loop both parts would arrive in one read.
    await new Promise((resolve) => setImmediate(resolve));
    socket.end(bytes.subarray(at));
    await recorder.closed;
    expect(recorder.frames, `cut at ${at}`).toEqual(frames);
    socket.destroy();
  }
  await listener.close();
}

function peerContract(subject: TransportCase): void {
  test('a peer that half-closes gets the answers to all it sent, then our end', async () => {
    const { listener, dial } = await serve(subject);
    const { socket, server } = await dial();
    echo(server);
    const frames = numbered(2000, 500);
    socket.end(`${frames.join('\n')}\n`);
    expect(await readToEnd(socket)).toBe(`${frames.join('\n')}\n`);
    await server.close();
    await listener.close();
  });

  test('with onEnd the owner decides when to close; later answers still leave', async () => {
    const { listener, dial } = await serve(subject);
    const { socket, server } = await dial();
    const closed = deferred();
    server.start({
      onFrame: () => {},
      onEnd: () => {
        setImmediate(() => {
          server.send('late answer');
          void server.close();
        });
      },
      onClose: () => closed.resolve(),
    });
    socket.end('question\n');
    expect(await readToEnd(socket)).toBe('late answer\n');
    await closed.promise;
    await listener.close();
  });

  test('a peer that ends while we are paused: the rest waits and is delivered', async () => {
    const { listener, dial } = await serve(subject);
    const { socket, server } = await dial();
    const frames: string[] = [];
    const first = deferred();
    const closed = deferred<unknown>();
    server.start({
      onFrame: (frame) => {
        frames.push(frame.toString());
        if (frames.length > 1) return;
        server.pause();
        first.resolve();
      },
      onClose: closed.resolve,
    });
    socket.end('1\n2\n3\n');
    await first.promise;
    await new Promise((resolve) => setImmediate(resolve));
    expect(frames).toEqual(['1']);
    server.resume();
    expect(await closed.promise).toBeUndefined();
    expect(frames).toEqual(['1', '2', '3']);
    socket.destroy();
    await listener.close();
  });

  test('a peer that is gone is reported once', async () => {
    const { listener, dial } = await serve(subject);
    const { socket, server } = await dial();
    const recorder = new Recorder(server);
    socket.write('one\n');
    await recorder.count(1);
    const reset = listener.url.startsWith('tcp:');
    if (reset) socket.resetAndDestroy();
    else socket.destroy();
    const error = await recorder.closed;
    expect(error?.code).toBe(reset ? 'CONNECTION_RESET' : undefined);
    expect(recorder.closes.length).toBe(1);
    expect(server.send('late')).toBe('full');
    await server.close();
    await listener.close();
  });

  test('a peer that is gone while we write is an error, not an end in good order', async () => {
    const { listener, dial } = await serve(subject);
    const { socket, server } = await dial();
    const recorder = new Recorder(server);
    const frame = 'x'.repeat(64 * 1024);
    while (server.send(frame) !== 'full');
    socket.destroy();
    const error = await recorder.closed;
    expect(error?.code).toBe('CONNECTION_RESET');
    expect(error?.message).toContain(listener.url);
    expect(server.bufferedBytes).toBe(0);
    await listener.close();
  });

  test('replies of one tick leave in few writes', async () => {
    const { listener, dial } = await serve(subject);
    const { socket, server } = await dial();
    echo(server);
    const chunks: Buffer[] = [];
    const frames = numbered(500);
    const all = deferred();
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (Buffer.concat(chunks).toString().split('\n').length > frames.length) all.resolve();
    });
    socket.write(`${frames.join('\n')}\n`);
    await all.promise;
    expect(Buffer.concat(chunks).toString()).toBe(`${frames.join('\n')}\n`);
    expect(chunks.length).toBeLessThan(10);
    socket.destroy();
    await server.close();
    await listener.close();
  });
}
