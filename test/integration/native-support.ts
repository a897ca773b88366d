/** A server with methods of every kind, and bare sockets to it; test files register `cleanUp` with afterEach. */
import { setImmediate as immediate } from 'node:timers/promises';
import { RpcError } from '../../src/errors.js';
import { createRpcServer, type RpcServer, type RpcServerOptions } from '../../src/rpc/server.js';
import type { TransportOptions } from '../../src/transports/transport.js';
import { LineSocket } from './line-socket.js';

export type Implementation = 'native' | 'twin';

const cleanups: (() => Promise<unknown>)[] = [];

/** Has something done after the test; the latest first. */
export function onCleanUp(cleanup: () => Promise<unknown>): void {
  cleanups.push(cleanup);
}

export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

export interface Served {
  readonly server: RpcServer;
  readonly url: string;
  /** Params of the notifications that arrived. */
  readonly noted: unknown[];
  /** Errors told to onHandlerError. */
  readonly handlerErrors: string[];
}

function addMethods(server: RpcServer, noted: unknown[]): void {
  server
    .method('echo', (params) => params ?? null)
    .method('nothing', () => undefined)
    .method('later', async (params) => params ?? null)
    .method('much-later', async (params) => {
      await immediate();
      await immediate();
      return params ?? null;
    })
    .method('fail', () => {
      throw new RpcError(-32001, 'No "luck" today \u2028', { why: 'because' });
    })
    .method('fail-later', async () => {
      await immediate();
      throw new RpcError(-32002, 'no', [1]);
    })
    .method('crash', () => {
      throw new Error('secret');
    })
    .method('crash-later', () => Promise.reject(new TypeError('secret')))
    .method('throw-string', () => {
      throw 'text';
    })
    .method('circular', () => {
      const circle: Record<string, unknown> = {};
      circle.self = circle;
      return circle;
    })
    .method('circular-later', async () => {
      const circle: Record<string, unknown> = {};
      circle.self = circle;
      return circle;
    })
    .method('bigint', () => 1n)
    .method('to-json', () => ({ toJSON: () => 'made' }))
    .method('thenable', (params) => ({
      // biome-ignore lint/suspicious/noThenProperty: a promise of another library
      then: (resolve: (value: unknown) => void) => resolve(params),
    }))
    .method('thenable-of-promise', (params) => ({
      // biome-ignore lint/suspicious/noThenProperty: a promise of another library
      then: (resolve: (value: unknown) => void) => resolve(Promise.resolve(params ?? 'inner')),
    }))
    .method('thenable-that-throws', () => ({
      // biome-ignore lint/suspicious/noThenProperty: a promise of another library
      then: () => {
        throw new RpcError(-32003, 'thrown in then()');
      },
    }))
    .method<{ units: number; text: string }>('repeat', ({ units, text }) => text.repeat(units))
    .method('context', (_params, context) => ({
      id: context.id,
      method: context.method,
      meta: context.meta ?? null,
      trace: context.trace ?? null,
    }))
    .method('context-later', async (_params, context) => {
      await immediate();
      return { id: context.id, meta: context.meta ?? null, aborted: context.signal.aborted };
    })
    .method<{ steps: number }>('steps', ({ steps }, context) => {
      for (let step = 1; step <= steps; step += 1) context.progress(step, steps);
      return steps;
    })
    .method('unicode-ключ', (params) => params)
    .notification('note', (params) => {
      noted.push(params);
    })
    .notification('note-crash', () => {
      throw new Error('secret');
    });
}

export async function serve(
  implementation: Implementation,
  options: RpcServerOptions = {},
  transport: TransportOptions = {},
): Promise<Served> {
  const noted: unknown[] = [];
  const handlerErrors: string[] = [];
  const server = createRpcServer({
    onHandlerError: (error, method) => handlerErrors.push(`${method}: ${String(error)}`),
    ...options,
  });
  addMethods(server, noted);
  cleanups.push(() => server.close({ drainTimeoutMs: 0 }));
  const { url } = await server.listen('tcp://127.0.0.1:0', { implementation, ...transport });
  return { server, url, noted, handlerErrors };
}

export async function client(url: string): Promise<LineSocket> {
  const socket = await LineSocket.connect(url);
  cleanups.push(() => socket.close());
  return socket;
}
