/** The MCP server that analyses call: it echoes, says what it uses, and can be filled with entries to be looked up. */
import { createServer, type McpServer } from '../../mcp/server.js';
import { ownUsage } from './own-usage.js';

export const registries = ['tools', 'resources', 'methods'] as const;
export type Registry = (typeof registries)[number];

/** Entries the routing analysis may ask for. */
export const maxEntries = 100_000;

/**
 * - tool `echo`: gives `text` back
 * - method `workbench/usage`: what the process uses, see EchoUsage
 * - method `workbench/register`: fills a registry with entries `from` to `to` - 1; each gives its own number back
 */
export function echoServer(): McpServer {
  // The first reading starts the meter: what comes before it is not seen.
  ownUsage();
  const server = createServer({ name: 'ringwire-analyzer', version: '1.0.0' });
  const inputSchema = {
    type: 'object',
    properties: { text: { type: 'string' } },
    required: ['text'],
  } as const;
  server.tool('echo', { description: 'Gives the text back.', inputSchema }, ({ text }) => text);
  server.method('workbench/usage', () => ownUsage());
  server.method<{ readonly registry: Registry; readonly from: number; readonly to: number }>(
    'workbench/register',
    ({ registry, from, to }) => {
      for (let index = from; index < Math.min(to, maxEntries); index += 1) addEntry(server, registry, index);
      return {};
    },
  );
  return server.warmUp();
}

function addEntry(server: McpServer, registry: Registry, index: number): void {
  const answer = String(index);
  if (registry === 'tools') server.tool(`entry-${index}`, () => answer);
  else if (registry === 'resources')
    server.resource(`entry://${index}`, { name: `entry ${index}` }, () => answer);
  else server.method(`entry/${index}`, () => ({ text: answer }));
}
