/** A server of the official SDK 2.x on stdio, as its documentation shows it: both eras, with input and changes. */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';

serveStdio(() => {
  const server = new McpServer({ name: 'official', version: '2.0.0' }, { instructions: 'Official.' });
  server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, ({ text }) => ({
    content: [{ type: 'text', text }],
  }));
  server.registerTool('ask', { inputSchema: z.object({}) }, (_args, context) => {
    const answer = context.mcpReq.inputResponses?.who;
    if (answer === undefined)
      return {
        resultType: 'input_required',
        inputRequests: {
          who: {
            method: 'elicitation/create',
            params: {
              mode: 'form',
              message: 'Who?',
              requestedSchema: {
                type: 'object',
                properties: { name: { type: 'string' } },
                required: ['name'],
              },
            },
          },
        },
      };
    return { content: [{ type: 'text', text: `Hello ${answer.content.name}` }] };
  });
  server.registerTool('grow', { inputSchema: z.object({}) }, () => {
    server.registerTool('grown', { inputSchema: z.object({}) }, () => ({ content: [] }));
    return { content: [] };
  });
  server.registerResource('one', 'note://one', {}, (uri) => ({
    contents: [{ uri: uri.href, text: 'official' }],
  }));
  return server;
});
