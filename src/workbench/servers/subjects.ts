/** What every measured server offers: the same subjects, so that figures of different endpoints are of the same work. */
import { createServer, type McpServer } from '../../mcp/server.js';
import type { Peer } from '../../rpc/peer.js';
import type { Encoding } from '../../serialization/codec.js';

/** Resources whose text never changes: answered without a handler where the transport is native. */
export const fixedSizes = [1_024, 16_384, 262_144] as const;

/** The longest text of bench://made/{bytes}. */
const maxMadeBytes = 16 * 1024 * 1024;

const clockMs = 1_000;

function text(bytes: number): string {
  return 'The quick brown fox jumps over the lazy dog. '.repeat(Math.ceil(bytes / 45)).slice(0, bytes);
}

/**
 * - tool `echo`: gives `text` back
 * - resource `bench://hello`: "hello world", never changes; `bench://fixed/BYTES` for the sizes above
 * - resource `bench://made/BYTES`: a text of that many bytes that a handler makes
 * - resource `bench://clock`: changes every second while somebody subscribes
 * - the lists and the discovery of these
 */
export function measuredSubjects(onOpen: (peer: Peer) => void, encodings?: readonly Encoding[]): McpServer {
  const server = createServer({ name: 'ringwire-bench', version: '1.0.0', rpc: { onOpen, encodings } });
  const inputSchema = {
    type: 'object',
    properties: { text: { type: 'string' } },
    required: ['text'],
  } as const;
  server.tool('echo', { description: 'Gives the text back.', inputSchema }, (input) => input.text);
  const plain = { mimeType: 'text/plain' };
  server.resource('bench://hello', { name: 'hello', ...plain }, 'hello world');
  for (const bytes of fixedSizes)
    server.resource(`bench://fixed/${bytes}`, { name: `${bytes} bytes`, ...plain }, text(bytes));
  server.resourceTemplate('bench://made/{bytes}', { name: 'made', ...plain }, (_uri, { bytes }) =>
    text(Math.min(Math.max(0, Math.trunc(Number(bytes) || 0)), maxMadeBytes)),
  );
  server.resource('bench://clock', { name: 'clock', ...plain }, () => new Date().toISOString());
  setInterval(() => {
    if (server.subscriberCount > 0) server.resourceUpdated('bench://clock');
  }, clockMs).unref();
  return server;
}
