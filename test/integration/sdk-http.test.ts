/** Servers of the official SDKs over our HTTP and WebSocket, called by the official clients over their own transports. */
import { once } from 'node:events';
import { Client as Client2, StreamableHTTPClientTransport as Http2 } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Http1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer as McpServer1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  CreateMessageRequestSchema,
  LoggingMessageNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { SdkServer, SdkServerFactory } from '../../src/mcp/sdk-adapters/sdk-types.js';
import { type ServeSdkOptions, serveSdk } from '../../src/mcp/sdk-adapters/serve-sdk.js';
import { gate, sdk1Server, sdk2Server } from './sdk-servers.js';

const info = { name: 'test', version: '1.0.0' };
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(
  source: SdkServer | SdkServerFactory,
  engine: 'uws' | 'node',
  options?: ServeSdkOptions,
) {
  const service = await serveSdk(source, 'http://127.0.0.1:0/mcp', { ...options, http: { engine } });
  cleanups.push(() => service.close());
  return { service, url: new URL(service.url as string) };
}

async function client1(url: URL, capabilities = {}): Promise<Client1> {
  const client = new Client1(info, { capabilities });
  await client.connect(new Http1(url));
  cleanups.push(() => client.close());
  return client;
}

async function client2(url: URL, version?: '2026-07-28'): Promise<Client2> {
  const options = version === undefined ? {} : { versionNegotiation: { mode: { pin: version } } };
  const client = new Client2(info, options);
  await client.connect(new Http2(url));
  cleanups.push(() => client.close());
  return client;
}

const hello = { name: 'echo', arguments: { text: 'héllo' } };
const answer = [{ type: 'text', text: 'héllo' }];

for (const engine of ['node', 'uws'] as const) {
  describe(`over HTTP by ${engine}`, () => {
    it('a 1.x server answers clients of both lines, each with a session of its own', async () => {
      let made = 0;
      const { service, url } = await serve(() => {
        made += 1;
        return sdk1Server();
      }, engine);
      const clients = [await client1(url), await client1(url), await client2(url)];
      for (const client of clients) expect((await client.callTool(hello)).content).toEqual(answer);
      expect(made).toBe(3);
      expect(service.connections).toBe(3);
    });

    it('a 2.x server answers both eras, modern requests by one object', async () => {
      const eras: string[] = [];
      const { url } = await serve(({ era }) => {
        eras.push(era);
        return sdk2Server();
      }, engine);
      const clients = [
        await client1(url),
        await client2(url, '2026-07-28'),
        await client2(url, '2026-07-28'),
      ];
      for (const client of clients) expect((await client.callTool(hello)).content).toEqual(answer);
      expect(eras).toEqual(['legacy', 'modern']);
    });

    it('calls at the same time do not cross', async () => {
      const { url } = await serve(() => sdk2Server(), engine);
      const clients = await Promise.all([1, 2, 3, 4].map(() => client2(url, '2026-07-28')));
      const calls = clients.flatMap((client, index) =>
        Array.from({ length: 25 }, async (_, number) => {
          const text = `${index} ${number}`;
          const { content } = await client.callTool({ name: 'echo', arguments: { text } });
          expect(content).toEqual([{ type: 'text', text }]);
        }),
      );
      await Promise.all(calls);
    });

    it('cancels the call of a client that gives up', async () => {
      const hold = gate();
      let aborted: (() => void) | undefined;
      const seen = new Promise<void>((resolve) => {
        aborted = resolve;
      });
      const { url } = await serve(() => {
        const server = new McpServer1({ name: 'sdk1', version: '1.0.0' });
        server.registerTool('hold', {}, async ({ signal }) => {
          signal.addEventListener('abort', () => aborted?.());
          await hold.wait();
          return { content: [] };
        });
        return server;
      }, engine);
      const client = await client1(url);
      const abort = new AbortController();
      const call = client.callTool({ name: 'hold' }, undefined, { signal: abort.signal });
      await hold.entered;
      abort.abort();
      await expect(call).rejects.toThrow();
      await seen;
      hold.open();
    });

    it('carries progress, log messages, sampling and list changes to whom they belong', async () => {
      const { url } = await serve(() => {
        const server = new McpServer1(
          { name: 'sdk1', version: '1.0.0' },
          { capabilities: { logging: {}, tools: { listChanged: true } } },
        );
        server.registerTool('ask', { inputSchema: { question: z.string() } }, async ({ question }, extra) => {
          const { progressToken } = extra._meta ?? {};
          if (progressToken !== undefined)
            await extra.sendNotification({
              method: 'notifications/progress',
              params: { progressToken, progress: 1, total: 2 },
            });
          await extra.sendNotification({
            method: 'notifications/message',
            params: { level: 'info', data: question },
          });
          const sampled = await server.server.createMessage(
            { messages: [{ role: 'user', content: { type: 'text', text: question } }], maxTokens: 10 },
            { relatedRequestId: extra.requestId },
          );
          return { content: [sampled.content as { type: 'text'; text: string }] };
        });
        server.registerTool('grow', {}, async () => {
          server.registerTool('grown', {}, async () => ({ content: [] }));
          return { content: [] };
        });
        return server;
      }, engine);
      const client = await client1(url, { sampling: {} });
      const logged: unknown[] = [];
      client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
        logged.push(params.data);
      });
      client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
        const [{ content }] = params.messages;
        const text = `re: ${(content as { text: string }).text}`;
        return { role: 'assistant', model: 'test', content: { type: 'text', text } };
      });
      const progress: unknown[] = [];
      const result = await client.callTool({ name: 'ask', arguments: { question: 'why?' } }, undefined, {
        onprogress: (step) => progress.push(step),
      });
      expect(result.content).toEqual([{ type: 'text', text: 're: why?' }]);
      expect(progress).toEqual([{ progress: 1, total: 2 }]);
      expect(logged).toEqual(['why?']);
      const changed = new Promise<void>((resolve) => {
        client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve());
      });
      await client.callTool({ name: 'grow' });
      await changed;
    });

    it('lets go of the server object when its session ends', async () => {
      const { service, url } = await serve(() => sdk1Server(), engine);
      const client = new Client1(info);
      const transport = new Http1(url);
      await client.connect(transport);
      expect(service.connections).toBe(1);
      await transport.terminateSession();
      await client.close();
      expect(service.connections).toBe(0);
    });

    it('refuses a second session on a single server object', async () => {
      const { url } = await serve(sdk1Server(), engine);
      await client1(url);
      await expect(client1(url)).rejects.toThrow('one per session');
    });

    it('asks the function again after it failed', async () => {
      let asked = 0;
      const { url } = await serve(() => {
        asked += 1;
        if (asked === 1) throw new Error('not yet');
        return sdk2Server();
      }, engine);
      await expect(client2(url, '2026-07-28')).rejects.toThrow();
      expect((await (await client2(url, '2026-07-28')).callTool(hello)).content).toEqual(answer);
    });

    it('keeps a single server object for an initialize that is right after one that was not', async () => {
      const service = await serveSdk(sdk1Server(), 'ws://127.0.0.1:0/mcp', { http: { engine } });
      cleanups.push(() => service.close());
      const socket = new WebSocket(service.url as string);
      cleanups.push(async () => socket.terminate());
      await once(socket, 'open');
      const initialize = async (id: number, params: object): Promise<unknown> => {
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'initialize', params }));
        return JSON.parse(String((await once(socket, 'message'))[0]));
      };
      expect(await initialize(1, {})).toMatchObject({ id: 1, error: {} });
      expect(service.connections).toBe(0);
      const right = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: info };
      expect(await initialize(2, right)).toMatchObject({ id: 2, result: { protocolVersion: '2025-11-25' } });
    });
  });
}
