/** npm run conformance: its command line, its sets and its verdicts. */
import { describe, expect, it } from 'vitest';
// @ts-expect-error a script without types
import { isUsageError, parseOptions } from '../../scripts/conformance/options.mjs';
// @ts-expect-error a script without types
import { scenariosOf } from '../../scripts/conformance/sets.mjs';
// @ts-expect-error a script without types
import { judge } from '../../scripts/conformance/suite.mjs';

describe('the sets of scenarios', () => {
  it.each([
    ['server', '2026-07-28', 37],
    ['server', '2025-11-25', 30],
    ['server', 'extra', 6],
    ['client', '2026-07-28', 7],
    ['client', '2025-11-25', 4],
    ['client', 'extra', 2],
  ])('%s %s has %i', (side, set, count) => {
    const names = scenariosOf(side, set).map(([name, revision]: [string, string]) => `${name} ${revision}`);
    expect(new Set(names).size).toBe(count);
    expect(names.filter((name: string) => name.startsWith('auth/'))).toEqual([]);
  });
});

describe('the verdict on a scenario', () => {
  const check = (status: string) => ({ id: 'id', name: 'Name', status, errorMessage: 'why' });
  const done = { code: 0, timedOut: false };

  it('is good where something was checked and nothing failed', () => {
    expect(judge([check('SUCCESS'), check('INFO'), check('SKIPPED')], done)).toEqual({
      passed: 1,
      failed: 0,
      warnings: 0,
      skipped: 1,
      ok: true,
      problems: [],
    });
  });

  it.each([
    ['a failure', [check('SUCCESS'), check('FAILURE')], done, 'id (Name): why'],
    ['a warning', [check('SUCCESS'), check('WARNING')], done, 'id (Name): why'],
    ['nothing checked', [check('INFO')], done, 'nothing was checked'],
    ['no results at all', [], { code: 1, timedOut: false }, 'nothing was checked'],
    [
      'a suite that fails by itself',
      [check('SUCCESS')],
      { code: 1, timedOut: false },
      'the suite ended with 1',
    ],
    ['a suite that hangs', [check('SUCCESS')], { code: null, timedOut: true }, 'no verdict within 60000 ms'],
  ])('is bad for %s', (_what, checks, end, problem) => {
    expect(judge(checks, end)).toMatchObject({ ok: false, problems: [problem] });
  });
});

describe('the command line', () => {
  it('runs everything where nothing is named', () => {
    expect(parseOptions([])).toMatchObject({
      sides: ['server', 'client'],
      sets: ['2026-07-28', '2025-11-25', 'extra'],
      engines: ['uws', 'node'],
    });
  });

  it('takes a side, a set and an engine', () => {
    expect(parseOptions(['server', '2025-11-25', '--engine', 'node', '--json'])).toMatchObject({
      sides: ['server'],
      sets: ['2025-11-25'],
      engines: ['node'],
      json: true,
    });
    expect(parseOptions(['--help'])).toBeUndefined();
  });

  it.each([
    [['serve'], /"serve" is not known; known are server, client/],
    [['server', '2024'], /"2024" is not known/],
    [['server', '--engine', 'deno'], /"deno" is not known; known are uws, node/],
    [['client', '--engine', 'uws'], /the client has no engine/],
    [['server', 'extra', 'more'], /one argument too many/],
    [['--wrong'], /--wrong/],
  ])('refuses %j', (args, message) => {
    const error = (() => {
      try {
        return parseOptions(args);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(isUsageError(error)).toBe(true);
    expect((error as Error).message).toMatch(message);
  });
});
