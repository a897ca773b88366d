/** What tests of loads share: plans that are over soon, and servers that answer lines as a test says. */
import { createServer as createNetServer, type Socket } from 'node:net';
import { createServer, type McpServer } from '../../src/index.js';
import type { LoadOperation, LoadPlan, LoadTarget, LoadWatch } from '../../src/workbench/load/load-plan.js';

export const echoCall: LoadOperation = {
  name: 'call',
  weight: 0.2,
  method: 'tools/call',
  params: { name: 'echo', arguments: { text: 'hello wörld' } },
};
export const read: LoadOperation = {
  name: 'read',
  weight: 0.7,
  method: 'resources/read',
  params: { uri: 'bench://hello' },
};
export const subscribe: LoadOperation = {
  name: 'subscribe',
  weight: 0.1,
  method: 'subscriptions/listen',
  params: { notifications: { resourceSubscriptions: ['bench://hello'] } },
  expect: 'subscription',
};

/** A load of an eighth of a second. */
export function shortPlan(target: string | LoadTarget, changes: Partial<LoadPlan> = {}): LoadPlan {
  return {
    target: typeof target === 'string' ? { url: target } : target,
    era: 'modern',
    operations: [read, echoCall, subscribe],
    connections: 2,
    depth: 4,
    warmupSeconds: 0.02,
    seconds: 0.12,
    ...changes,
  };
}

/** A server of ours with the things that the mix asks for. */
export function mixedServer(): McpServer {
  return createServer({ name: 'loaded', version: '1.0.0' })
    .tool(
      'echo',
      { inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } },
      ({ text }) => String(text),
    )
    .tool('refuse', () => {
      throw new Error('This tool always fails.');
    })
    .resource('bench://hello', { name: 'hello', mimeType: 'text/plain' }, 'hello world');
}

export interface Line {
  readonly id: number;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface LineServer {
  readonly url: string;
  /** Requests so far. */
  readonly count: number;
  readonly connections: number;
  close(): Promise<void>;
}

/** A TCP server of lines; `answer` is told of each request, with its number, and writes to the socket what it likes. */
export async function serveLines(
  answer: (line: Line, socket: Socket, number: number) => void,
): Promise<LineServer> {
  const sockets = new Set<Socket>();
  let count = 0;
  let connections = 0;
  const server = createNetServer((socket) => {
    connections += 1;
    sockets.add(socket);
    let partial = '';
    socket.setEncoding('utf8');
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk: string) => {
      const lines = (partial + chunk).split('\n');
      partial = lines.pop() ?? '';
      for (const line of lines) if (!socket.destroyed) answer(JSON.parse(line), socket, ++count);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `tcp://127.0.0.1:${port}`,
    get count() {
      return count;
    },
    get connections() {
      return connections;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The line of a result. */
export function resultLine(id: number, result: unknown = { ok: true }): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`;
}

/** Ends a load once it has seen enough, so that a busy machine takes as long as it needs. Wants short intervals. */
export function until(isEnough: (messages: number, errors: number) => boolean): LoadWatch {
  const stop = new AbortController();
  let messages = 0;
  let errors = 0;
  return {
    signal: stop.signal,
    onInterval: (interval) => {
      // The warm-up is no part of what is reported.
      if (interval.atSeconds <= 0) return;
      messages += interval.messages;
      errors += interval.errors;
      if (isEnough(messages, errors)) stop.abort();
    },
  };
}

/** With until(): much longer than it takes. */
export const unhurried = { seconds: 20, intervalMs: 50 } as const;
