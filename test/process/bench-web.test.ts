/** The benchmarks of HTTP and WebSocket: that the generator reads what servers may send, and the records are whole. */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { type Ended, Running, root, temporaryFolder, temporaryModule } from './run.js';

const timeoutMs = 120_000;
const loadgen = join(root, 'bench/loadgen/build/loadgen');
const servers = new Set<Server | WebSocketServer>();
const sockets = new Set<Socket>();

beforeAll(() => {
  execFileSync('make', ['-s', '-C', join(root, 'bench/loadgen')]);
}, timeoutMs);

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  sockets.clear();
  servers.clear();
});

function script(path: string, args: readonly string[]): Promise<Ended> {
  const child = new Running([path, ...args]);
  child.process.stdin.end();
  return child.ended;
}

const bench = (...args: string[]): Promise<Ended> => script(join(root, 'bench/run.mjs'), args);

const records = (lines: string): Record<string, unknown>[] =>
  lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Runs the generator beside us, so that the servers of these tests can answer it. */
async function generate(...args: string[]): Promise<Ended> {
  const source = `import { spawnSync } from 'node:child_process';
    process.exitCode = spawnSync(${JSON.stringify(loadgen)}, ${JSON.stringify(args)}, { stdio: 'inherit' }).status;`;
  return script(await temporaryModule(source, 'generate.mjs'), []);
}

async function load(url: string, ...args: string[]): Promise<Record<string, unknown>> {
  const exact = ['--warmup', '0', '--seconds', '60', '--messages', '500'];
  const { code, stdout, stderr } = await generate('run', '--url', url, ...exact, ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

interface Call {
  readonly head: string;
  readonly body: { id?: number; method: string; params: { arguments: { text: string } } };
  /** Of all calls of this server, from 1. */
  readonly count: number;
}

const resultOf = ({ body }: Call): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: body.id,
    result: { content: [{ type: 'text', text: body.params.arguments.text }] },
  });

const plain = (body: string, status = '200 OK', fields = ''): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\n${fields}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** An HTTP server down to its bytes: each call is answered with the pieces `answer` returns, in writes of their own. */
async function serveBytes(
  answer: (call: Call, socket: Socket) => string | string[],
  onDelete: (head: string) => void = () => {},
): Promise<string> {
  let count = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    let input = '';
    socket.setEncoding('latin1').on('error', () => {});
    socket.on('data', async (chunk) => {
      input += chunk;
      const end = input.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(input)?.[1] ?? 0);
      if (end < 0 || input.length < end + 4 + length) return;
      const head = input.slice(0, end);
      if (head.startsWith('DELETE ')) {
        onDelete(head);
        socket.write(plain(''));
        return;
      }
      const body = JSON.parse(input.slice(end + 4, end + 4 + length));
      input = '';
      count += 1;
      for (const piece of [answer({ head, body, count }, socket)].flat()) {
        if (socket.destroyed) return;
        // A piece that has left is a segment of its own.
        await new Promise((resolve) => socket.write(piece, resolve));
      }
    });
  });
  servers.add(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

test('the generator sends what a client of 2026-07-28 sends', { timeout: timeoutMs }, async () => {
  const heads = new Set<string>();
  const url = await serveBytes((call) => {
    heads.add(call.head);
    return plain(resultOf(call));
  });
  expect(await load(url, '--connections', '3')).toMatchObject({ messages: 500, errors: 0 });
  expect([...heads]).toHaveLength(1);
  const lines = [...heads][0].toLowerCase().split('\r\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'post /mcp http/1.1',
      'content-type: application/json',
      'accept: application/json, text/event-stream',
      'mcp-protocol-version: 2026-07-28',
      'mcp-method: tools/call',
      'mcp-name: echo',
    ]),
  );
});

test('the generator opens a session on each connection in the older revision', {
  timeout: timeoutMs,
}, async () => {
  let sessions = 0;
  const used = new Map<string, number>();
  const ended: string[] = [];
  const sessionOf = (head: string): string => /^mcp-session-id: (.*)$/im.exec(head)?.[1] ?? 'none';
  const onDelete = (head: string): void => {
    ended.push(sessionOf(head));
  };
  const url = await serveBytes((call) => {
    if (call.body.method === 'initialize') {
      sessions += 1;
      const fields = `Mcp-Session-Id: session-${'x'.repeat(sessions)}\r\n`;
      const result = JSON.stringify({ jsonrpc: '2.0', id: call.body.id, result: {} });
      return plain(result, '200 OK', fields);
    }
    const id = sessionOf(call.head);
    if (call.body.id === undefined) return 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n';
    used.set(id, (used.get(id) ?? 0) + 1);
    expect(call.head).not.toMatch(/^mcp-(method|name):/im);
    return plain(resultOf(call));
  }, onDelete);
  expect(await load(url, '--connections', '3', '--handshake', 'legacy')).toMatchObject({ errors: 0 });
  expect([...used.keys()].sort()).toEqual(['session-x', 'session-xx', 'session-xxx']);
  // It lets go of what it opened.
  expect(ended.sort()).toEqual([...used.keys()].sort());
});

test('the generator reads chunks, event streams and heads in pieces', { timeout: timeoutMs }, async () => {
  const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
  const chunkedHead = (type: string): string =>
    `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const ways: ((reply: string) => string[])[] = [
    (reply) => [plain(reply)],
    (reply) => [plain(reply, '200 OK', 'Date: another\r\n')],
    (reply) => [plain(reply).slice(0, 20), plain(reply).slice(20, 90), plain(reply).slice(90)],
    (reply) => [`${chunkedHead('application/json')}${chunk(reply)}0\r\n\r\n`],
    (reply) => [
      chunkedHead('application/json'),
      chunk(reply.slice(0, 7)),
      chunk(reply.slice(7)),
      '0\r\nTrailer: x\r\n\r\n',
    ],
    (reply) => [
      `${chunkedHead('text/event-stream')}${chunk(': hello\n\nevent: message\ndata: {"jsonrpc":"2.0","method":"x"}\n\n')}`,
      `${chunk(`id: 7\ndata: ${reply}\n\n`)}0\r\n\r\n`,
    ],
    (reply) => [`HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n${plain(reply)}`],
  ];
  const url = await serveBytes((call) => ways[call.count % ways.length](resultOf(call)));
  expect(await load(url, '--connections', '3')).toMatchObject({ messages: 500, errors: 0 });
});

test('the generator counts refusals, wrong bodies and answers that end too soon', {
  timeout: timeoutMs,
}, async () => {
  const refusing = await serveBytes((call) =>
    call.count === 20 ? plain('{"busy":true}', '503 Service Unavailable') : plain(resultOf(call)),
  );
  expect(await load(refusing)).toMatchObject({
    errors: 1,
    firstError: expect.stringContaining('HTTP 503: {"busy":true}'),
  });
  const wrong = await serveBytes((call) =>
    plain(call.count === 20 ? resultOf(call).replace('world', 'xorld') : resultOf(call)),
  );
  expect(await load(wrong)).toMatchObject({ errors: 1, firstError: expect.stringContaining('xorld') });
  const swapped = await serveBytes((call) =>
    plain(call.count === 20 ? resultOf(call).replace(/"id":\d/, '"id":7') : resultOf(call)),
  );
  expect(await load(swapped)).toMatchObject({ errors: 1 });
  const cut = await serveBytes((call, socket) => {
    if (call.count < 20) return plain(resultOf(call));
    socket.end(plain(resultOf(call)).slice(0, -5));
    return [];
  });
  expect(await load(cut)).toMatchObject({ errors: 1, firstError: expect.stringContaining('closed') });
  const refused = await serveBytes(() => plain('{"error":"no"}', '404 Not Found'));
  const { code, stderr } = await generate('run', '--url', refused);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('HTTP 404: {"error":"no"}') });
});

test('the generator masks what it sends over WebSocket, answers pings and joins fragments', {
  timeout: timeoutMs,
}, async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  servers.add(server);
  await once(server, 'listening');
  let pongs = 0;
  let pings = 0;
  server.on('connection', (socket) => {
    let count = 0;
    socket.on('pong', () => {
      pongs += 1;
    });
    socket.on('message', (data) => {
      count += 1;
      const reply = resultOf({ head: '', body: JSON.parse(data.toString()), count });
      if (count % 3 !== 0) return socket.send(reply);
      socket.send(reply.slice(0, 10), { fin: false });
      if (count % 50 === 0 || count === 3) {
        pings += 1;
        socket.ping('are you there');
      }
      socket.send(reply.slice(10), { fin: true });
    });
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  // `ws` refuses frames that are not masked.
  expect(await load(url, '--connections', '3', '--depth', '8')).toMatchObject({ messages: 500, errors: 0 });
  expect(pings).toBeGreaterThan(3);
  expect(pongs).toBe(pings);
});

test('the generator says with which code a WebSocket was closed', { timeout: timeoutMs }, async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  servers.add(server);
  await once(server, 'listening');
  server.on('connection', (socket) => {
    let count = 0;
    socket.on('message', (data) => {
      count += 1;
      if (count === 20) return socket.close(1013, 'try later');
      socket.send(resultOf({ head: '', body: JSON.parse(data.toString()), count }));
    });
  });
  const report = await load(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
  expect(report.firstError).toBe('the server closed the WebSocket with 1013 try later');
});

test('idle connections that the server closes are counted', { timeout: timeoutMs }, async () => {
  const first = new Map<Socket, number>();
  const url = await serveBytes((call, socket) => {
    first.set(socket, (first.get(socket) ?? 0) + 1);
    // The active connections made ten calls when the first idle one opens: its only call is the last thing it hears.
    if (first.size === 4 && first.get(socket) === 1) {
      socket.end(plain(resultOf(call)));
      return [];
    }
    return plain(resultOf(call));
  });
  const options = ['--connections', '10', '--active', '2', '--warmup', '0', '--seconds', '0.1'];
  const { code, stdout } = await generate('idle', '--url', url, ...options);
  expect(code).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({
    connections: 10,
    active: 2,
    errors: 1,
    firstError: 'the server closed 1 idle connections',
  });
});

test('http and ws --json print whole lines, with witnesses where they are installed', {
  timeout: timeoutMs,
}, async () => {
  const results = await temporaryFolder();
  const common = ['--json', '--quick', '--results', results, '--contenders'];
  const http = await bench('http', ...common, 'raw-uws,raw-node-http');
  expect(http).toMatchObject({ code: 0, stderr: '' });
  const ws = await bench('ws', ...common, 'raw-uws,ws');
  expect(ws).toMatchObject({ code: 0, stderr: '' });
  const printed = [...records(http.stdout), ...records(ws.stdout)];
  const kind = ({
    scenario,
    contender,
    connections,
    depth,
    payload,
    text,
  }: Record<string, unknown>): string =>
    `${scenario} ${contender} ${connections}x${depth} ${payload} ${text}`;
  expect(printed.map(kind).sort()).toEqual([
    'http raw-node-http 64x1 tool ascii',
    'http raw-node-http 64x1 tool utf8',
    'http raw-uws 64x1 list ascii',
    'http raw-uws 64x1 tool ascii',
    'http raw-uws 64x1 tool utf8',
    'ws raw-uws 64x1 tool ascii',
    'ws raw-uws 64x16 tool ascii',
    'ws ws 64x1 tool ascii',
    'ws ws 64x16 tool ascii',
  ]);
  for (const record of printed) {
    for (const field of ['rate', 'p50us', 'p99us', 'rssMb', 'messages', 'requestBytes', 'replyBytes'])
      expect(record[field], field).toBeGreaterThan(0);
    expect(record).toMatchObject({ transport: record.scenario, errors: 0, quick: true });
  }
  expect(await readFile(join(results, 'http.jsonl'), 'utf8')).toBe(http.stdout);
});

test('witness --json sets the rates of other generators beside ours', {
  timeout: timeoutMs,
}, async (context) => {
  const tools = ['wrk', 'h2load'].filter((name) => spawnSync(name, ['--version']).error === undefined);
  if (tools.length === 0) return context.skip('neither wrk nor h2load is installed');
  const { code, stdout } = await bench('witness', '--json', '--quick', '--contenders', 'raw-uws');
  expect(code).toBe(0);
  const [record] = records(stdout);
  expect(record).toMatchObject({ scenario: 'witness', contender: 'raw-uws', errors: 0, quick: true });
  for (const tool of tools)
    expect(record[`${tool}Ratio`]).toBeCloseTo(Number(record[`${tool}Rate`]) / Number(record.rate), 3);
});

test('openloop and idle --json print transport, tail latency, errors and bytes of a connection', {
  timeout: timeoutMs,
}, async () => {
  const common = ['--json', '--quick', '--contenders', 'raw-uws,raw-node-http'];
  const open = await bench('openloop', ...common, '--rate', '500');
  expect(open).toMatchObject({ code: 0, stderr: '' });
  expect(records(open.stdout).map(({ contender, transport }) => `${contender} ${transport}`)).toEqual([
    'raw-uws http',
    'raw-node-http http',
    'raw-uws ws',
  ]);
  for (const record of records(open.stdout)) {
    expect(record).toMatchObject({ scenario: 'openloop', targetRate: 500, connections: 64, errors: 0 });
    expect(record).toMatchObject({ generatorLate: expect.any(Boolean), lateP99us: expect.any(Number) });
    expect(Number(record.p99us)).toBeLessThanOrEqual(Number(record.p999us));
    expect(Number(record.p999us)).toBeLessThanOrEqual(Number(record.p9999us));
  }
  const idle = await bench('idle', ...common, '--connections', '50');
  expect(idle).toMatchObject({ code: 0, stderr: '' });
  expect(records(idle.stdout)).toHaveLength(3);
  for (const record of records(idle.stdout)) {
    expect(record).toMatchObject({ scenario: 'idle', connections: 50, active: 8, errors: 0 });
    expect(record.bytesPerConnection).toEqual(expect.any(Number));
    expect(record.p99us).toBeGreaterThan(0);
  }
});

test('a contender that has no part says who has', async () => {
  for (const scenario of ['http', 'ws', 'openloop', 'idle']) {
    const { code, stderr } = await bench(scenario, '--contenders', 'epoll-cpp');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(`epoll-cpp has no part in ${scenario}; those that have are ringwire-uws`),
    });
  }
});

test('the tables of http, openloop and idle are rendered from their records', async () => {
  const folder = await temporaryFolder();
  const common = {
    rounds: 5,
    seconds: 2,
    errors: 0,
    rssMb: 50,
    p50us: 700,
    p99us: 1500,
    p999us: 2500,
    p9999us: 3500,
    commit: 'abc',
    node: '20',
    machine: { cpu: 'test', cores: 2, kernel: '6' },
    date: '2026-01-01T00:00:00Z',
  };
  const shape = { transport: 'http', connections: 64, depth: 1, payload: 'tool', text: 'ascii', ...common };
  const lines = {
    http: [
      { scenario: 'http', contender: 'raw-uws', ...shape, rate: 80_000, cpuUsPerMsg: 12, wrkRate: 81_000 },
      { scenario: 'http', contender: 'ringwire-uws', ...shape, rate: 76_000, cpuUsPerMsg: 13 },
      { ...shape, scenario: 'http', contender: 'ringwire-node', transport: 'h2', depth: 100, rate: 20_000 },
    ],
    openloop: [
      {
        ...shape,
        scenario: 'openloop',
        contender: 'raw-uws',
        targetRate: 10_000,
        rate: 10_000,
        serverCpu: 0.3,
      },
    ],
    idle: [
      {
        ...shape,
        scenario: 'idle',
        contender: 'raw-uws',
        connections: 10_000,
        active: 8,
        bytesPerConnection: 520,
      },
    ],
  };
  for (const [name, all] of Object.entries(lines))
    await writeFile(join(folder, `${name}.jsonl`), all.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const document = join(folder, 'page.md');
  const markers = Object.keys(lines).map((name) => `<!-- bench:${name} -->\n<!-- /bench:${name} -->\n`);
  await writeFile(document, markers.join('\n'));
  const rendered = await script(join(root, 'bench/render.mjs'), ['--results', folder, document]);
  expect(rendered).toMatchObject({ code: 0, stderr: '' });
  const text = await readFile(document, 'utf8');
  expect(text).toContain('| raw-uws | 80.0 k (1.00x) | - | 12.0 | 0.70 | 1.50 | 50 | 81.0 k |');
  expect(text).toContain('| ringwire-uws | 76.0 k (0.95x) | - | 13.0 | 0.70 | 1.50 | 50 | - |');
  expect(text).toContain('| ringwire-node | - | 20.0 k |');
  expect(text).toContain(
    '| raw-uws, http | 10.0 k | 10.0 k | 0.70 | 1.50 | 2.50 | 3.50 | 30 % | on time | 0 |',
  );
  expect(text).toContain('Seed, as stated: 10,500 req/s, p95 85 ms.');
  expect(text).toContain('| raw-uws, http | 10,000 | 0.5 | 50 | 700 | 1500 | 0 |');
});
