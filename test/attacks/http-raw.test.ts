/** About 200 requests as no client library sends them, on every engine: attack A3, and its neighbours. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { type AttackServer, attackServer, type Engine, engines, post } from './attack-server.js';
import type { HttpCase, Verdict } from './http-case.js';
import { framingCases } from './http-cases-framing.js';
import { headCases } from './http-cases-head.js';
import { RawConnection } from './raw-http.js';

// Some peers are given up only after engines' own times of 10 s and more.
vi.setConfig({ testTimeout: 60_000 });

const cases = [...framingCases, ...headCases];

interface Outcome {
  readonly statuses: readonly number[];
  /** Which of first, second and the one sent at last to a connection that goes on reached the tool, sorted. */
  readonly calls: string;
  readonly isClosed: boolean;
  /** Bytes behind the last answer. */
  readonly rest: string;
  /** What a good request on another connection got afterwards. */
  readonly after: number;
}

async function run(server: AttackServer, one: HttpCase, verdict: Verdict, index: number): Promise<Outcome> {
  // As long as what they stand for: the lengths in the cases hold.
  const marks = [1, 2, 3].map((part) => `${String(index).padStart(4, '0')}${'-abc'[part]}`);
  const connection = new RawConnection(server.port, { isHead: one.isHead });
  connection.write(one.bytes.replaceAll('{{1}}', marks[0]).replaceAll('{{2}}', marks[1]));
  if (goesOn(verdict)) {
    const { length } = verdict.answered;
    await connection.answered(length);
    // Its answer could not be told from the body that a HEAD has not.
    if (one.isHead !== true) await connection.write(post({ mark: marks[2] })).answered(length + 1);
  } else await connection.closed();
  const { isClosed, rest, answers } = connection;
  connection.destroy();
  return {
    statuses: answers.map(({ status }) => status),
    calls: server.marks
      .filter((mark) => marks.includes(mark))
      .map((mark) => mark.slice(4))
      .sort()
      .join(''),
    isClosed,
    rest,
    after: await server.serves(),
  };
}

function goesOn(verdict: Verdict): verdict is Extract<Verdict, { answered: unknown }> {
  return 'answered' in verdict && verdict.closes !== true;
}

/** What uWebSockets.js says itself where its parser refuses, or where something stands behind a request we refuse. */
const ownStatuses = [0, 400, 431, 505];

function check(verdict: Verdict, outcome: Outcome, engine: Engine, isHead: boolean): void {
  const { statuses, calls, isClosed, rest, after } = outcome;
  expect(after).toBe(200);
  expect(rest).toBe('');
  expect(isClosed).toBe(!goesOn(verdict));
  if ('answered' in verdict) {
    const more = goesOn(verdict) && !isHead;
    expect({ statuses, calls }).toEqual({
      statuses: more ? [...verdict.answered, 200] : verdict.answered,
      calls: more ? `${verdict.calls}c` : verdict.calls,
    });
    return;
  }
  expect(statuses.length).toBeLessThanOrEqual(1);
  if ('forgiven' in verdict) expect(['', 'a']).toContain(calls);
  else {
    expect(calls).toBe('');
    expect([...verdict.refused, ...(engine === 'uws' ? ownStatuses : [])]).toContain(statuses[0] ?? 0);
  }
}

describe.each(engines)('on the engine %s', (engine) => {
  let server: AttackServer;
  // All at once: a case may have to wait until the engine gives a peer up.
  const outcomes: Promise<Outcome>[] = [];
  beforeAll(async () => {
    server = await attackServer(engine);
    cases.forEach((one, index) => {
      outcomes.push(run(server, one, one.onEngine?.[engine] ?? one.verdict, index));
    });
  });
  afterAll(() => server.close());

  it.each(cases.map((one, index) => [one.name, one, index] as const))('%s', async (_name, one, index) => {
    check(one.onEngine?.[engine] ?? one.verdict, await outcomes[index], engine, one.isHead === true);
  });

  it('has the application throw nothing, and no connection left', async () => {
    await Promise.all(outcomes);
    expect(server.warnings).toEqual([]);
    await expect.poll(() => server.listener.connections).toBe(0);
  });
});

it('no two cases have the same name', () => {
  const names = cases.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});
