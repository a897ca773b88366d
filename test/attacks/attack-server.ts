/** The server under attack: an MCP server whose tool keeps account of who called it. */
import { createServer } from '../../src/mcp/index.js';
import type { HttpOptions } from '../../src/transports/http/http-options.js';
import type { HttpListener } from '../../src/transports/http/http-server.js';
import type { TransportOptions } from '../../src/transports/transport.js';
import { RawConnection } from './raw-http.js';

export const engines = ['uws', 'node'] as const;
export type Engine = (typeof engines)[number];

export interface AttackServer {
  readonly listener: HttpListener;
  readonly url: string;
  readonly port: number;
  /** The marks of the calls that reached the tool, in their order. */
  readonly marks: string[];
  /** Warnings of the process since the server began: an application that threw is told so. */
  readonly warnings: string[];
  /** Makes one good call on a connection of its own; resolves with its status. */
  serves(mark?: string): Promise<number>;
  close(): Promise<void>;
}

export async function attackServer(
  engine: Engine,
  http: HttpOptions = {},
  options: TransportOptions = {},
): Promise<AttackServer> {
  const marks: string[] = [];
  const warnings: string[] = [];
  const server = createServer({ name: 'attacked', version: '1' }).tool('mark', ({ mark }) => {
    marks.push(String(mark));
    return String(mark);
  });
  const onWarning = (warning: Error): void => {
    warnings.push(warning.message);
  };
  process.on('warning', onWarning);
  const listener = (await server.listen('http://127.0.0.1:0/mcp', {
    ...options,
    http: { engine, ...http },
  })) as HttpListener;
  const port = Number(new URL(listener.url).port);
  return {
    listener,
    url: listener.url,
    port,
    marks,
    warnings,
    serves: async (mark = 'good') => {
      const connection = new RawConnection(port).write(post({ mark }));
      await connection.answered(1);
      connection.destroy();
      return connection.answers[0]?.status ?? 0;
    },
    close: async () => {
      await server.close({ drainTimeoutMs: 0 });
      process.off('warning', onWarning);
    },
  };
}

export interface PostParts {
  readonly mark?: string;
  readonly tool?: string;
  readonly line?: string;
  /** '' sends none. */
  readonly host?: string;
  /** What tells the body's length; default one Content-Length that is right. */
  readonly framing?: string;
  /** Further fields, each with its line end. */
  readonly fields?: string;
  /** The body as it goes out; default the call. */
  readonly body?: string;
}

/** The call of a tool that keeps account of `mark`. */
export function callBody(mark: string, tool = 'mark'): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientInfo': { name: 'attacker', version: '1' },
        'io.modelcontextprotocol/clientCapabilities': {},
      },
      name: tool,
      arguments: { mark },
    },
  });
}

/** A whole modern request as it stands on the wire, with what is to be wrong with it. */
export function post(parts: PostParts = {}): string {
  const { mark = 'good', tool = 'mark', line = 'POST /mcp HTTP/1.1', host = 'Host: 127.0.0.1\r\n' } = parts;
  const body = parts.body ?? callBody(mark, tool);
  const framing = parts.framing ?? `Content-Length: ${body.length}\r\n`;
  return (
    `${line}\r\n${host}Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n` +
    `MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: ${tool}\r\n` +
    `${parts.fields ?? ''}${framing}\r\n${body}`
  );
}
