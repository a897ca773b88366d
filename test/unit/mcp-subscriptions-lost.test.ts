/** Subscriptions to servers that take them and drop the connection, again and again. */
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { connect } from '../../src/mcp/index.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Rpc {
  readonly id?: number;
  readonly method: string;
}

/** What a server does with a message: its answers, and whether it drops the connection behind them. */
type Serve = (rpc: Rpc) => { readonly answers: readonly object[]; readonly drops?: boolean };

const drops = 6;
/** Half of 50, 100, 200 and 400 ms at the least: over lines, the first loss is made good at once. */
const leastMs = 375;

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

async function lines(serve: Serve): Promise<string> {
  const server = createSocketServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += chunk;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const served = serve(JSON.parse(text.slice(0, end)));
        text = text.slice(end + 1);
        for (const answer of served.answers) socket.write(`${JSON.stringify(answer)}\n`);
        if (served.drops) socket.end();
      }
    });
  });
  return `tcp://127.0.0.1:${await listening(server)}`;
}

async function http(serve: Serve): Promise<string> {
  const server = createHttpServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { answers, drops: isEnd } = serve(JSON.parse(body));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const answer of answers) response.write(`data: ${JSON.stringify(answer)}\n\n`);
    if (isEnd || 'result' in answers[0]) response.end();
  });
  cleanups.push(async () => server.closeAllConnections());
  return `http://127.0.0.1:${await listening(server)}/mcp`;
}

const response = (id: unknown, result: object) => ({ jsonrpc: '2.0', id, result });

function dropping(): { serve: Serve; times: number[] } {
  const times: number[] = [];
  const drop = (): boolean => {
    times.push(performance.now());
    return times.length <= drops;
  };
  const serve: Serve = ({ id, method }) => {
    switch (method) {
      case 'server/discover': {
        const result = { supportedVersions: ['2026-07-28'], capabilities: {}, resultType: 'complete' };
        return { answers: [response(id, result)] };
      }
      case 'initialize': {
        const serverInfo = { name: 'old', version: '1' };
        const result = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo };
        return { answers: [response(id, result)] };
      }
      case 'ping':
        return { answers: [response(id, {})], drops: drop() };
      case 'subscriptions/listen': {
        const params = { notifications: {}, _meta: { 'io.modelcontextprotocol/subscriptionId': id } };
        const acknowledged = {
          jsonrpc: '2.0',
          method: 'notifications/subscriptions/acknowledged',
          params,
        };
        return { answers: [acknowledged], drops: drop() };
      }
    }
    return { answers: [] };
  };
  return { serve, times };
}

it.each([
  ['a modern server', 'modern', lines],
  ['a modern server over HTTP', 'modern', http],
  ['a legacy server', 'legacy', lines],
] as const)('%s that drops them is asked less and less', async (_name, era, open) => {
  const { serve, times } = dropping();
  const client = await connect(await open(serve), { era });
  cleanups.push(() => client.close());
  const subscription = await client.listen({ toolsListChanged: true });
  for await (const event of subscription) if (event.type === 'reconnected' && times.length > drops) break;
  expect(times[drops] - times[0]).toBeGreaterThanOrEqual(leastMs);
});

it.each([
  ['modern', lines],
  ['modern', http],
  ['legacy', lines],
] as const)('closing ends the wait for the next attempt (%s)', async (era, open) => {
  const { serve, times } = dropping();
  const client = await connect(await open(serve), { era });
  const subscription = await client.listen({ toolsListChanged: true });
  while (times.length < 4) await new Promise((resolve) => setImmediate(resolve));
  await client.close();
  for await (const _event of subscription);
  expect(subscription.ended).toBe(true);
});
