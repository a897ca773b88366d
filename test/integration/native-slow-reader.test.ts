/** Clients that ask for much and read nothing: what they hold is bounded, nobody else waits, nothing is lost. */
import { setImmediate as immediate } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { EnvelopeFlag } from '../../src/binding/constants.generated.js';
import { DirectServer } from '../../src/rpc/direct/direct-server.js';
import type { Peer } from '../../src/rpc/peer.js';
import type { LineSocket } from './line-socket.js';
import { cleanUp, client, type Served, serve } from './native-support.js';

afterEach(cleanUp);

const highWatermarkBytes = 256 * 1024;
const readWindowBytes = 64 * 1024;
const answerBytes = 50_000;
const requests = 600;

/** Requests of the same method, with ids from 0. */
function requestsFor(method: string, count: number): string {
  let text = '';
  for (let id = 0; id < count; id += 1) text += `{"jsonrpc":"2.0","id":${id},"method":"${method}"}\n`;
  return text;
}

/** The most its transport held over that many turns of the loop in which nothing moved any more. */
async function mostHeld({ server }: Served, reader: LineSocket): Promise<number> {
  let most = 0;
  let last = -1;
  for (let quiet = 0; quiet < 50; ) {
    await immediate();
    const peers = [...server.connections] as Peer[];
    const held = Math.max(...peers.map((peer) => peer.transport.bufferedBytes));
    most = Math.max(most, held);
    // The kernel's buffers fill while the client writes: quiet is when neither side moves.
    const moved = held + reader.socket.writableLength;
    quiet = moved === last ? quiet + 1 : 0;
    last = moved;
  }
  return most;
}

async function expectAll(reader: LineSocket, count: number): Promise<void> {
  reader.socket.resume();
  const lines = await reader.first(count);
  const seen = new Set<number>();
  for (const line of lines) {
    const { id, result } = JSON.parse(line) as { id: number; result: string };
    expect(result.length).toBe(answerBytes);
    seen.add(id);
  }
  expect(seen.size).toBe(count);
}

describe.each(['native', 'twin'] as const)('a client that does not read, %s', (implementation) => {
  test('synchronous answers: bounded, others are served, and all arrive once it reads', async () => {
    const served = await serve(
      implementation,
      { stallTimeoutMs: 600_000 },
      { highWatermarkBytes, lowWatermarkBytes: 1_000 },
    );
    let calls = 0;
    served.server.method('big', () => {
      calls += 1;
      return 'é'.repeat(answerBytes);
    });
    const slow = await client(served.url);
    slow.socket.pause();
    slow.write(requestsFor('big', requests));
    const most = await mostHeld(served, slow);
    expect(most).toBeGreaterThanOrEqual(highWatermarkBytes);
    // The answers of one hand-over may stand above the watermark before it is looked at.
    expect(most).toBeLessThan(highWatermarkBytes + 2 * 1024 * 1024);
    expect(calls).toBeLessThan(requests);
    const callsBefore = calls;
    const other = await client(served.url);
    other.write('{"jsonrpc":"2.0","id":"other","method":"echo"}\n');
    expect(await other.first(1)).toEqual(['{"jsonrpc":"2.0","id":"other","result":null}']);
    expect(calls).toBe(callsBefore);
    await expectAll(slow, requests);
    expect(calls).toBe(requests);
  });

  test.each([
    ['JSON alone', undefined],
    ['encodings', ['msgpack'] as const],
  ])(
    'asynchronous answers beyond maxBacklogBytes where %s is offered: the connection is cut, others are served',
    async (_what, encodings) => {
      const errors: (string | undefined)[] = [];
      const served = await serve(
        implementation,
        {
          encodings,
          maxBacklogBytes: 1024 * 1024,
          stallTimeoutMs: 600_000,
          onClose: (error) => void errors.push(error?.code),
        },
        { highWatermarkBytes },
      );
      served.server.method('big-later', async () => 'x'.repeat(answerBytes));
      const slow = await client(served.url);
      const other = await client(served.url);
      slow.socket.pause();
      slow.write(requestsFor('big-later', requests));
      // Its socket notices the end only when it reads.
      while (errors.length === 0) await immediate();
      expect(errors).toEqual(['OVERLOADED']);
      other.write('{"jsonrpc":"2.0","id":"other","method":"echo"}\n');
      expect(await other.first(1)).toEqual(['{"jsonrpc":"2.0","id":"other","result":null}']);
      if (implementation === 'native') expect(served.server.nativeCounters?.callsInFlight).toBe(0);
    },
  );
});

test('answers that never see JavaScript: reading pauses at the watermark', async () => {
  const anyRequest = {
    flagsMask: EnvelopeFlag.HasProgressToken,
    flagsValue: 0,
    connectionMask: 0,
    connectionValue: 0,
  };
  let routes: DirectServer | undefined;
  const served = await serve(
    'native',
    {
      direct: {
        profiles: [anyRequest],
        install: (direct) => {
          routes = direct;
          direct.reply({ method: 'fixed', profiles: 1 }, JSON.stringify('y'.repeat(answerBytes)));
        },
      },
    },
    { highWatermarkBytes, lowWatermarkBytes: 1_000 },
  );
  expect(routes).toBeInstanceOf(DirectServer);
  const slow = await client(served.url);
  slow.socket.pause();
  slow.write(requestsFor('fixed', requests));
  const most = await mostHeld(served, slow);
  expect(most).toBeGreaterThanOrEqual(highWatermarkBytes);
  expect(most).toBeLessThan(highWatermarkBytes + answerBytes + readWindowBytes);
  expect(served.server.nativeCounters?.nativeReplies).toBeLessThan(requests);
  const other = await client(served.url);
  other.write('{"jsonrpc":"2.0","id":"other","method":"fixed"}\n');
  await other.first(1);
  await expectAll(slow, requests);
  expect(served.server.nativeCounters?.nativeReplies).toBe(requests + 1);
});
