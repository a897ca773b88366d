/**
 * JavaScript's half of the native stream engine: hands the records of each loop tick to the connections, listeners
 * and call handler they belong to. A server has an engine of its own, because routes belong to one server; everything
 * else in a thread shares one.
 */
import { requireAddon } from '../../binding/addon.js';
import { BatchField, BatchKind, EngineState } from '../../binding/constants.generated.js';
import type { NativeStreamEngine } from '../../binding/native.js';
import * as limits from '../../limits.js';
import type { CallHandler } from './call-handler.js';
import type { NativeConnection } from './connection.js';
import type { NativeListener } from './listener.js';

/** How a connect attempt ends: status 0 or a negative libuv error. */
export type OnConnected = (status: number) => void;

/** Errors of user code must not cost the rest of the batch: they surface as uncaught exceptions of their own. */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

let shared: NativeEngine | undefined;

export class NativeEngine {
  readonly native: NativeStreamEngine;
  readonly records: Int32Array;
  readonly replies: Int32Array;
  /** The receive arena as a Buffer; what it holds changes with every tick. */
  readonly arena: Buffer;
  /** By index. A slot is taken over only after its earlier connection was told that it is closed. */
  readonly connections: (NativeConnection | undefined)[] = [];
  readonly listeners: (NativeListener | undefined)[] = [];
  /** Counts deliveries, from 1. */
  batch = 0;
  readonly connecting = new Map<number, OnConnected>();
  #calls: CallHandler | undefined;
  readonly #state: Int32Array;
  readonly #touched: NativeConnection[] = [];

  /** Throws ADDON_UNAVAILABLE. */
  constructor(maxDepth: number = limits.maxDepth) {
    const { StreamEngine } = requireAddon();
    this.native = new StreamEngine(
      (count, joined) => this.#deliver(count, joined),
      () => this.#calls?.collect(),
      maxDepth,
    );
    this.records = new Int32Array(this.native.records);
    this.replies = new Int32Array(this.native.replies);
    this.arena = Buffer.from(this.native.arena);
    this.#state = new Int32Array(this.native.state);
  }

  /** The engine of this thread for everything that has no routes. */
  static shared(): NativeEngine {
    shared ??= new NativeEngine();
    return shared;
  }

  /** Routes and reply templates. */
  get table(): NativeStreamEngine {
    return this.native;
  }

  get largeFrames(): NativeStreamEngine {
    return this.native;
  }

  /** Serves the calls of connections whose Dispatch flag is set. */
  serveCalls(handler: CallHandler): void {
    this.#calls = handler;
  }

  /** Has the call handler's collect() run before the loop polls next. */
  requestCollect(): void {
    this.#state[EngineState.CollectRequested] = 1;
  }

  /** Hands over what the call handler has collected so far: a connection that closes sends it first. */
  collectNow(): void {
    this.#calls?.collect();
  }

  /** Closes what is left of it. The engine is of no use afterwards. */
  close(): void {
    this.native.shutDown();
    for (const connection of this.connections) connection?.closed(0);
    for (const listener of this.listeners) listener?.closed();
  }

  /** The connection will hear the end of this tick. */
  touch(connection: NativeConnection): void {
    this.#touched.push(connection);
  }

  #deliver(count: number, joined: string | undefined): void {
    const { records } = this;
    const calls = this.#calls;
    this.batch += 1;
    calls?.begin(joined);
    for (let i = 0, base = 0; i < count; i++, base += BatchField.Count) {
      try {
        if (records[base] === BatchKind.Call) {
          // Answers to frames before this call leave before its own.
          if (this.#touched.length > 0) this.#endTicks();
          calls!.call(base);
        } else {
          this.#dispatchEvent(records[base], base);
        }
      } catch (error) {
        throwLater(error);
      }
    }
    calls?.end();
    this.#endTicks();
  }

  #endTicks(): void {
    for (const connection of this.#touched) {
      try {
        connection.tickEnded();
      } catch (error) {
        throwLater(error);
      }
    }
    this.#touched.length = 0;
  }

  #dispatchEvent(kind: number, base: number): void {
    const { records } = this;
    const first = records[base + BatchField.Start];
    const generation = records[base + BatchField.Generation];
    const connection = this.connections[records[base + BatchField.Connection]];
    if (connection !== undefined && connection.generation === generation) {
      this.#tellConnection(connection, kind, first, records[base + BatchField.End]);
    } else if (kind === BatchKind.Accepted) {
      this.listeners[first]?.accepted(records[base + BatchField.Connection], generation);
    } else if (kind === BatchKind.AcceptFailed) {
      this.listeners[first]?.acceptFailed();
    } else if (kind === BatchKind.ListenerClosed) {
      this.listeners[first]?.closed();
    } else if (kind === BatchKind.Connected) {
      this.connecting.get(generation)?.(first);
    }
  }

  #tellConnection(connection: NativeConnection, kind: number, first: number, second: number): void {
    switch (kind) {
      case BatchKind.Frame:
        this.#calls?.beforeFrame();
        connection.frame(this.arena.subarray(first, second), second);
        break;
      case BatchKind.LargeFrame:
        this.#calls?.beforeFrame();
        connection.frame(Buffer.from(this.native.takeLargeFrame(first)!), -1);
        break;
      case BatchKind.Ended:
        connection.ended(second === 1 ? first : -1);
        break;
      case BatchKind.Closed:
        connection.closed(first);
        break;
      case BatchKind.Drained:
        connection.drained();
        break;
      case BatchKind.FrameTooLarge:
        connection.frameTooLarge(first);
        break;
    }
  }
}
