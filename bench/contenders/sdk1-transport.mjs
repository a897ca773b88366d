// The stdio transport of the official SDK 1.x alone, under the least that can answer: its share of sdk1's cost.
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

const transport = new StdioServerTransport();
transport.onmessage = (message) => {
  if (message.id === undefined) return;
  const { text } = message.params.arguments;
  const result = { resultType: 'complete', content: [{ type: 'text', text }] };
  void transport.send({ jsonrpc: '2.0', id: message.id, result });
};
await transport.start();
