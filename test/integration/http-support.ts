/** Requests as they stand on the wire, for tests of HTTP servers. */
import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';

/** The engines every test of a server runs on. */
export const engines = ['node', 'uws'] as const;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

/** One request on a connection of its own. `headers` replace the defaults: those of a POST of JSON. */
export function ask(
  url: string,
  body?: string | Buffer,
  headers: OutgoingHttpHeaders = { 'content-type': 'application/json' },
  method = body === undefined ? 'GET' : 'POST',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // On a connection of its own that lives on for as long as the answer takes, as clients keep theirs.
    const agent = new Agent({ keepAlive: true });
    const outgoing = request(url, { method, headers, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        agent.destroy();
        const whole = Buffer.concat(chunks);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: whole,
          text: whole.toString(),
        });
      });
    });
    outgoing.on('error', (error) => {
      agent.destroy();
      reject(error);
    });
    outgoing.end(body);
  });
}

/** A request of JSON-RPC as JSON text. */
export function rpc(method: string, params?: unknown, id: unknown = 1): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}
