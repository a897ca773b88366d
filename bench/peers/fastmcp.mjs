// fastmcp on its HTTP stream with sessions and plain JSON answers. The first argument is the URL to listen on.
import { Server } from 'node:net';
import { FastMCP } from 'fastmcp';
import * as z from 'zod';

const { hostname: host, port } = new URL(process.argv[2]);

// It keeps its HTTP server to itself and so the port that the system chose.
const { listen } = Server.prototype;
Server.prototype.listen = function (...args) {
  this.keepAliveTimeout = 600_000;
  this.once('listening', () => console.log(`LISTENING http://127.0.0.1:${this.address().port}/mcp`));
  return listen.apply(this, args);
};

const quiet = () => {};
const server = new FastMCP({
  name: 'bench',
  version: '1.0.0',
  logger: { debug: quiet, error: console.error, info: quiet, log: quiet, warn: quiet },
  ping: { enabled: false },
});
server.addTool({
  name: 'echo',
  description: 'Says the same',
  parameters: z.object({ text: z.string() }),
  execute: async ({ text }) => ({ content: [{ type: 'text', text }] }),
});
process.on('SIGTERM', () => process.exit(0));
await server.start({
  transportType: 'httpStream',
  httpStream: { host, port: Number(port), endpoint: '/mcp', enableJsonResponse: true },
});
