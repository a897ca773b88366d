// Official SDK 1.x: McpServer on its own stdio transport, as its documentation shows it.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import * as z from 'zod';

// Its default of 10 MB would refuse the large messages.
const maxBufferSize = 256 * 1024 * 1024;
const server = new McpServer({ name: 'bench', version: '1.0.0' });
server.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text }) => ({
  content: [{ type: 'text', text }],
}));
await server.connect(new StdioServerTransport(process.stdin, process.stdout, { maxBufferSize }));
