/** Requests that the native engine routes, against the generic path: the same bytes come back. */
import { afterEach, describe, expect, test } from 'vitest';
import type { RpcServerOptions } from '../../src/rpc/server.js';
import { type CorpusEntry, dispatchCorpus } from './dispatch-corpus.js';
import { cleanUp, client, type Implementation, type Served, serve } from './native-support.js';

afterEach(cleanUp);

/** Sends the pieces one after the other, then an echo that comes last, and returns all lines but its answer. */
async function answers(url: string, pieces: readonly Uint8Array[], replies: number): Promise<string[]> {
  const socket = await client(url);
  for (const piece of pieces) await socket.writeAll(piece);
  await socket.first(replies);
  socket.write('{"jsonrpc":"2.0","id":"the-end","method":"echo"}\n');
  const lines = await socket.first(replies + 1);
  expect(lines.at(-1)).toBe('{"jsonrpc":"2.0","id":"the-end","result":null}');
  await socket.close();
  return lines.slice(0, -1);
}

const frameOf = ({ frame }: CorpusEntry): Buffer => Buffer.concat([Buffer.from(frame), Buffer.from('\n')]);
const repliesOf = (entries: readonly CorpusEntry[]): number =>
  entries.reduce((sum, { replies }) => sum + replies, 0);

async function both(options: RpcServerOptions = {}): Promise<{ native: Served; twin: Served }> {
  return { native: await serve('native', options), twin: await serve('twin', options) };
}

/** Sends the same pieces to both; the answers must be the same, in any order. */
async function compare(
  { native, twin }: { native: Served; twin: Served },
  pieces: readonly Uint8Array[],
  replies: number,
): Promise<string[]> {
  const expected = await answers(twin.url, pieces, replies);
  const got = await answers(native.url, pieces, replies);
  expect(got.toSorted()).toEqual(expected.toSorted());
  expect(native.noted).toEqual(twin.noted);
  expect(native.handlerErrors.toSorted()).toEqual(twin.handlerErrors.toSorted());
  expect(native.server.nativeCounters?.callsInFlight).toBe(0);
  return got;
}

describe('the answers of the native engine are those of the generic path', () => {
  const corpus = dispatchCorpus();

  test('one frame at a time', async () => {
    expect(corpus.length).toBeGreaterThan(300);
    const servers = await both();
    const sockets = { native: await client(servers.native.url), twin: await client(servers.twin.url) };
    let lines = 0;
    for (const entry of corpus) {
      lines += entry.replies;
      for (const socket of [sockets.native, sockets.twin]) {
        socket.write(frameOf(entry));
        await socket.first(lines);
      }
      const from = lines - entry.replies;
      expect(sockets.native.lines.slice(from), String(entry.frame).slice(0, 300)).toEqual(
        sockets.twin.lines.slice(from),
      );
    }
    expect(servers.native.noted).toEqual(servers.twin.noted);
    expect(servers.native.handlerErrors).toEqual(servers.twin.handlerErrors);
  });

  test.each([true, false])('all in one write, batches %s', async (batches) => {
    const servers = await both({ batches: () => batches });
    await compare(servers, [Buffer.concat(corpus.map(frameOf))], repliesOf(corpus));
  });

  test('synchronous answers come in the order of their requests', async () => {
    const ordered = corpus.filter(({ isSync }) => isSync);
    expect(ordered.length).toBeGreaterThan(100);
    const { native } = await both();
    const lines = await answers(native.url, [Buffer.concat(ordered.map(frameOf))], ordered.length);
    const { twin } = await both();
    expect(lines).toEqual(await answers(twin.url, [Buffer.concat(ordered.map(frameOf))], ordered.length));
  });

  test('split at every byte', async () => {
    const few = corpus.filter(({ frame }, index) => frame.length < 200 && index % 12 === 0);
    const bytes = Buffer.concat(few.map(frameOf));
    const servers = await both();
    const expected = await answers(servers.twin.url, [bytes], repliesOf(few));
    const socket = await client(servers.native.url);
    for (let at = 0; at < bytes.length; at += 1) await socket.writeAll(bytes.subarray(at, at + 1));
    const lines = await socket.first(expected.length);
    expect([...lines].sort()).toEqual(expected.sort());
  });

  test('with interceptors', async () => {
    const servers = await both();
    const seen: Record<Implementation, string[]> = { native: [], twin: [] };
    for (const name of ['native', 'twin'] as const) {
      servers[name].server.use((call, next) => {
        seen[name].push(`${call.method} ${call.context.id}`);
        if (call.method === 'nothing') return 'intercepted';
        return next(call);
      });
    }
    await compare(servers, [Buffer.concat(corpus.map(frameOf))], repliesOf(corpus));
    expect(seen.native.toSorted()).toEqual(seen.twin.toSorted());
    expect(seen.native.length).toBeGreaterThan(200);
  });

  test('with errors exposed', async () => {
    const servers = await both({ exposeErrors: true });
    const lines = await compare(servers, [Buffer.concat(corpus.map(frameOf))], repliesOf(corpus));
    expect(lines.some((line) => line.includes('secret'))).toBe(true);
  });

  test('2,000 requests in one write', async () => {
    const entries = Array.from({ length: 2_000 }, (_, index) => {
      const method = ['echo', 'later', 'much-later', 'fail'][index % 4];
      return `{"jsonrpc":"2.0","id":${index},"method":"${method}","params":{"index":${index},"text":"é${index}"}}\n`;
    });
    const servers = await both();
    await compare(servers, [Buffer.from(entries.join(''))], entries.length);
  });

  test('more requests in one write than a batch has records', async () => {
    const entries = Array.from(
      { length: 12_000 },
      (_, index) => `{"jsonrpc":"2.0","id":${index},"method":"echo"}\n`,
    );
    const servers = await both();
    const lines = await compare(servers, [Buffer.from(entries.join(''))], entries.length);
    expect(lines[11_999]).toBe('{"jsonrpc":"2.0","id":11999,"result":null}');
  });
});
