/** The load generator in C++ against servers that do wrong: what is reported, and that no run crashes or hangs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { LoadOperation, LoadPlan, LoadTarget } from '../../src/workbench/load/load-plan.js';
import { runNativeLoad } from '../../src/workbench/load/native-generator.js';
import { runLoad, whyNotNative } from '../../src/workbench/load/run-load.js';
import { root, temporaryModule } from './run.js';

const servers = new Set<Server>();
const sockets = new Set<Socket>();

beforeAll(() => {
  execFileSync('make', ['-s', '-C', join(root, 'bench/loadgen')]);
}, 120_000);

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  sockets.clear();
  servers.clear();
});

async function listen(server: Server): Promise<number> {
  servers.add(server);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

interface Call {
  readonly id: number;
  /** Of all calls of this server, from 1; the first one comes before the load. */
  readonly count: number;
  readonly socket: Socket;
}

const resultOf = (id: number | string, result: unknown = { ok: true }): string =>
  `${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`;

function eachLine(socket: Socket, take: (line: string) => void): void {
  const lines = createInterface({ input: socket });
  // The generator does not wait for what it no longer counts.
  lines.on('error', () => {});
  lines.on('line', take);
}

/** A server of lines that writes what `answer` returns. */
async function lines(answer: (call: Call) => string): Promise<LoadTarget> {
  let count = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    eachLine(socket, (line) => {
      const { id } = JSON.parse(line) as { id: number };
      count += 1;
      const text = answer({ id, count, socket });
      if (text !== '') socket.write(text);
    });
  });
  return { url: `tcp://127.0.0.1:${await listen(server)}` };
}

/** A server of HTTP; `count` as above. */
async function http(
  answer: (id: number, count: number, response: ServerResponse) => void,
): Promise<LoadTarget> {
  let count = 0;
  const server = createHttpServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      count += 1;
      answer((JSON.parse(body) as { id: number }).id, count, response);
    });
  });
  return { url: `http://127.0.0.1:${await listen(server)}/` };
}

const ask: LoadOperation = { name: 'ask', weight: 1, method: 'ask', params: {} };

const planOf = (target: LoadTarget, changes: Partial<LoadPlan> = {}): LoadPlan => ({
  target,
  era: 'none',
  operations: [ask],
  connections: 1,
  depth: 4,
  warmupSeconds: 0,
  seconds: 0.2,
  ...changes,
});

const load = (target: LoadTarget, changes?: Partial<LoadPlan>, answerSeconds = 0.5) =>
  runNativeLoad(planOf(target, changes), {}, { answerSeconds });

describe('a reply', () => {
  it('may be of any length and have its members in any order', async () => {
    const target = await lines(({ id, count }) =>
      count % 2 === 0
        ? `{ "result" : {"text":"${'x'.repeat(count % 3000)}"}, "id" : ${id}, "jsonrpc":"2.0"}\r\n`
        : resultOf(id, ['"id":1', { isError: true }]),
    );
    const report = await load(target);
    expect(report.firstError).toBeUndefined();
    expect(report.messages).toBeGreaterThan(20);
  });

  it.each([
    [
      'error',
      (id: number) => `{"jsonrpc":"2.0","id":${id},"error":{"code":-32603,"message":"no"}}\n`,
      'an error',
    ],
    ['tool error', (id: number) => resultOf(id, { content: [], isError: true }), 'a result with isError'],
    ['foreign id', (id: number) => resultOf(id) + resultOf(id + 500_000), 'not in flight'],
    ['second reply', (id: number) => resultOf(id) + resultOf(id), 'not in flight'],
    ['string id', (id: number) => resultOf(id) + resultOf(id).replace(`${id}`, '"x"'), 'without the id'],
    ['garbage', (id: number) => `${resultOf(id)}neither here nor there\n`, 'no JSON object: neither here'],
    ['nothing in it', (id: number) => `{"jsonrpc":"2.0","id":${id}}\n`, 'neither result nor error'],
  ])('with %s counts as an error', async (_name, wrong, reason) => {
    const report = await load(await lines(({ id, count }) => (count % 3 === 0 ? wrong(id) : resultOf(id))));
    expect(report.firstError).toContain(reason);
    expect(report.errors).toBeGreaterThan(report.messages / 6);
    expect(report.errors).toBeLessThan(report.messages / 2);
  });

  it('that never comes is an error, and no latency', async () => {
    const report = await load(await lines(({ id, count }) => (count > 10 ? '' : resultOf(id))));
    expect(report).toMatchObject({ messages: 9, errors: 4 });
    expect(report.firstError).toBe('4 requests were never answered');
  });

  it('that never comes makes a latency of its wait in the open loop, whoever ends the run', async () => {
    const silent = () => lines(({ id, count }) => (count > 10 ? '' : resultOf(id)));
    const plan = { rate: 200, depth: undefined, seconds: 0.6 };
    const report = await load(await silent(), plan);
    expect(report.errors).toBeGreaterThan(60);
    expect(report.lost).toBe(report.errors);
    expect(report.p50us).toBeGreaterThan(300_000);
    expect(report.maxUs).toBeGreaterThan(600_000);
    const stop = new AbortController();
    const watch = {
      signal: stop.signal,
      onInterval: ({ atSeconds }: { readonly atSeconds: number }) => atSeconds > 0.4 && stop.abort(),
    };
    const endless = { ...planOf(await silent(), plan), seconds: 60, intervalMs: 50 };
    const ended = await runNativeLoad(endless, watch);
    expect(ended).toMatchObject({ errors: 0, lost: 0 });
    expect(ended.p50us).toBeGreaterThan(300_000);
  });

  it('may be mixed with notifications and requests of the server', async () => {
    const note = '{"jsonrpc":"2.0","method":"notifications/message","params":{}}\n';
    const ping = '{"jsonrpc":"2.0","id":1000001,"method":"ping"}\n';
    const report = await load(await lines(({ id }) => note + resultOf(id) + ping));
    expect(report.firstError).toBeUndefined();
  });
});

describe('a subscription', () => {
  const listenTo: LoadOperation = { ...ask, method: 'subscriptions/listen', expect: 'subscription' };
  const acknowledge = (id: number): string =>
    `${JSON.stringify({
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: { _meta: { 'io.modelcontextprotocol/subscriptionId': id }, notifications: {} },
    })}\n`;

  it('counts when it is acknowledged; its final result after the cancellation is no error', async () => {
    let cancelled = 0;
    const server = createServer({ noDelay: true }, (socket) => {
      eachLine(socket, (line) => {
        const { id, params } = JSON.parse(line) as { id?: number; params: { requestId?: number } };
        if (id !== undefined) socket.write(acknowledge(id));
        else {
          cancelled += 1;
          socket.write(resultOf(params.requestId as number));
        }
      });
    });
    const target = { url: `tcp://127.0.0.1:${await listen(server)}` };
    const report = await load(target, { era: 'modern', operations: [listenTo] });
    expect(report.firstError).toBeUndefined();
    expect(report.messages).toBeGreaterThan(20);
    expect(cancelled).toBeGreaterThanOrEqual(report.messages);
  });

  it('that is refused is an error', async () => {
    const refusal = '"error":{"code":-32601,"message":"no such method"}';
    const target = await lines(({ id }) => `{"jsonrpc":"2.0","id":${id},${refusal}}\n`);
    const report = await load(target, { era: 'modern', operations: [listenTo] });
    // Answers to what was in flight at the end are no longer counted, their errors are.
    expect(report.errors).toBeGreaterThanOrEqual(report.messages);
    expect(report.messages).toBeGreaterThan(20);
    expect(report.firstError).toContain('no such method');
  });
});

describe('a connection', () => {
  it('that the server cuts is opened anew, and what was in flight on it counts as errors', async () => {
    const target = await lines(({ id, count, socket }) => {
      if (count % 50 !== 0) return resultOf(id);
      socket.destroy();
      return '';
    });
    const report = await load(target, { connections: 3 });
    expect(report.firstError).toMatch(/^the server closed a connection with [1-4] requests in flight$/);
    expect(report.messages).toBeGreaterThan(100);
  });

  it('that HTTP closes between two requests is no error', async () => {
    const target = await http((id, count, response) => {
      response.setHeader('connection', count % 3 === 0 ? 'close' : 'keep-alive');
      response.end(resultOf(id));
    });
    const report = await load(target, { depth: 1, connections: 3 });
    expect(report.firstError).toBeUndefined();
    expect(report.messages).toBeGreaterThan(20);
  });

  it('is tried again and again where the server is gone, and the run ends in time', async () => {
    const target = await lines(({ id, count, socket }) => {
      if (count < 20) return resultOf(id);
      for (const server of servers) server.close();
      socket.destroy();
      return '';
    });
    const report = await load(target, { rate: 500, seconds: 0.3 });
    expect(report.messages).toBeLessThan(25);
    // What was due and could not be sent is lost, too.
    expect(report.errors).toBeGreaterThan(50);
  });
});

it('ends the sessions that it opened', async () => {
  const opened: string[] = [];
  const ended: string[] = [];
  const server = createHttpServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const session = String(request.headers['mcp-session-id']);
      if (request.method === 'DELETE') {
        ended.push(session);
        response.end();
        return;
      }
      const { id, method } = JSON.parse(body) as { id?: number; method: string };
      if (method === 'initialize') {
        opened.push(`session-${opened.length}`);
        response.setHeader('mcp-session-id', opened[opened.length - 1]);
        response.end(resultOf('initialize', { protocolVersion: '2025-03-26', capabilities: {} }));
      } else if (!opened.includes(session) || request.headers['mcp-protocol-version'] !== '2025-03-26')
        response.writeHead(400).end();
      else if (id === undefined) response.writeHead(202).end();
      else response.end(resultOf(id));
    });
  });
  const target = { url: `http://127.0.0.1:${await listen(server)}/mcp` };
  const report = await load(target, { era: 'legacy', connections: 3, depth: 1 });
  expect(report.firstError).toBeUndefined();
  expect(report.messages).toBeGreaterThan(10);
  await vi.waitFor(() => expect(ended.sort()).toEqual(['session-0', 'session-1', 'session-2']));
});

it('counts what HTTP refuses', async () => {
  const target = await http((id, count, response) => {
    response.statusCode = count % 2 === 0 ? 503 : 200;
    response.end(count % 2 === 0 ? 'busy' : resultOf(id));
  });
  const report = await load(target, { depth: 1 });
  expect(report.firstError).toContain('busy');
  expect(report.errors).toBeGreaterThan(report.messages / 3);
});

describe('a load that cannot begin', () => {
  const silent = () => lines(() => '');
  const refusing = () =>
    lines(({ id }) => `{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"unknown"}}\n`);
  const closing = () =>
    lines(({ socket }) => {
      socket.destroy();
      return '';
    });
  const nobody = async (): Promise<LoadTarget> => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    return { url: `tcp://127.0.0.1:${port}` };
  };
  it.each([
    ['nobody listens', nobody, 'CONNECTION_REFUSED'],
    ['the socket is missing', async () => ({ url: 'unix:/nowhere/at/all.sock' }), 'CONNECTION_REFUSED'],
    ['nobody answers', silent, 'DEADLINE_EXCEEDED'],
    ['the call is refused', refusing, 'RPC_ERROR'],
    ['the connection is closed', closing, 'CONNECTION_CLOSED'],
    ['the command is missing', async () => ({ command: ['/nowhere/at/all'] }), 'CHILD_EXITED'],
    [
      'the command ends',
      async () => ({ command: [process.execPath, '-e', 'throw new Error("oops")'] }),
      'CHILD_EXITED',
    ],
    ['HTTP answers with a page', () => http((_id, _count, response) => response.end('<html>')), 'RPC_ERROR'],
    ['HTTP answers 404', () => http((_id, _count, response) => response.writeHead(404).end()), 'HTTP_STATUS'],
  ])('says so where %s', async (_name, target, code) => {
    await expect(
      load(await target(), { depth: 1 }, code === 'DEADLINE_EXCEEDED' ? 0.3 : 20),
    ).rejects.toMatchObject({ code });
  });

  it('tells what a command wrote', async () => {
    const command = [process.execPath, '-e', 'throw new Error("oops")'];
    await expect(load({ command }, {}, 20)).rejects.toThrow(/The command wrote: .*oops/);
  });
});

describe('the end of a run', () => {
  it('comes early where it is aborted, with what was measured', async () => {
    const target = await lines(({ id }) => resultOf(id));
    const abort = new AbortController();
    const report = await runNativeLoad(
      planOf(target, { seconds: 600, intervalMs: 50 }),
      { onInterval: () => abort.abort(), signal: abort.signal },
      {},
    );
    expect(report.errors).toBe(0);
    expect(report.messages).toBeGreaterThan(0);
    expect(report.seconds).toBeLessThan(60);
  });

  it('is CANCELLED where it is aborted before it began', async () => {
    const abort = new AbortController();
    abort.abort();
    const target = await lines(() => '');
    await expect(runNativeLoad(planOf(target), { signal: abort.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    const later = new AbortController();
    const running = runNativeLoad(planOf(target), { signal: later.signal });
    later.abort();
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a server that stands still for a second', () => {
  const command = async (): Promise<LoadTarget> => ({
    command: [
      process.execPath,
      await temporaryModule(`import { createInterface } from 'node:readline';
        let since;
        createInterface({ input: process.stdin }).on('line', (line) => {
          const { id } = JSON.parse(line);
          since ??= Date.now();
          if (since !== 0 && Date.now() - since > 600) {
            since = 0;
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
          }
          process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result: {} }) + '\\n');
        });`),
    ],
  });

  it('shows in the open loop, and hardly in the closed one', async () => {
    const changes = { seconds: 3, depth: undefined };
    const [open, closed] = await Promise.all([
      load(await command(), { ...changes, rate: 1000 }, 10),
      load(await command(), changes, 10),
    ]);
    expect(open.errors + closed.errors).toBe(0);
    // A third of all requests fell due while nothing moved.
    expect(open.p999us).toBeGreaterThan(800_000);
    expect(open.p90us).toBeGreaterThan(400_000);
    expect(open.maxUs).toBeGreaterThan(900_000);
    // One request at a time met the stall: that is what a closed loop leaves out.
    expect(closed.maxUs).toBeGreaterThan(900_000);
    expect(closed.p99us).toBeLessThan(400_000);
  });
});

it('leaves the queue that a warm-up made out of the window', async () => {
  let held: (() => void)[] | undefined = [];
  const target = await lines(({ id, count, socket }) => {
    const answer = (): void => void socket.write(resultOf(id));
    // The first request is that before the load.
    if (count === 1 || held === undefined) answer();
    else if (held.push(answer) === 1)
      setTimeout(() => {
        for (const each of held ?? []) each();
        held = undefined;
      }, 350);
    return '';
  });
  const plan = { rate: 2_000, depth: undefined, warmupSeconds: 0.3, seconds: 0.4 };
  const report = await load(target, plan, 10);
  expect(report.errors).toBe(0);
  // Six hundred answers waited when the warm-up was to be over.
  expect(report.messages).toBeLessThan(report.seconds * 2_000 + 100);
});

describe('which generator', () => {
  it('is chosen by the target', async () => {
    const target = { url: 'https://127.0.0.1:1/mcp' };
    expect(whyNotNative(planOf({ url: 'tcp://127.0.0.1:1' }))).toBeUndefined();
    expect(whyNotNative(planOf(target))).toContain('does not speak https');
    expect(whyNotNative(planOf({ url: 'http://127.0.0.1:1/mcp', http2: true }))).toContain('http2');
    await expect(runLoad(planOf(target, { generator: 'native' }))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  it('rejects a plan that is none', async () => {
    const target = { url: 'tcp://127.0.0.1:1' };
    await expect(runLoad(planOf(target, { connections: 0 }))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});

it('refuses what is no plan', () => {
  const program = join(root, 'bench/loadgen/build/loadgen');
  const cases = [
    ['', 'ends before its line'],
    ['end\n', 'no operation'],
    ['operation 1 result 3 10\n', 'broken at: operation 1 result 3 10'],
    ['operation 1 result 3 10 0\n{"id":123}\nend\n', 'broken at: operation'],
    ['operation 0 result 0 7 0\n9999999\nend\n', 'broken at: operation'],
    ['fields 99999999999999999999\n', 'broken at: fields'],
  ] as const;
  for (const [plan, problem] of cases) {
    const options = { input: plan, encoding: 'utf8' } as const;
    const { status, stderr } = spawnSync(program, ['load', '--url', 'tcp://127.0.0.1:1'], options);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(problem) });
  }
});
