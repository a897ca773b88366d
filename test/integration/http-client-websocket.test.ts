/** WebSocket clients: what they send to open, and what becomes of those who are refused. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { connect } from '../../src/mcp/index.js';
import { connectTransport } from '../../src/transports/open.js';
import type { Transport, TransportOptions } from '../../src/transports/transport.js';
import { closeHttp } from './http-client-servers.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => closeHttp(server));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/mcp?key=secret`;
}

/** Accepts, with the first sub-protocol offered or none. */
async function accepting(
  onSocket: (socket: WebSocket, request: IncomingMessage) => void,
  takesProtocol = true,
): Promise<string> {
  const server = createServer();
  const sockets = new WebSocketServer({
    server,
    handleProtocols: (offered) => (takesProtocol ? ([...offered][0] ?? false) : false),
  });
  sockets.on('connection', onSocket);
  cleanups.push(() => sockets.clients.forEach((each) => void each.terminate()));
  return listen(server);
}

function refusing(status: number, headers: string, body: string): Promise<string> {
  const server = createServer();
  server.on('upgrade', (_request, socket) => {
    const head = `HTTP/1.1 ${status} No\r\n${headers}content-length: ${body.length}\r\nconnection: close\r\n\r\n`;
    socket.end(`${head}${body}`);
  });
  return listen(server);
}

async function open(url: string, options?: TransportOptions): Promise<Transport> {
  const transport = await connectTransport(url, options);
  cleanups.push(() => transport.destroy());
  return transport;
}

function failure(transport: Transport): Promise<{ code?: string } | undefined> {
  return new Promise((resolve) => {
    transport.start({ onFrame: () => {}, onClose: resolve });
  });
}

describe('a WebSocket client', () => {
  it('sends its header fields and sub-protocols, and gets what came with the handshake', async () => {
    const requests: IncomingMessage[] = [];
    const url = await accepting((socket, request) => {
      requests.push(request);
      for (const text of ['one', 'two', 'three']) socket.send(text);
    });
    const transport = await open(url, {
      httpClient: { headers: async () => ({ Authorization: 'Bearer x' }), protocols: ['a', 'b'] },
    });
    const frames: string[] = [];
    await new Promise<void>((resolve) => {
      transport.start({
        onFrame: (frame) => {
          frames.push(frame.toString());
          if (frames.length === 3) resolve();
        },
        onClose: () => {},
      });
    });
    expect(frames).toEqual(['one', 'two', 'three']);
    expect(requests[0]).toMatchObject({
      url: '/mcp?key=secret',
      headers: { authorization: 'Bearer x', 'sec-websocket-protocol': 'a,b' },
    });
    expect(requests[0].headers).not.toHaveProperty('sec-websocket-extensions');
    expect(transport.peer).toMatchObject({ kind: 'ws', address: '127.0.0.1' });
  });

  it('offers "mcp" when it speaks MCP', async () => {
    const seen: unknown[] = [];
    const url = await accepting((socket, request) => {
      seen.push(request.headers['sec-websocket-protocol']);
      socket.on('message', (data) => {
        const { id } = JSON.parse(String(data));
        const result = { supportedVersions: ['2026-07-28'], capabilities: {}, resultType: 'complete' };
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, result }));
      });
    });
    const client = await connect(url);
    cleanups.push(() => client.close());
    expect([client.era, seen]).toEqual(['modern', ['mcp']]);
  });

  it('is told of a server that takes none of its sub-protocols', async () => {
    const url = await accepting(() => {}, false);
    await expect(connect(url)).rejects.toMatchObject({
      code: 'PROTOCOL_VERSION',
      message: expect.stringMatching(/none of the sub-protocols offered \(mcp\).*httpClient\.protocols/),
    });
    await open(url);
  });

  it.each([
    [401, 'www-authenticate: Bearer scope="x"\r\n', 'UNAUTHORIZED', /asks for authorization \(401/],
    [403, '', 'UNAUTHORIZED', /does not permit this \(403/],
    [404, 'content-type: text/plain\r\n', 'HTTP_STATUS', /answered 404 with text\/plain: why not/],
    [301, 'location: http://elsewhere/x?y\r\n', 'HTTP_STATUS', /redirects \(301\) to http:\/\/elsewhere\/x,/],
    [503, 'retry-after: 2\r\n', 'OVERLOADED', /asks to wait 2000 ms/],
  ])('is told why it is refused with %i', async (status, headers, code, message) => {
    const url = await refusing(status, headers, 'why not');
    const error: unknown = await open(url).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, status, message: expect.stringMatching(message) });
    expect((error as Error).message).not.toContain('secret');
  });

  it('gives up on a server that does not answer, and when it is told to', async () => {
    const server = createSocketServer((socket) => void socket.on('error', () => {}));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => void server.close());
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await expect(open(url, { connectTimeoutMs: 50 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    const stop = new AbortController();
    const opening = open(url, { signal: stop.signal });
    stop.abort();
    await expect(opening).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(open(url, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('is told of a server that speaks something else', async () => {
    const server = createSocketServer((socket) => {
      socket.on('error', () => {});
      socket.end('220 smtp.example ESMTP\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => void server.close());
    const error: unknown = await open(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({
      code: 'HTTP_STATUS',
      message: expect.stringMatching(/is not HTTP\/1\.1/),
    });
  });

  it('ends at a message over the limit and at one that is no text', async () => {
    const large = await accepting((socket) => socket.send('x'.repeat(2_000)));
    expect(await failure(await open(large, { maxFrameBytes: 1_000 }))).toMatchObject({
      code: 'FRAME_TOO_LARGE',
    });
    const binary = await accepting((socket) => socket.send(Buffer.from([1, 2, 3])));
    expect(await failure(await open(binary))).toMatchObject({ code: 'FRAME_INVALID' });
  });
});

it('gives a WebSocket up whose caller did so while header fields were asked for', async () => {
  const controller = new AbortController();
  const headers = async () => {
    controller.abort();
    return {};
  };
  // Nobody listens there: an attempt would be refused.
  const opening = connect('ws://127.0.0.1:9/', {
    transport: { signal: controller.signal, httpClient: { headers } },
  });
  await expect(opening).rejects.toMatchObject({ code: 'CANCELLED' });
});
