/** The error table: the code and its documentation say the same. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorKinds, RingwireError, RpcError, RpcErrorCode } from '../../src/errors.js';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (yes|no) \| (.+?) \| (.+?) \|$/gm)].map(
  ([, code, retryable, meaning, advice]) => ({ code, retryable: retryable === 'yes', meaning, advice }),
);

describe('docs/errors.md', () => {
  it('has one row for each code, with the same meaning', () => {
    const documented = rows.map(({ code, retryable, meaning }) => [code, { retryable, meaning }]);
    expect(Object.fromEntries(documented)).toEqual(errorKinds);
    expect(documented).toHaveLength(Object.keys(errorKinds).length);
  });

  it('says what to do about each', () => {
    for (const { code, advice } of rows) expect(advice.length, code).toBeGreaterThan(10);
  });

  it('lists the JSON-RPC numbers that we use', () => {
    const numbers = [...page.matchAll(/^\| (-\d+) \|/gm)].map(([, number]) => Number(number));
    expect(numbers.sort()).toEqual(Object.values(RpcErrorCode).sort());
  });
});

describe('RingwireError', () => {
  it('takes retryable from its code unless told', () => {
    expect(new RingwireError('CONNECTION_RESET', 'gone').retryable).toBe(true);
    expect(new RingwireError('CONNECTION_RESET', 'gone', { retryable: false }).retryable).toBe(false);
    expect(new RingwireError('CANCELLED', 'stop').retryable).toBe(false);
  });

  it('keeps the chain of causes and has none where none was given', () => {
    const cause = new Error('ECONNRESET');
    expect(new RingwireError('IO_ERROR', 'read failed', { cause }).cause).toBe(cause);
    expect('cause' in new RingwireError('IO_ERROR', 'read failed')).toBe(false);
  });
});

describe('RpcError', () => {
  it('is a RingwireError that carries what was on the wire', () => {
    const error = new RpcError(RpcErrorCode.InvalidParams, 'no', { path: '/a' });
    expect(error).toBeInstanceOf(RingwireError);
    expect(error).toMatchObject({
      code: 'RPC_ERROR',
      rpcCode: -32602,
      data: { path: '/a' },
      name: 'RpcError',
    });
  });
});
