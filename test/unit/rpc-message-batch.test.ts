/** Connections that deliver message by message, served in batches: what comes in one turn, over all of them. */
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, type McpServer } from '../../src/mcp/server.js';
import { createRpcServer, type RpcServer } from '../../src/rpc/server.js';
import type { Transport, TransportHandlers } from '../../src/transports/transport.js';

/** A WebSocket whose messages are given by hand, so that a test says what comes in one turn. */
class HandFed implements Transport {
  readonly kind = 'ws';
  readonly implementation = 'twin';
  readonly peer = { kind: 'ws' } as const;
  readonly bufferedBytes = 0;
  readonly sent: { id?: unknown; result?: unknown; error?: { message: string } }[] = [];
  isPaused = false;
  /** Messages it takes before it is full. */
  room = Number.POSITIVE_INFINITY;
  #handlers: TransportHandlers | undefined;
  #waiters: (() => void)[] = [];

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
  }

  deliver(message: object): void {
    this.#handlers?.onFrame(Buffer.from(JSON.stringify(message)));
  }

  send(frame: Uint8Array | string): 'sent' | 'full' {
    if (this.room === 0) return 'full';
    this.room -= 1;
    this.sent.push(JSON.parse(String(frame)));
    for (const wake of this.#waiters.splice(0)) wake();
    return 'sent';
  }

  async answers(count: number): Promise<void> {
    while (this.sent.length < count) await new Promise<void>((wake) => this.#waiters.push(wake));
  }

  drain(room: number): void {
    this.room = room;
    this.#handlers?.onDrain?.();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  async close(): Promise<void> {
    this.destroy();
  }

  destroy(): void {
    const handlers = this.#handlers;
    this.#handlers = undefined;
    handlers?.onClose();
  }
}

let server: RpcServer | McpServer | undefined;

afterEach(async () => {
  await server?.close({ drainTimeoutMs: 0 });
});

const _meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('several batches in one turn', () => {
  function serveSlowly(): { wire: HandFed; call: (id: number, padding?: number) => void; open: () => void } {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const mcp = createServer({ name: 'slow', version: '1.0.0' });
    mcp.tool('slow', { inputSchema: { type: 'object' } }, async () => {
      await gate;
      return 'done';
    });
    server = mcp;
    const wire = new HandFed();
    mcp.attach(wire);
    const call = (id: number, padding = 0): void => {
      const params = { name: 'slow', arguments: { padding: 'x'.repeat(padding) }, _meta };
      wire.deliver({ jsonrpc: '2.0', id, method: 'tools/call', params });
    };
    return { wire, call, open };
  }

  it('answers calls that were at work when the next batch came', async () => {
    const { wire, call, open } = serveSlowly();
    call(1);
    // Too large for a batch: what came before it is served first.
    call(2, 20_000);
    call(3);
    await turn();
    await turn();
    open();
    await wire.answers(3);
    expect(wire.sent.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
    expect(wire.sent.every(({ result }) => result !== undefined)).toBe(true);
  });

  it('answers more calls than a batch holds', async () => {
    const { wire, call, open } = serveSlowly();
    for (let id = 0; id < 1_030; id += 1) call(id);
    await turn();
    await turn();
    open();
    await wire.answers(1_030);
    expect(new Set(wire.sent.map(({ id }) => id)).size).toBe(1_030);
  });

  it('cancels calls of an earlier batch', async () => {
    const { wire, call, open } = serveSlowly();
    call(1);
    call(2, 20_000);
    call(3);
    wire.deliver({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, _meta } });
    await turn();
    await turn();
    open();
    await wire.answers(2);
    expect(wire.sent.map(({ id }) => id).sort()).toEqual([2, 3]);
  });
});

describe('a connection that ends during a batch', () => {
  it('leaves nothing of its own to one that is opened meanwhile', async () => {
    const rpc = createRpcServer();
    server = rpc;
    const [gone, other, fresh] = [new HandFed(), new HandFed(), new HandFed()];
    const attach = (wire: HandFed, principal: string): void => {
      rpc.attach(wire).auth = { principal, scopes: [] };
    };
    const callers: unknown[] = [];
    rpc.method('who', (_params, { auth }) => {
      callers.push(auth?.principal);
      return auth?.principal;
    });
    rpc.method('replace', () => {
      gone.destroy();
      attach(fresh, 'fresh');
      return true;
    });
    attach(gone, 'gone');
    attach(other, 'other');
    other.deliver({ jsonrpc: '2.0', id: 1, method: 'replace' });
    gone.deliver({ jsonrpc: '2.0', id: 2, method: 'who' });
    await other.answers(1);
    await turn();
    await turn();
    expect(callers).toEqual([]);
    expect(fresh.sent).toEqual([]);
    fresh.deliver({ jsonrpc: '2.0', id: 3, method: 'who' });
    await fresh.answers(1);
    expect(fresh.sent).toEqual([{ jsonrpc: '2.0', id: 3, result: 'fresh' }]);
  });
});

describe('a client that does not read', () => {
  it('is not read from again while what waited for it fills it anew', async () => {
    const rpc = createRpcServer();
    server = rpc;
    rpc.method('echo', (params) => params);
    const wire = new HandFed();
    wire.room = 0;
    rpc.attach(wire);
    // Large enough to be served, and their answers sent, one by one.
    const echo = (id: number): void =>
      wire.deliver({ jsonrpc: '2.0', id, method: 'echo', params: ['x'.repeat(100_000)] });
    echo(1);
    expect(wire.isPaused).toBe(true);
    // What was on its way already.
    for (const id of [2, 3, 4]) echo(id);
    wire.drain(2);
    expect(wire.sent.map(({ id }) => id)).toEqual([1, 2]);
    expect(wire.isPaused).toBe(true);
    wire.drain(10);
    expect(wire.sent.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    expect(wire.isPaused).toBe(false);
  });
});
