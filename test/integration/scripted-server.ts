/** A server that answers each request as a test says, and remembers what it was asked. */
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import { listenHttp } from './http-client-servers.js';

export interface Asked {
  readonly verb: string;
  readonly method: string | undefined;
  readonly id: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly params: Record<string, unknown>;
  readonly result: unknown;
}

export type Handler = (asked: Asked, response: ServerResponse) => void;

async function read(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = JSON.parse(Buffer.concat(chunks).toString() || '{}');
  return { ...body, params: body.params ?? {}, verb: String(request.method), headers: request.headers };
}

export async function serveScript(
  handler: Handler,
): Promise<{ server: Server; url: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const { server, origin } = await listenHttp(async (request, response) => {
    const each = await read(request);
    asked.push(each);
    handler(each, response);
  });
  return { server, url: `${origin}/mcp`, asked };
}
