/** The command line of npm run conformance, and the sets it runs. */
import { describe, expect, it } from 'vitest';
// @ts-expect-error a script without types
import { isUsageError, parseOptions } from '../../scripts/conformance/options.mjs';
// @ts-expect-error a script without types
import { scenariosOf } from '../../scripts/conformance/sets.mjs';

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
