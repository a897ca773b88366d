/** A server of its own process, whose memory can be asked for: `websocket-server.mjs ENGINE WEBSOCKET_OPTIONS`. */
import { createInterface } from 'node:readline';
import { createRpcServer } from '../../../dist/index.js';
import { watchHeldMemory } from './held-memory.mjs';

const [engine, webSocket] = process.argv.slice(2);
const heldBytes = watchHeldMemory();
const server = createRpcServer()
  .method('large', ([bytes]) => 'x'.repeat(bytes))
  .method('mark', ([mark]) => mark);
const listener = await server.listen('http://127.0.0.1:0/rpc', {
  http: { engine, webSocket: JSON.parse(webSocket) },
});
console.log(JSON.stringify({ port: Number(new URL(listener.url).port) }));
createInterface({ input: process.stdin })
  .on('line', () => {
    console.log(JSON.stringify({ heldBytes: heldBytes(), connections: listener.connections }));
  })
  .on('close', () => process.exit());
