// The stdio transport of the official SDK 1.x alone, under the least that can answer: its share of sdk1's cost.
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

// Its default of 10 MB would refuse the large messages.
const maxBufferSize = 256 * 1024 * 1024;
const transport = new StdioServerTransport(process.stdin, process.stdout, { maxBufferSize });
transport.onmessage = (message) => {
  if (message.id === undefined) return;
  const { text } = message.params.arguments;
  const result = { resultType: 'complete', content: [{ type: 'text', text }] };
  void transport.send({ jsonrpc: '2.0', id: message.id, result });
};
await transport.start();
