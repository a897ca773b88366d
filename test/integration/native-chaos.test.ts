/** Many clients at once that split, pause, reset and half-close as drawn: whoever stays gets exactly its answers. */
import { setImmediate as immediate } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { dispatchCorpus } from './dispatch-corpus.js';
import { LineSocket } from './line-socket.js';
import { cleanUp, type Served, serve } from './native-support.js';

afterEach(cleanUp);

type Draw = (below: number) => number;

/** The same draws for the same seed. */
function drawFrom(seed: number): Draw {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Every echo is told apart by its client and number; `big` answers exceed the watermark. */
const methods = ['echo', 'later', 'much-later', 'repeat', 'big', 'unknown'] as const;

/** Frames that are answered with nothing, or with what does not matter here. */
const noise = dispatchCorpus().filter(({ frame, replies }) => replies === 0 && frame.length < 500);

function requestsOf(
  name: string,
  count: number,
  draw: Draw,
): { readonly text: string; readonly ids: string[] } {
  const ids: string[] = [];
  let text = '';
  for (let number = 0; number < count; number += 1) {
    const id = `${name}/${number}`;
    ids.push(id);
    const method = methods[draw(methods.length)];
    const params =
      method === 'repeat'
        ? { units: draw(40) === 0 ? 100_000 : draw(300), text: 'é😀'.slice(0, 1 + draw(3)) }
        : { id, text: 'x'.repeat(draw(30) === 0 ? 80_000 : draw(200)) };
    text += `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`;
    if (draw(10) === 0) text += `${noise[draw(noise.length)].frame}\n`;
  }
  return { text, ids };
}

/** Writes in pieces of drawn sizes, pausing the reading side now and then. */
async function writeInPieces(socket: LineSocket, bytes: Buffer, draw: Draw): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const size = draw(4) === 0 ? 1 + draw(20) : 1 + draw(100_000);
    socket.write(bytes.subarray(at, at + size));
    at += size;
    if (draw(3) === 0) socket.socket.pause();
    if (draw(2) === 0) await immediate();
    if (draw(3) === 0) socket.socket.resume();
  }
  socket.socket.resume();
}

async function live({ url }: Served, name: string, draw: Draw): Promise<'cut' | 'served'> {
  const socket = await LineSocket.connect(url);
  const { text, ids } = requestsOf(name, 1 + draw(60), draw);
  const end = draw(4);
  const bytes = Buffer.from(text);
  if (end === 0) {
    // Goes without a word, perhaps in the middle of a frame, perhaps with answers on their way.
    await writeInPieces(socket, bytes.subarray(0, draw(bytes.length)), draw);
    if (draw(2) === 0) await immediate();
    socket.socket.resetAndDestroy();
    await socket.closed;
    return 'cut';
  }
  await writeInPieces(socket, bytes, draw);
  if (end === 1) {
    socket.socket.end();
    await socket.closed;
  } else {
    await socket.first(ids.length);
    await socket.close();
  }
  const answered = socket.lines.map((line) => (JSON.parse(line) as { id: string }).id);
  expect(answered.toSorted()).toEqual(ids.toSorted());
  for (const line of socket.lines) {
    const { id, result } = JSON.parse(line) as { id: string; result?: { id?: string } };
    if (result?.id !== undefined) expect(result.id).toBe(id);
  }
  return 'served';
}

describe.each([1, 2, 3])('clients that do as drawn, seed %i', (seed) => {
  test('native', async () => {
    const served = await serve(
      'native',
      { stallTimeoutMs: 600_000 },
      { highWatermarkBytes: 100_000, lowWatermarkBytes: 10_000 },
    );
    served.server.method('big', (params) => ({ ...(params as object), more: 'y'.repeat(30_000) }));
    const draw = drawFrom(seed);
    const outcomes: string[] = [];
    for (let wave = 0; wave < 6; wave += 1) {
      const clients = Array.from({ length: 25 }, (_, number) =>
        live(served, `${wave}/${number}`, drawFrom(draw(2 ** 30))),
      );
      outcomes.push(...(await Promise.all(clients)));
    }
    expect(outcomes.filter((outcome) => outcome === 'served').length).toBeGreaterThan(80);
    expect(outcomes.filter((outcome) => outcome === 'cut').length).toBeGreaterThan(10);
    const { server } = served;
    while (server.nativeCounters!.callsInFlight > 0 || server.connections.size > 0) await immediate();
    expect(served.handlerErrors.filter((error) => !error.includes('secret'))).toEqual([]);
  });
});
