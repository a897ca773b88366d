/** What no WebSocket library sends, on both engines: attack A6, and its neighbours. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../unit/rpc-harness.js';
import type { WebSocketCase, WebSocketVerdict } from './websocket-case.js';
import { controlCases } from './websocket-cases-control.js';
import { frameCases } from './websocket-cases-frames.js';
import { textCases } from './websocket-cases-text.js';
import { close, fragments, ping, text } from './websocket-frames.js';
import { RawWebSocket } from './websocket-raw.js';
import {
  callText,
  type Engine,
  engines,
  markLength,
  type WebSocketServerUnderAttack,
  webSocketServer,
} from './websocket-server.js';

const cases: readonly WebSocketCase[] = [...frameCases, ...controlCases, ...textCases];
/** Of the call by which a connection shows that it goes on. */
const lastId = 99_999;

interface Answer {
  readonly id: number | null;
  readonly result?: string;
  readonly error?: { readonly code: number };
}

interface Outcome {
  readonly answers: readonly (number | null)[];
  readonly echo: string | undefined;
  readonly pongs: readonly string[];
  readonly calls: number;
  readonly closes: number | 'cut' | undefined;
  readonly isServing: boolean;
}

async function run(
  server: WebSocketServerUnderAttack,
  one: WebSocketCase,
  verdict: WebSocketVerdict,
  mark: string,
): Promise<Outcome> {
  const client = await RawWebSocket.open(server.port);
  for (const step of one.send((id, suffix = '') => callText(id, `${mark}${suffix}`))) await client.step(step);
  if (verdict.closes === undefined) {
    client.send(callText(lastId, mark));
    await client.until(() => client.texts.at(-1)?.includes(`"id":${lastId},`) === true || client.hasClosed);
  }
  if (verdict.closes !== undefined) await client.until(() => client.isClosed);
  const { isClosed, closeCode, pongs } = client;
  client.socket.destroy();
  const answers = client.texts.flatMap((message) => JSON.parse(message) as Answer | Answer[]);
  return {
    answers: answers.map(({ id, error }) => error?.code ?? id),
    echo: answers
      .findLast(({ result, id }) => result !== undefined && id !== lastId)
      ?.result?.slice(markLength),
    pongs,
    calls: server.calls.get(mark) ?? 0,
    closes: isClosed ? (closeCode ?? 'cut') : undefined,
    isServing: await server.serves(),
  };
}

function expected(verdict: WebSocketVerdict): Partial<Outcome> {
  const { answers = [], pongs = [], closes, echo } = verdict;
  const more = closes === undefined ? 1 : 0;
  return {
    answers: [...answers, ...new Array(more).fill(lastId)],
    ...(echo === undefined ? {} : { echo }),
    pongs,
    calls: (verdict.calls ?? answers.filter((id) => id >= 0).length) + more,
    closes,
    isServing: true,
  };
}

function verdictOn(engine: Engine, one: WebSocketCase): WebSocketVerdict {
  return (engine === 'uws' ? one.onUws : one.onNode)?.verdict ?? one.verdict;
}

describe.each(engines)('on the engine %s', (engine) => {
  let server: WebSocketServerUnderAttack;
  beforeAll(async () => {
    server = await webSocketServer(engine);
  });
  afterAll(() => server.close());

  it.each(cases.map((one, index) => [one.name, one, index] as const))('%s', async (_name, one, index) => {
    const verdict = verdictOn(engine, one);
    const outcome = await run(server, one, verdict, String(index).padStart(markLength, '0'));
    expect(outcome).toMatchObject(expected(verdict));
  });

  it('lives through frames that are damaged at random', async () => {
    const random = seededRandom(20_260_101);
    for (let count = 0; count < 300; count++) {
      const client = await RawWebSocket.open(server.port);
      const frames = Buffer.concat([
        text(callText(1, 'random00')),
        ping('p'),
        ...fragments([callText(2, 'random00'), ' ', '']),
        close(1000),
      ]);
      // One in two keeps the heads of its first frames.
      const from = count % 2 === 0 ? 0 : 60;
      for (let damage = 0; damage <= count % 5; damage++)
        frames[from + Math.floor(random() * (frames.length - from))] = Math.floor(random() * 256);
      const cut = Math.floor(random() * frames.length);
      await client.step(frames.subarray(0, cut));
      await client.step(frames.subarray(cut));
      client.socket.destroy();
      expect(client.texts.length).toBeLessThanOrEqual(8);
    }
    expect(await server.serves()).toBe(true);
  });

  it('has nothing thrown, and no connection left', async () => {
    expect(server.troubles).toEqual([]);
    await expect.poll(() => server.listener.connections).toBe(0);
  });
});

it('no two cases have the same name', () => {
  const names = cases.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});
