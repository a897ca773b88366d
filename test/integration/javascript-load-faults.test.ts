/** The JavaScript generator against servers that stall, err, cut and babble. */
import { constants, createServer as createHttp2Server } from 'node:http2';
import { createServer as createNetServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { generateLoad } from '../../src/workbench/load/javascript/generator.js';
import type { LoadOperation } from '../../src/workbench/load/load-plan.js';
import { prepareLoad } from '../../src/workbench/load/prepare.js';
import { closeHttp, listenHttp } from './http-client-servers.js';
import {
  type LineServer,
  mixedServer,
  resultLine,
  serveLines,
  shortPlan,
  unhurried,
  until,
} from './load-support.js';

const ping: LoadOperation = { name: 'ping', weight: 1, method: 'ping', params: {} };
const plain = { era: 'none', operations: [ping], warmupSeconds: 0 } as const;
const impatient = { firstAnswerMs: 300, drainMs: 300 };

async function against<Result>(server: Promise<LineServer>, use: (server: LineServer) => Promise<Result>) {
  const open = await server;
  try {
    return await use(open);
  } finally {
    await open.close();
  }
}

describe('the JavaScript generator against a server that', () => {
  it('stands still for a second: the schedule shows it, with what waited meanwhile', async () => {
    let held: (() => void)[] | undefined;
    const stall = (): void => {
      held = [];
      setTimeout(() => {
        for (const answer of held ?? []) answer();
        held = undefined;
      }, 1000);
    };
    const server = serveLines(({ id }, socket, number) => {
      // The first request is that before the load.
      if (number === 50) stall();
      const answer = (): void => void socket.write(resultLine(id));
      if (held === undefined) answer();
      else held.push(answer);
    });
    await against(server, async ({ url }) => {
      const plan = shortPlan(url, { ...plain, connections: 1, depth: undefined, rate: 250, seconds: 1.5 });
      const report = await generateLoad(plan);
      expect(report.errors).toBe(0);
      expect(report.p999us).toBeGreaterThan(900_000);
      expect(report.maxUs).toBeGreaterThan(950_000);
      // Two thirds of the requests fell into the stall, each with its own rest of the second.
      expect(report.p50us).toBeGreaterThan(100_000);
      expect(report.p50us).toBeLessThan(report.p999us * 0.9);
    });
  });

  it('stands still in the warm-up: the queue is left out of the window', async () => {
    let held: (() => void)[] | undefined = [];
    const server = serveLines(({ id }, socket, number) => {
      const answer = (): void => void socket.write(resultLine(id));
      if (number === 1 || held === undefined) answer();
      else if (held.push(answer) === 1)
        setTimeout(() => {
          for (const each of held ?? []) each();
          held = undefined;
        }, 350);
    });
    await against(server, async ({ url }) => {
      const open = { connections: 1, depth: undefined, rate: 2_000, warmupSeconds: 0.3, seconds: 0.4 };
      const report = await generateLoad(shortPlan(url, { ...plain, ...open }));
      expect(report.errors).toBe(0);
      // Six hundred answers waited when the warm-up was to be over.
      expect(report.messages).toBeLessThan(report.seconds * 2_000 + 100);
    });
  });

  it('falls silent: what waits at the end is an error, and its wait a latency', async () => {
    const server = serveLines(({ id }, socket, number) => {
      if (number <= 20) socket.write(resultLine(id));
    });
    await against(server, async ({ url }) => {
      const plan = shortPlan(url, { ...plain, connections: 1, depth: undefined, rate: 200, seconds: 0.6 });
      const report = await generateLoad(plan, {}, impatient);
      expect(report.messages).toBe(19);
      expect(report.errors).toBeGreaterThan(60);
      expect(report.firstError).toMatch(/ping: not answered within 300 ms/);
      expect(report.maxUs).toBeGreaterThan(600_000);
    });
  });

  it('falls silent in the closed loop: the requests in flight are errors', async () => {
    const server = serveLines(({ id }, socket, number) => {
      if (number <= 20) socket.write(resultLine(id));
    });
    await against(server, async ({ url }) => {
      const report = await generateLoad(
        shortPlan(url, { ...plain, connections: 1, depth: 3 }),
        {},
        impatient,
      );
      expect(report).toMatchObject({ messages: 19, errors: 3 });
    });
  });

  it('never answers', async () => {
    await against(
      serveLines(() => {}),
      async ({ url }) => {
        const run = generateLoad(shortPlan(url, plain), {}, impatient);
        await expect(run).rejects.toMatchObject({
          code: 'DEADLINE_EXCEEDED',
          message: 'The server did not answer the first "ping" (ping) within 300 ms.',
        });
      },
    );
  });

  it('never answers, until somebody has enough of it', async () => {
    await against(
      serveLines(() => {}),
      async ({ url }) => {
        for (const era of ['none', 'legacy'] as const) {
          const stop = new AbortController();
          const run = generateLoad(shortPlan(url, { ...plain, era }), { signal: stop.signal });
          setTimeout(() => stop.abort(), 50);
          await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
        }
        const stop = new AbortController();
        const prepared = prepareLoad({ target: { url }, mix: 'echo' }, stop.signal);
        setTimeout(() => stop.abort(), 50);
        await expect(prepared).rejects.toMatchObject({ code: 'CANCELLED' });
      },
    );
  });

  it('is not there', async () => {
    const { url } = await against(
      serveLines(() => {}),
      async (server) => server,
    );
    for (const target of [
      url,
      url.replace('tcp', 'http'),
      url.replace('tcp', 'ws'),
      'unix:/nowhere/load.sock',
    ])
      await expect(generateLoad(shortPlan(target, plain))).rejects.toMatchObject({
        code: 'CONNECTION_REFUSED',
      });
    const http2 = { url: url.replace('tcp', 'http'), http2: true };
    await expect(generateLoad(shortPlan(http2, plain))).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
  });

  it('answers every third request with an error', async () => {
    const server = serveLines(({ id }, socket, number) => {
      const error = { code: -32000, message: 'Not now, größer.' };
      socket.write(number % 3 === 0 ? `${JSON.stringify({ jsonrpc: '2.0', id, error })}\n` : resultLine(id));
    });
    await against(server, async ({ url }) => {
      const report = await generateLoad(
        shortPlan(url, { ...plain, ...unhurried, connections: 1, depth: 1 }),
        until((messages) => messages > 100),
      );
      expect(report.firstError).toBe('ping: error -32000: Not now, größer.');
      expect(report.errors / report.messages).toBeCloseTo(1 / 3, 1);
      expect(report.operations[0].errors).toBe(report.errors);
    });
  });

  it('answers with errors only, or has tools that fail', async () => {
    const server = mixedServer();
    const { url } = await server.listen('tcp://127.0.0.1:0');
    try {
      const call = (name: string) => ({ name: 'call', weight: 1, method: 'tools/call', params: { name } });
      const run = (name: string) => generateLoad(shortPlan(url, { operations: [call(name)] }));
      await expect(run('none')).rejects.toMatchObject({ code: 'RPC_ERROR', message: /error -32602/ });
      await expect(run('refuse')).rejects.toMatchObject({
        message: expect.stringMatching(/"call" \(tools\/call\).*the tool failed: This tool always fails/),
      });
    } finally {
      await server.close();
    }
  });

  it('cuts connections: they are made anew, and what was lost is counted', async () => {
    const server = serveLines(({ id }, socket, number) => {
      if (number % 100 === 0) socket.destroy();
      else socket.write(resultLine(id));
    });
    await against(server, async (lines) => {
      const report = await generateLoad(
        shortPlan(lines.url, { ...plain, ...unhurried, connections: 2, depth: 1 }),
        until((messages) => messages > 300),
      );
      expect(report.errors).toBeGreaterThanOrEqual(Math.floor(report.messages / 100) - 1);
      expect(report.errors).toBeLessThan(report.messages / 20);
      expect(lines.connections).toBeGreaterThanOrEqual(2 + report.errors - 1);
      expect(report.firstError).toMatch(/^ping: .*(closed the connection|was cut)/);
    });
  });

  it('babbles in between, asks back, and answers in another order', async () => {
    const waiting: (() => void)[] = [];
    const answered: unknown[] = [];
    const server = serveLines((line, socket, number) => {
      if (line.method === undefined) {
        answered.push(line);
        return;
      }
      if (number === 1) {
        socket.write(resultLine(line.id));
        socket.write(
          '{"jsonrpc":"2.0","id":"p","method":"ping"}\n{"jsonrpc":"2.0","method":"notifications/x"}\n',
        );
        return;
      }
      waiting.push(() => socket.write(resultLine(line.id, { number })));
      if (waiting.length === 4) for (const answer of waiting.splice(0).reverse()) answer();
    });
    await against(server, async ({ url }) => {
      const report = await generateLoad(
        shortPlan(url, { ...plain, ...unhurried, connections: 1, depth: 4 }),
        until((messages) => messages > 20),
      );
      expect(report.errors).toBe(0);
      expect(answered).toEqual([{ jsonrpc: '2.0', id: 'p', result: {} }]);
    });
  });

  it('sends what is no message, and answers that nobody waits for', async () => {
    const server = serveLines(({ id }, socket, number) => {
      if (number === 5) socket.write('Listening on port 80\n');
      if (number === 6) socket.write(resultLine(7));
      socket.write(resultLine(id));
    });
    await against(server, async ({ url }) => {
      const report = await generateLoad(shortPlan(url, { ...plain, connections: 1, depth: 1 }));
      expect(report.errors).toBe(2);
      expect(report.firstError).toBe('no JSON-RPC message: Listening on port 80');
    });
  });

  it('is an HTTP server without MCP, or none of HTTP', async () => {
    const page = await listenHttp((_request, response) => {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Nothing here</h1>');
    });
    const run = (url: string, http2 = false) =>
      generateLoad(shortPlan({ url, http2 }, { ...plain, depth: 1 }), {}, impatient);
    await expect(run(page.origin)).rejects.toMatchObject({
      code: 'RPC_ERROR',
      message: expect.stringContaining('HTTP 404: <h1>Nothing here</h1>'),
    });
    await expect(run(page.origin, true)).rejects.toMatchObject({
      code: 'HTTP_STATUS',
      message: expect.stringContaining('does not speak HTTP/2'),
    });
    await expect(run(page.origin.replace('http', 'ws'))).rejects.toMatchObject({ code: 'HTTP_STATUS' });
    await closeHttp(page.server);
    const garbage = createNetServer((socket) =>
      socket.on('error', () => {}).on('data', () => socket.end('What?\n')),
    );
    await new Promise<void>((resolve) => garbage.listen(0, '127.0.0.1', resolve));
    const { port } = garbage.address() as { port: number };
    await expect(run(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    await new Promise((resolve) => garbage.close(resolve));
  });

  it('ends HTTP/2 sessions: the load goes on in others, and says why they ended', async () => {
    let streams = 0;
    let sessions = 0;
    const server = createHttp2Server();
    server.on('session', () => {
      sessions += 1;
    });
    server.on('stream', (stream, headers) => {
      streams += 1;
      stream.on('error', () => {});
      if (streams % 40 === 0) {
        stream.session?.destroy(new Error('Too much.'), constants.NGHTTP2_ENHANCE_YOUR_CALM);
        return;
      }
      expect(headers[':method']).toBe('POST');
      let body = '';
      stream.on('data', (chunk: Buffer) => {
        body += chunk;
      });
      stream.on('end', () => {
        if (stream.destroyed) return;
        stream.respond({ ':status': 200, 'content-type': 'application/json' });
        stream.end(resultLine(JSON.parse(body).id).trim());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const target = { url: `http://127.0.0.1:${port}/`, http2: true };
    const report = await generateLoad(
      shortPlan(target, { ...plain, ...unhurried, connections: 1, depth: 2 }),
      until((messages, errors) => messages > 100 && errors > 2),
    );
    await new Promise((resolve) => server.close(resolve));
    expect(report.messages).toBeGreaterThan(40);
    expect(report.errors).toBeGreaterThan(0);
    expect(report.firstError).toContain('ended the HTTP/2 session (ENHANCE_YOUR_CALM)');
    expect(sessions).toBeGreaterThan(1);
  });

  it('is loaded until somebody ends it', async () => {
    await against(
      serveLines(({ id }, socket) => void socket.write(resultLine(id))),
      async ({ url }) => {
        const plan = shortPlan(url, { ...plain, seconds: 600, intervalMs: 50 });
        const watch = until((messages) => messages > 0);
        const report = await generateLoad(plan, watch);
        expect(report.messages).toBeGreaterThan(0);
        expect(report.errors).toBe(0);
        expect(report.seconds).toBeLessThan(60);
        await expect(generateLoad(plan, watch)).rejects.toMatchObject({
          code: 'CANCELLED',
        });
      },
    );
  });
});
