/** WebSocket messages served in batches: what only messages can be, and ends in the middle of things. */
import { setImmediate as immediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Peer } from '../../src/rpc/peer.js';
import { createRpcServer, type RpcServer, type RpcServerOptions } from '../../src/rpc/server.js';
import { connectTransport } from '../../src/transports/open.js';
import type { Transport } from '../../src/transports/transport.js';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Caller {
  readonly transport: Transport;
  readonly answers: string[];
  /** Resolves when so many answers have come. */
  count(wanted: number): Promise<string[]>;
  readonly closed: Promise<void>;
}

async function caller(url: string): Promise<Caller> {
  const transport = await connectTransport(url);
  cleanups.push(() => transport.close());
  const answers: string[] = [];
  let check = (): void => {};
  let close = (): void => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  transport.start({
    onFrame(frame) {
      answers.push(frame.toString());
      check();
    },
    onClose: () => close(),
  });
  return {
    transport,
    answers,
    closed,
    count: (wanted) =>
      new Promise((resolve) => {
        check = () => {
          if (answers.length >= wanted) resolve(answers);
        };
        check();
      }),
  };
}

for (const engine of ['uws', 'node'] as const) {
  describe(`messages over the ${engine} engine`, () => {
    async function serve(add: (server: RpcServer) => void, options?: RpcServerOptions): Promise<string> {
      const server = createRpcServer(options);
      add(server);
      cleanups.push(() => server.close({ drainTimeoutMs: 0 }));
      return (await server.listen('ws://127.0.0.1:0/', { http: { engine } })).url;
    }

    it('may have line breaks in them, beside others in the same turn', async () => {
      const url = await serve((server) => server.method('echo', (params) => params));
      const { transport, count } = await caller(url);
      const one = (id: number, gap: string) =>
        `{${gap}"jsonrpc":"2.0",${gap}"id":${id},"method":"echo","params":{${gap}"text":"t${id}"}}${gap}`;
      for (const [index, gap] of ['', '\n', '\r\n', '\n\n', ' '].entries()) transport.send(one(index, gap));
      // Two messages in one is none.
      transport.send(`${one(5, '')}\n${one(6, '')}`);
      transport.send(one(7, ''));
      const answers = await count(7);
      const ok = (id: number) => `{"jsonrpc":"2.0","id":${id},"result":{"text":"t${id}"}}`;
      expect(answers.slice(0, 5)).toEqual([0, 1, 2, 3, 4].map(ok));
      expect(answers[5]).toContain('-32700');
      expect(answers[6]).toBe(ok(7));
    });

    it('are answered to whom they came from, however many connections share a turn', async () => {
      const url = await serve((server) =>
        server
          .method('echo', (params) => params)
          .method('later', async (params) => {
            await immediate();
            return params;
          }),
      );
      const callers = await Promise.all(Array.from({ length: 20 }, () => caller(url)));
      for (let id = 0; id < 100; id += 1) {
        for (const [index, { transport }] of callers.entries()) {
          const method = (id + index) % 3 === 0 ? 'later' : 'echo';
          transport.send(
            `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":["${index}","${'é'.repeat(index)}"]}`,
          );
        }
      }
      for (const [index, { count }] of callers.entries()) {
        const answers = await count(100);
        const expected = Array.from(
          { length: 100 },
          (_, id) => `{"jsonrpc":"2.0","id":${id},"result":["${index}","${'é'.repeat(index)}"]}`,
        );
        expect(answers.toSorted()).toEqual(expected.toSorted());
      }
    });

    it('of every length come back, in order', async () => {
      const url = await serve((server) => server.method('length', ([text]: string[]) => text.length));
      const { transport, count } = await caller(url);
      const lengths = [0, 1, 100, 16_000, 17_000, 70_000, 3, 300_000, 5, 15_000, 15_000, 15_000];
      for (const [id, length] of lengths.entries()) {
        const text = 'x'.repeat(length);
        transport.send(`{"jsonrpc":"2.0","id":${id},"method":"length","params":["${text}"]}`);
      }
      expect(await count(lengths.length)).toEqual(
        lengths.map((length, id) => `{"jsonrpc":"2.0","id":${id},"result":${length}}`),
      );
    });

    it('are cancelled by a message of the same turn', async () => {
      const aborted: string[] = [];
      const url = await serve((server) =>
        server
          .method('hang', (_params, { signal, id }) => {
            return new Promise((_resolve, reject) => {
              signal.addEventListener('abort', () => {
                aborted.push(String(id));
                reject(signal.reason);
              });
            });
          })
          .method('echo', (params) => params ?? null),
      );
      const { transport, count } = await caller(url);
      transport.send('{"jsonrpc":"2.0","id":1,"method":"hang"}');
      transport.send('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}');
      transport.send('{"jsonrpc":"2.0","id":2,"method":"echo"}');
      expect(await count(1)).toEqual(['{"jsonrpc":"2.0","id":2,"result":null}']);
      expect(aborted).toEqual(['1']);
    });

    it('at work when their connection ends are aborted', async () => {
      let abort = (): void => {};
      const aborted = new Promise<void>((resolve) => {
        abort = resolve;
      });
      let enter = (): void => {};
      const entered = new Promise<void>((resolve) => {
        enter = resolve;
      });
      const url = await serve((server) =>
        server.method('hang', (_params, { signal }) => {
          signal.addEventListener('abort', abort);
          enter();
          return new Promise(() => {});
        }),
      );
      const { transport } = await caller(url);
      transport.send('{"jsonrpc":"2.0","id":1,"method":"hang"}');
      await entered;
      transport.destroy();
      await aborted;
    });

    it('behind one whose handler ends the connection are dropped', async () => {
      const served: number[] = [];
      const url = await serve((server) =>
        server.method('end', ([number]: number[], { connection }) => {
          served.push(number);
          (connection as Peer).destroy();
          return null;
        }),
      );
      const { transport, closed } = await caller(url);
      for (const number of [1, 2, 3])
        transport.send(`{"jsonrpc":"2.0","id":${number},"method":"end","params":[${number}]}`);
      await closed;
      expect(served).toEqual([1]);
    });

    it('of a client that does not read wait, and are all answered when it does', async () => {
      const text = 'z'.repeat(100_000);
      const url = await serve((server) => server.method('large', ([id]: number[]) => `${id}${text}`));
      const { transport, count, answers } = await caller(url);
      transport.pause();
      for (let id = 0; id < 300; id += 1)
        transport.send(`{"jsonrpc":"2.0","id":${id},"method":"large","params":[${id}]}`);
      for (let turn = 0; turn < 20; turn += 1) await immediate();
      expect(answers).toEqual([]);
      transport.resume();
      const all = await count(300);
      for (const [id, answer] of all.entries())
        expect(answer).toBe(`{"jsonrpc":"2.0","id":${id},"result":"${id}${text}"}`);
    });
  });
}
