/** An MCP server over HTTP whose tool "wait" ends, and whose time passes, when the test says so. */
import type { McpContext } from '../../src/mcp/context.js';
import { createServer, type McpServer } from '../../src/mcp/index.js';
import type { ServerOptions } from '../../src/mcp/server-options.js';
import { DeadlineQueue } from '../../src/rpc/deadline-queue.js';
import { serveHttp, type TestServer } from './mcp-http-support.js';
import { deferred, ManualClock, turn } from './rpc-harness.js';

const open: TestServer[] = [];

/** Closes what setup() made; for afterEach(). */
export async function closeAll(): Promise<void> {
  for (const each of open.splice(0)) await each.close();
}

export interface Setup {
  readonly server: McpServer;
  readonly http: TestServer;
  readonly clock: ManualClock;
  /** Settles the handler of "wait". */
  readonly finish: (value: unknown) => void;
  /** Context of the last call of "wait". */
  readonly context: () => McpContext;
}

export async function setup(options: Partial<ServerOptions> = {}): Promise<Setup> {
  const clock = new ManualClock();
  let context: McpContext | undefined;
  let finish: (value: unknown) => void = () => {};
  const server = createServer({
    name: 'modern',
    version: '1',
    ...options,
    http: { keepAliveIntervalMs: 0, ...options.http },
    rpc: { deadlines: new DeadlineQueue(clock), servedTimeoutMs: 1_000, ...options.rpc },
  })
    .tool('wait', (_, given) => {
      context = given;
      const { promise, resolve } = deferred();
      finish = resolve;
      return promise as Promise<string>;
    })
    .tool('echo', (args) => JSON.stringify(args))
    .tool('steps', async (_, given) => {
      given.progress(1, 2, 'half');
      given.log('info', 'said');
      await turn();
      return 'done';
    });
  const http = await serveHttp(server);
  open.push(http);
  return { server, http, clock, finish: (value) => finish(value), context: () => context as McpContext };
}

/** A number of the application's. */
export function gauge(http: TestServer, name: string): number | undefined {
  return http.application.gauges?.().find(([each]) => each === name)?.[2];
}
