import { describe, expect, it } from 'vitest';
import { Dispatcher } from '../../src/rpc/dispatcher.js';
import type { Call, CallContext } from '../../src/rpc/types.js';

function call(method: string, params: unknown = undefined, id: string | undefined = '1'): Call {
  return { method, params, context: { id, method } as CallContext };
}

describe('Dispatcher', () => {
  it('keeps synchronous handlers synchronous, with and without interceptors', () => {
    const dispatcher = new Dispatcher().method<{ n: number }>('double', ({ n }) => n * 2);
    expect(dispatcher.invoke(call('double', { n: 4 }))).toBe(8);
    dispatcher.use((each, next) => (next(each) as number) + 1);
    expect(dispatcher.invoke(call('double', { n: 4 }))).toBe(9);
  });

  it('runs interceptors in the order they were added, the first outermost', () => {
    const order: string[] = [];
    const dispatcher = new Dispatcher().method('m', () => order.push('handler'));
    for (const name of ['a', 'b', 'c']) {
      dispatcher.use((each, next) => {
        order.push(`${name}>`);
        const result = next(each);
        order.push(`<${name}`);
        return result;
      });
    }
    dispatcher.invoke(call('m'));
    expect(order).toEqual(['a>', 'b>', 'c>', 'handler', '<c', '<b', '<a']);
  });

  it('applies an interceptor added after a method was called', () => {
    const dispatcher = new Dispatcher().method('m', () => 1);
    dispatcher.use((each, next) => next(each));
    dispatcher.invoke(call('m'));
    dispatcher.use(() => 'intercepted');
    expect(dispatcher.invoke(call('m'))).toBe('intercepted');
  });

  it('lets an interceptor change params, answer itself, throw, and see unknown methods', () => {
    const seen: string[] = [];
    const dispatcher = new Dispatcher().method('m', (params) => params);
    dispatcher.use((each, next) => {
      seen.push(each.method);
      if (each.method === 'answered') return 'mine';
      return next({ ...each, params: { changed: true } });
    });
    expect(dispatcher.invoke(call('m', {}))).toEqual({ changed: true });
    expect(dispatcher.invoke(call('answered'))).toBe('mine');
    expect(() => dispatcher.invoke(call('unknown'))).toThrow('Method not found: unknown');
    expect(seen).toEqual(['m', 'answered', 'unknown']);
  });

  it('composes the chain of a method once', () => {
    const dispatcher = new Dispatcher().method('m', () => 1);
    const nexts = new Set<unknown>();
    dispatcher.use((each, next) => {
      nexts.add(next);
      return next(each);
    });
    for (let index = 0; index < 5; index += 1) dispatcher.invoke(call('m'));
    expect(nexts.size).toBe(1);
  });

  it('refuses unknown requests, ignores unknown notifications', () => {
    const dispatcher = new Dispatcher();
    expect(() => dispatcher.invoke(call('nothing'))).toThrow(expect.objectContaining({ rpcCode: -32601 }));
    const context = { id: undefined, method: 'nothing' } as CallContext;
    expect(dispatcher.invoke({ method: 'nothing', params: undefined, context })).toBeUndefined();
  });

  it('serves a notification by its own handler, else by the method of that name', () => {
    const dispatcher = new Dispatcher().method('m', () => 'method').method('n', () => 'method');
    dispatcher.notification('n', () => 'notification');
    const notify = (method: string) => {
      const context = { id: undefined, method } as CallContext;
      return dispatcher.invoke({ method, params: undefined, context });
    };
    expect(notify('m')).toBe('method');
    expect(notify('n')).toBe('notification');
    expect(dispatcher.invoke(call('n'))).toBe('method');
  });

  it('does not serve a request by a notification handler', () => {
    const dispatcher = new Dispatcher().notification('n', () => 1);
    expect(() => dispatcher.invoke(call('n'))).toThrow('Method not found');
  });

  it('gives the rest to the fallback, except names that JSON-RPC reserves', () => {
    const dispatcher = new Dispatcher().fallback((method, params) => ({ method, params }));
    expect(dispatcher.invoke(call('any', [1]))).toEqual({ method: 'any', params: [1] });
    expect(() => dispatcher.invoke(call('rpc.discover'))).toThrow('Method not found');
    dispatcher.fallback(undefined);
    expect(() => dispatcher.invoke(call('any'))).toThrow('Method not found');
  });

  it('refuses names that are reserved or empty', () => {
    const dispatcher = new Dispatcher();
    for (const name of ['rpc.x', 'rpc.', '']) {
      expect(() => dispatcher.method(name, () => 1)).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID' }),
      );
      expect(() => dispatcher.notification(name, () => 1)).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID' }),
      );
    }
    expect(() => dispatcher.method('rpcx', () => 1)).not.toThrow();
  });

  it('lists, finds and removes', () => {
    const dispatcher = new Dispatcher().method('a', () => 1).method('b', () => 1);
    dispatcher.notification('n', () => 1);
    expect(dispatcher.methods()).toEqual(['a', 'b']);
    expect(dispatcher.has('n')).toBe(true);
    expect(dispatcher.remove('a')).toBe(true);
    expect(dispatcher.remove('a')).toBe(false);
    expect(dispatcher.remove('n')).toBe(true);
    expect(dispatcher.has('n')).toBe(false);
    expect(() => dispatcher.invoke(call('a'))).toThrow('Method not found');
  });
});
