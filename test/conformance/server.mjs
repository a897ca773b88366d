/**
 * The server that the conformance suite tests: node test/conformance/server.mjs [--engine uws|node] [--port N].
 * Prints one JSON line with its URL once it listens, and ends when its input does or on SIGTERM.
 */
import { parseArgs } from 'node:util';
import { createServer, memoryEventStore } from '../../dist/index.js';
import { addInputTools } from './everything/input-tools.mjs';
import { addPrompts } from './everything/prompts.mjs';
import { addResources } from './everything/resources.mjs';
import { addTools } from './everything/tools.mjs';

const { values } = parseArgs({
  options: { engine: { type: 'string', default: 'auto' }, port: { type: 'string', default: '0' } },
});

const server = createServer({
  name: 'ringwire-conformance',
  version: '1.0.0',
  cache: { listTtlMs: 300_000, listScope: 'public' },
  http: { eventStore: memoryEventStore() },
});
addTools(server);
addInputTools(server);
addResources(server);
addPrompts(server);

const listener = await server.listen(`http://127.0.0.1:${values.port}/mcp`, {
  http: { engine: values.engine },
});
process.stdout.write(`${JSON.stringify({ url: listener.url, engine: listener.engine })}\n`);

let ending = false;
function end() {
  if (ending) return;
  ending = true;
  process.stdin.destroy();
  void server.close({ drainTimeoutMs: 1_000 });
}
process.once('SIGTERM', end);
process.once('SIGINT', end);
process.stdin.on('end', end).resume();
