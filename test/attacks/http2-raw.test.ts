/** Frames that break the rules of RFC 9113, against the engine that speaks HTTP/2: attack A5. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

import { type AttackServer, attackServer } from './attack-server.js';
import { type Http2Case, http2Cases } from './http2-cases.js';
import { call, Http2Raw } from './http2-raw.js';

// Some peers are given up only after engines' own times of 10 s and more.
vi.setConfig({ testTimeout: 60_000 });

interface Outcome {
  readonly status: number | undefined;
  readonly reset: number | undefined;
  readonly goaway: number | undefined;
  /** Which reached the tool: the call of the case, and the one behind it. */
  readonly calls: readonly string[];
  readonly isClosed: boolean;
}

let server: AttackServer;
// All at once: a connection that GOAWAY was said to may end only when it has been idle too long.
const outcomes: Promise<Outcome>[] = [];
beforeAll(async () => {
  server = await attackServer('node', { keepAliveTimeoutMs: 500 });
  http2Cases.forEach((one, index) => {
    outcomes.push(run(one, `${index}`));
  });
});
afterAll(() => server.close());

async function run({ frames, verdict }: Http2Case, mark: string): Promise<Outcome> {
  const connection = new Http2Raw(server.port).write(...frames(`case ${mark}`));
  if ('goaway' in verdict) await connection.until(() => connection.goaway !== undefined);
  else await connection.ended(1);
  connection.write(call(1001, `after ${mark}`));
  if ('goaway' in verdict) await connection.closed();
  else await connection.ended(1001);
  const { isClosed, goaway } = connection;
  connection.destroy();
  return {
    status: connection.statusOf(1),
    reset: connection.resetOf(1),
    goaway,
    calls: server.marks.filter((each) => each.endsWith(` ${mark}`)).map((each) => each.split(' ')[0]),
    isClosed,
  };
}

it.each(http2Cases.map((one, index) => [one.name, one, index] as const))(
  '%s',
  async (_, { verdict }, index) => {
    const { status, reset, goaway, calls, isClosed } = await outcomes[index];
    if ('goaway' in verdict) {
      expect(verdict.goaway).toContain(goaway);
      expect({ calls, isClosed }).toEqual({ calls: [], isClosed: true });
      return;
    }
    expect({ goaway, isClosed }).toEqual({ goaway: undefined, isClosed: false });
    if ('served' in verdict) expect({ status, calls }).toEqual({ status: 200, calls: ['case', 'after'] });
    else {
      expect(calls).toEqual(['after']);
      if ('status' in verdict) expect(verdict.status).toContain(status);
      else {
        expect(status).toBeUndefined();
        expect(verdict.reset).toContain(reset);
      }
    }
  },
);

it('serves others, and has the application throw nothing', async () => {
  await Promise.all(outcomes);
  expect(await server.serves()).toBe(200);
  expect(server.warnings).toEqual([]);
  await expect.poll(() => server.listener.connections).toBe(0);
});
