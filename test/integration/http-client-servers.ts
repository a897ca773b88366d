/** Official servers of both SDK lines over HTTP, each with the same few tools, for our client to call. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { InMemoryEventStore } from '@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js';
import { McpServer as McpServer1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createMcpHandler, inputRequired, McpServer as McpServer2 } from '@modelcontextprotocol/server';
import { z } from 'zod';

export interface HttpServed {
  readonly url: string;
  /** Method, headers and body of every request, in order. */
  readonly seen: { readonly method: string; readonly headers: IncomingMessage['headers'] }[];
  /** Ends every session as a restart does. */
  readonly forget: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Listens on a free port; close() cuts what is open. */
export async function listenHttp(listener: RequestListener): Promise<{ server: Server; origin: string }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

export function closeHttp(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });

function sdk1Tools(): McpServer1 {
  const server = new McpServer1(
    { name: 'sdk1', version: '1.0.0' },
    { capabilities: { logging: {}, tools: { listChanged: true } } },
  );
  server.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text: said }) => text(said));
  server.registerTool('count', {}, async (extra) => {
    const progressToken = extra._meta?.progressToken;
    for (let progress = 1; progress <= 3 && progressToken !== undefined; progress++)
      await extra.sendNotification({
        method: 'notifications/progress',
        params: { progressToken, progress, total: 3 },
      });
    return text('counted');
  });
  server.registerTool('ask', {}, async (extra) => {
    const answer = await server.server.elicitInput(
      {
        message: 'Who?',
        requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
      },
      { relatedRequestId: extra.requestId },
    );
    return text(JSON.stringify(answer.content));
  });
  server.registerTool('break', {}, async (extra) => {
    extra.closeSSEStream?.();
    return text('after the break');
  });
  server.registerTool('wait', {}, (extra) => {
    server.server.sendLoggingMessage({ level: 'info', data: 'waiting' }).catch(() => {});
    return new Promise((_resolve, reject) => {
      extra.signal.addEventListener('abort', () => {
        stopped.push('sdk1');
        reject(new Error('stopped'));
      });
    });
  });
  server.registerTool('grow', {}, () => {
    server.registerTool(`grown-${randomUUID()}`, {}, () => text('grown'));
    return text('more');
  });
  return server;
}

/** Which tools saw their cancellation. */
export const stopped: string[] = [];

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  return body === '' ? undefined : JSON.parse(body);
}

export interface Sdk1Options {
  readonly stateful: boolean;
  readonly json?: boolean;
  readonly resumable?: boolean;
}

export async function sdk1Http({ stateful, json, resumable }: Sdk1Options): Promise<HttpServed> {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const seen: HttpServed['seen'] = [];
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: stateful ? () => randomUUID() : undefined,
      enableJsonResponse: json ?? false,
      ...(resumable && { eventStore: new InMemoryEventStore(), retryInterval: 10 }),
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await sdk1Tools().connect(transport as never);
    return transport;
  };
  const { server, origin } = await listenHttp(async (request, response) => {
    seen.push({ method: String(request.method), headers: request.headers });
    const body = await readBody(request);
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? sessions.get(id) : undefined;
    if (typeof id === 'string' && known === undefined) {
      response.writeHead(404).end();
      return;
    }
    await (known ?? (await open())).handleRequest(request, response, body);
  });
  return {
    url: `${origin}/mcp`,
    seen,
    forget: async () => {
      const open = [...sessions.values()];
      sessions.clear();
      await Promise.all(open.map((each) => each.close()));
    },
    close: () => closeHttp(server),
  };
}

export async function sdk1Sse(): Promise<HttpServed> {
  const sessions = new Map<string, SSEServerTransport>();
  const seen: HttpServed['seen'] = [];
  const { server, origin } = await listenHttp(async (request, response) => {
    seen.push({ method: String(request.method), headers: request.headers });
    const { pathname, searchParams } = new URL(String(request.url), origin);
    if (request.method === 'GET' && pathname === '/sse') {
      const transport = new SSEServerTransport('/messages', response);
      sessions.set(transport.sessionId, transport);
      await sdk1Tools().connect(transport);
    } else if (request.method === 'POST' && pathname === '/messages') {
      await sessions.get(String(searchParams.get('sessionId')))?.handlePostMessage(request, response);
    } else {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Cannot POST /sse</h1>');
    }
  });
  return {
    url: `${origin}/sse`,
    seen,
    forget: async () => {
      await Promise.all([...sessions.values()].map((each) => each.close()));
    },
    close: () => closeHttp(server),
  };
}

function sdk2Tools(): McpServer2 {
  const server = new McpServer2({ name: 'sdk2', version: '1.0.0' });
  server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, ({ text: said }) =>
    text(said),
  );
  server.registerTool(
    'mirrored',
    {
      inputSchema: z.object({
        region: z.string().meta({ 'x-mcp-header': 'Region' }),
        size: z.int().meta({ 'x-mcp-header': 'Size' }).optional(),
      }),
    },
    ({ region, size }) => text(`${region} ${size}`),
  );
  server.registerTool('count', {}, async (context) => {
    const progressToken = context.mcpReq._meta?.progressToken;
    for (let progress = 1; progress <= 3 && progressToken !== undefined; progress++)
      await context.mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress, total: 3 },
      });
    return text('counted');
  });
  server.registerTool('ask', {}, (context) => {
    const answers = context.mcpReq.inputResponses as Record<string, { content?: unknown }> | undefined;
    const answer = answers?.who;
    if (answer !== undefined) return text(JSON.stringify(answer.content));
    return inputRequired({
      inputRequests: {
        who: inputRequired.elicit({
          message: 'Who?',
          requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
        }),
      },
    });
  });
  server.registerTool('wait', {}, async (context) => {
    const { signal, notify, _meta } = context.mcpReq;
    const ended = new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        stopped.push('sdk2');
        reject(new Error('stopped'));
      });
    });
    const progressToken = _meta?.progressToken;
    if (progressToken !== undefined)
      await notify({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
    await ended;
    return text('never');
  });
  return server;
}

export interface Sdk2Served extends HttpServed {
  toolsChanged(): void;
}

export async function sdk2Http(options: Parameters<typeof createMcpHandler>[1] = {}): Promise<Sdk2Served> {
  const seen: HttpServed['seen'] = [];
  const handler = createMcpHandler(() => sdk2Tools(), options);
  const handle = toNodeHandler(handler);
  const { server, origin } = await listenHttp((request, response) => {
    seen.push({ method: String(request.method), headers: request.headers });
    void handle(request, response);
  });
  return {
    url: `${origin}/mcp`,
    seen,
    toolsChanged: () => handler.notify.toolsChanged(),
    forget: () => handler.close(),
    close: () => closeHttp(server),
  };
}
