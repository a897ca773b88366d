/** The server `bench quick` measures, in a process of its own: an echo tool on a free port of the loopback. */
import { createServer } from '../../mcp/server.js';
import type { Implementation, TransportOptions } from '../../transports/transport.js';

/** What the parent is told, and what it may ask. */
export type FromServer =
  | { readonly port: number }
  | { readonly cpu: NodeJS.CpuUsage; readonly rssBytes: number; readonly implementation: Implementation };

const implementation = process.argv[2] as TransportOptions['implementation'];

function tell(message: FromServer): void {
  process.send?.(message);
}

/** What serves the connections in fact. */
let used: Implementation = 'twin';
const server = createServer({
  name: 'ringwire-bench',
  version: '1.0.0',
  rpc: {
    onOpen: ({ transport }) => {
      used = transport.implementation;
    },
  },
});
const schema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;
server.tool('echo', { description: 'Gives the text back.', inputSchema: schema }, ({ text }) => text);

const listener = await server.listen('tcp://127.0.0.1:0', { implementation });
process.on('message', () =>
  tell({ cpu: process.cpuUsage(), rssBytes: process.memoryUsage.rss(), implementation: used }),
);
// The parent is gone: nobody is left to measure.
process.on('disconnect', () => process.exit(0));
tell({ port: Number(new URL(listener.url).port) });
