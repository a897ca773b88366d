/** The load generator in C++, by its plan: every operation, era and wire it serves, against servers of our own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer } from '../../src/index.js';
import type { LoadEra, LoadOperation, LoadPlan } from '../../src/workbench/load/load-plan.js';
import { runNativeLoad } from '../../src/workbench/load/native-generator.js';
import { root } from './run.js';

const call: LoadOperation = {
  name: 'call',
  weight: 2,
  method: 'tools/call',
  params: { name: 'echo', arguments: { text: 'hello wörld' } },
};
const read: LoadOperation = {
  name: 'read',
  weight: 7,
  method: 'resources/read',
  params: { uri: 'bench://hello' },
};
const subscribe: LoadOperation = {
  name: 'subscribe',
  weight: 1,
  method: 'subscriptions/listen',
  params: { notifications: { resourceSubscriptions: ['bench://hello'] } },
  expect: 'subscription',
};

const shape = { connections: 3, warmupSeconds: 0.1, seconds: 0.4, intervalMs: 100 } as const;

let folder: string;
let urls: Record<string, string>;
const server = createServer({ name: 'loaded', version: '1.0.0' });
server.tool(
  'echo',
  { inputSchema: { type: 'object', properties: { text: { type: 'string' } } } },
  ({ text }) => String(text),
);
server.resource('bench://hello', { name: 'hello' }, () => 'hello');

beforeAll(async () => {
  execFileSync('make', ['-s', '-C', join(root, 'bench/loadgen')]);
  folder = mkdtempSync(join(tmpdir(), 'ringwire-native-load-'));
  const [tcp, unix, http] = await Promise.all(
    ['tcp://127.0.0.1:0', `unix:${join(folder, 's.sock')}`, 'http://127.0.0.1:0/mcp'].map((url) =>
      server.listen(url),
    ),
  );
  urls = { tcp: tcp.url, unix: unix.url, http: http.url, ws: http.url.replace('http:', 'ws:') };
}, 120_000);

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(['tcp', 'unix', 'http', 'ws'])('over %s', (transport) => {
  it.each(['modern', 'legacy'] as LoadEra[])('the mix of era %s', async (era) => {
    const operations = era === 'modern' ? [read, call, subscribe] : [read, call];
    const plan: LoadPlan = { ...shape, target: { url: urls[transport] }, era, operations };
    const report = await runNativeLoad(plan);
    expect(report.firstError).toBeUndefined();
    expect(report).toMatchObject({ mode: 'closed', generator: 'native', transport, errors: 0 });
  });
});
