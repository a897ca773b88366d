// Official SDK 2.x: McpServer on its own stdio entry, as its documentation shows it.
import { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';

// Its default of 10 MB would refuse the large messages.
const maxBufferSize = 256 * 1024 * 1024;
const transport = new StdioServerTransport(process.stdin, process.stdout, { maxBufferSize });

serveStdio(
  () => {
    const server = new McpServer({ name: 'bench', version: '1.0.0' });
    server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, ({ text }) => ({
      content: [{ type: 'text', text }],
    }));
    return server;
  },
  { transport },
);
