/**
 * An MCP server over HTTP in a process of its own, so that its memory can be told. Arguments: the engine, and options
 * of listen() as JSON. Says its port, and for every line on stdin how things are; ends with stdin.
 */
import { createInterface } from 'node:readline';
import { createServer } from '../../../dist/index.js';
import { watchHeldMemory } from './held-memory.mjs';

const [engine, options = '{}'] = process.argv.slice(2);
const { http, ...transport } = JSON.parse(options);
const heldBytes = watchHeldMemory();
let flowing = 0;
const server = createServer({ name: 'attacked', version: '1' })
  .tool('mark', ({ mark }) => String(mark))
  .tool('medium', () => 'x'.repeat(32 * 1024))
  .tool('large', () => 'x'.repeat(1024 * 1024))
  // Logs as fast as it may, until its client is gone.
  .tool('flow', async (_args, context) => {
    const filler = 'x'.repeat(16 * 1024);
    flowing++;
    while (!context.signal.aborted) {
      context.log('info', filler);
      await new Promise((resolve) => setImmediate(resolve));
    }
    flowing--;
    return 'gone';
  });
const listener = await server.listen('http://127.0.0.1:0/mcp', { ...transport, http: { ...http, engine } });
process.stdout.write(`${JSON.stringify({ port: Number(new URL(listener.url).port) })}\n`);
createInterface({ input: process.stdin })
  .on('line', () => {
    const { connections } = listener;
    process.stdout.write(`${JSON.stringify({ heldBytes: heldBytes(), flowing, connections })}\n`);
  })
  .on('close', () => process.exit());
