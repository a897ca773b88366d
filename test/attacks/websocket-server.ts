/** The server under attack: plain JSON-RPC over WebSocket, with a method that keeps account of who called it. */
import { createRpcServer, type RpcServer } from '../../src/rpc/server.js';
import type { HttpOptions, WebSocketOptions } from '../../src/transports/http/http-options.js';
import type { HttpListener } from '../../src/transports/http/http-server.js';
import type { TransportOptions } from '../../src/transports/transport.js';
import { RawWebSocket } from './websocket-raw.js';

export const engines = ['uws', 'node'] as const;
export type Engine = (typeof engines)[number];

/** Messages up to this size are taken. */
export const maxMessageBytes = 1024 * 1024;

/** Calls are counted by this much of what they are given. */
export const markLength = 8;

export interface WebSocketServerUnderAttack {
  readonly server: RpcServer;
  readonly listener: HttpListener;
  readonly url: string;
  readonly port: number;
  /** How often each mark was called. */
  readonly calls: Map<string, number>;
  /** What the process was warned of, and exceptions nobody caught. */
  readonly troubles: string[];
  /** Whether a new connection is answered. */
  serves(): Promise<boolean>;
  close(): Promise<void>;
}

export async function webSocketServer(
  engine: Engine,
  webSocket: WebSocketOptions = {},
  { http, options }: { readonly http?: HttpOptions; readonly options?: TransportOptions } = {},
): Promise<WebSocketServerUnderAttack> {
  const calls = new Map<string, number>();
  const troubles: string[] = [];
  const server = createRpcServer()
    .method('mark', (params) => {
      const [mark] = params as [string];
      const name = mark.slice(0, markLength);
      calls.set(name, (calls.get(name) ?? 0) + 1);
      return mark;
    })
    .method('echo', (params) => (params as [unknown])[0])
    .method('large', (params) => 'x'.repeat((params as [number])[0]));
  const note = (trouble: Error): void => {
    troubles.push(trouble.message);
  };
  process.on('warning', note);
  process.on('uncaughtExceptionMonitor', note);
  const listener = (await server.listen('http://127.0.0.1:0/rpc', {
    ...options,
    http: { engine, ...http, webSocket: { maxMessageBytes, ...webSocket } },
  })) as HttpListener;
  const port = Number(new URL(listener.url).port);
  return {
    server,
    listener,
    url: listener.webSocketUrl,
    port,
    calls,
    troubles,
    serves: async () => {
      const client = await RawWebSocket.open(port);
      client.send(callText(1, 'serves'));
      await client.until(() => client.texts.length === 1);
      const isServed = client.texts[0] === resultText(1, 'serves');
      client.socket.destroy();
      return isServed;
    },
    close: async () => {
      await server.close({ drainTimeoutMs: 0 });
      process.off('warning', note);
      process.off('uncaughtExceptionMonitor', note);
    },
  };
}

/** A call of the method that keeps account. */
export function callText(id: number, mark: string): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"mark","params":["${mark}"]}`;
}

export function resultText(id: number, mark: string): string {
  return `{"jsonrpc":"2.0","id":${id},"result":"${mark}"}`;
}
