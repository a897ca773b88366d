/** The MCP server that analyses call: it echoes, says what it uses, and can be filled with entries to be looked up. */
import { createServer, type McpServer } from '../../mcp/server.js';
import { UsageMeter } from '../servers/usage-meter.js';

export const registries = ['tools', 'resources', 'methods'] as const;
export type Registry = (typeof registries)[number];

/** Entries the routing analysis may ask for. */
export const maxEntries = 100_000;

/** One of a process: in memory, servers come and go within it. */
let meter: UsageMeter | undefined;

/**
 * - tool `echo`: gives `text` back
 * - method `workbench/usage`: what the process uses, see ServerUsage
 * - method `workbench/register`: fills a registry with entries 0 to `count` - 1; each gives its own number back
 * - method `workbench/collect`: collects garbage where Node was started with --expose-gc; gives back whether it did
 */
export function echoServer(): McpServer {
  meter ??= new UsageMeter();
  const usage = meter;
  const server = createServer({ name: 'ringwire-analyzer', version: '1.0.0' });
  const inputSchema = {
    type: 'object',
    properties: { text: { type: 'string' } },
    required: ['text'],
  } as const;
  server.tool('echo', { description: 'Gives the text back.', inputSchema }, ({ text }) => text);
  server.method('workbench/usage', () => usage.read());
  server.method('workbench/collect', () => {
    globalThis.gc?.();
    return { collected: globalThis.gc !== undefined };
  });
  server.method<{ readonly registry: Registry; readonly count: number }>(
    'workbench/register',
    ({ registry, count }) => {
      for (let index = 0; index < Math.min(count, maxEntries); index += 1) addEntry(server, registry, index);
      return { registered: count };
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
