/** What makes a load plan wrong, what mixes mean, and the arguments and texts a load is filled with. */
import { describe, expect, it } from 'vitest';
import { checkLoadPlan } from '../../src/workbench/load/check-plan.js';
import type { LoadPlan } from '../../src/workbench/load/load-plan.js';
import { parseMix } from '../../src/workbench/load/operations.js';
import { prepareLoad } from '../../src/workbench/load/prepare.js';
import {
  sampleArguments,
  sampleText,
  textArgument,
  textKinds,
} from '../../src/workbench/load/sample-arguments.js';
import { transportName } from '../../src/workbench/load/transport-name.js';

const good: LoadPlan = {
  target: { url: 'tcp://127.0.0.1:4000' },
  era: 'modern',
  operations: [{ name: 'ping', weight: 1, method: 'ping', params: {} }],
  connections: 1,
  warmupSeconds: 0,
  seconds: 1,
};
const subscription = { ...good.operations[0], expect: 'subscription' as const };
const http = { url: 'http://127.0.0.1/mcp' };

describe('a load plan', () => {
  it.each([
    good,
    { ...good, depth: 4, rate: 0.5, intervalMs: 50, serverPid: 1 },
    { ...good, target: { command: ['node'] } },
    {
      ...good,
      target: { ...http, http2: true, headers: { authorization: 'x' } },
      depth: 9,
      operations: [subscription],
    },
    { ...good, target: http, operations: [subscription], rate: 100 },
  ])('may be %j', (plan) => {
    expect(() => checkLoadPlan(plan)).not.toThrow();
  });

  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ target: undefined }, /"target" of a load/],
    [{ target: { url: 'ftp://x' } }, /ftp/],
    [{ target: { url: 'stdio:node?arg=a' } }, /give a load the command's words/],
    [{ target: { url: 'memory:a' } }, /lies inside a process/],
    [{ target: { command: [] } }, /"target.command"/],
    [{ target: { command: ['a'] }, connections: 2 }, /1: a command has one connection/],
    [{ target: { url: 'tcp://a:1', http2: true } }, /"target.http2"/],
    [{ target: { url: 'tcp://a:1', headers: {} } }, /"target.headers"/],
    [{ target: { ...http, headers: { 'a b': 'x' } } }, /no name of a header field/],
    [{ era: 'new' }, /"era"/],
    [{ operations: [] }, /"operations"/],
    [{ operations: [{ ...subscription, name: '' }] }, /operations\[0\]\.name/],
    [{ operations: [{ ...subscription, method: 7 }] }, /operations\[0\]\.method/],
    [{ operations: [{ ...subscription, params: [] }] }, /operations\[0\]\.params/],
    [{ operations: [{ ...subscription, weight: -1 }] }, /operations\[0\]\.weight/],
    [{ operations: [{ ...subscription, weight: 0 }] }, /"weight"/],
    [{ operations: [{ ...subscription, expect: 'x' }] }, /operations\[0\]\.expect/],
    [{ operations: [subscription], era: 'legacy' }, /older servers have none/],
    [{ operations: [subscription], target: http, depth: 2 }, /holds up what is sent behind it/],
    [{ connections: 0 }, /"connections".* whole number from 1 to 20000/],
    [{ connections: 1.5 }, /whole/],
    [{ depth: 0 }, /"depth"/],
    [{ rate: 0 }, /"rate"/],
    [{ rate: Number.NaN }, /"rate"/],
    [{ seconds: 0 }, /"seconds"/],
    [{ warmupSeconds: -1 }, /"warmupSeconds"/],
    [{ serverPid: 0 }, /"serverPid"/],
    [{ intervalMs: 1 }, /"intervalMs"/],
    [{ cores: { generator: -1 } }, /"cores.generator"/],
    [{ cores: { server: 0 } }, /pinned where it is started/],
  ];
  it.each(wrong)('may not be %j', (change, message) => {
    expect(() => checkLoadPlan({ ...good, ...change } as LoadPlan)).toThrow(message);
  });

  it('has a transport by its target', () => {
    const names = ['tcp://a:1', 'tls://a:1', 'unix:/a', 'http://a', 'https://a', 'ws://a', 'wss://a'];
    expect(names.map((url) => transportName({ url }))).toEqual([
      'tcp',
      'tls',
      'unix',
      'http',
      'https',
      'ws',
      'wss',
    ]);
    expect(transportName({ url: 'https://a', http2: true })).toBe('http2');
    expect(transportName({ command: ['a'] })).toBe('stdio');
  });
});

describe('a mix', () => {
  it.each([
    ['mcp', { read: 0.7, call: 0.2, subscribe: 0.1 }],
    ['echo', { call: 1 }],
    ['list', { list: 1 }],
    ['read', { read: 1 }],
    ['read=3, call=.5', { read: 3, call: 0.5 }],
  ])('may be %s', (mix, weights) => {
    expect(Object.fromEntries(parseMix(mix))).toEqual(weights);
  });

  it.each([
    ['', /no mix ""/],
    ['reed=1', /Did you mean "read"\?/],
    ['read=1,read=2', /twice/],
    ['read=0', /nothing above 0/],
    ['read=-1', /no mix/],
    ['read,call', /no mix/],
    ['constructor', /no kind of request/],
  ])('may not be "%s"', (mix, message) => {
    expect(() => parseMix(mix)).toThrow(message);
  });

  it.each([
    [{ mix: 'echo', method: 'a' }, /exclude each other/],
    [{ params: {} }, /"params" are those of a "method"/],
    [{ arguments: {} }, /"arguments" are those of a "tool"/],
    [{ textBytes: 0 }, /"textBytes" must be a whole number from 1/],
    [{ method: 'a', textBytes: 5 }, /"textBytes" sizes/],
    [{ text: 'latin' as never }, /"text" must be "ascii"/],
    [{ era: 'old' as never }, /"era" must be/],
    [{ connections: -3 }, /"connections"/],
  ])('with %j is refused before anybody is asked', async (change, message) => {
    // Nothing listens there: a connection would fail with another error.
    await expect(prepareLoad({ target: { url: 'tcp://127.0.0.1:1' }, ...change })).rejects.toThrow(message);
  });

  it('needs no server where everything is said', async () => {
    const target = { url: 'tcp://127.0.0.1:1' };
    const plan = await prepareLoad({ target, era: 'modern', method: 'subscriptions/listen', seconds: 2 });
    expect(plan.operations).toMatchObject([{ expect: 'subscription' }]);
    expect(await prepareLoad({ target, era: 'none', mix: 'call=1,ping=1', text: 'escapes' })).toMatchObject({
      operations: [{ method: 'echo', params: { text: 'say "hello"\n\tC:\\world' } }, { method: 'ping' }],
    });
  });
});

describe('what a load is filled with', () => {
  it('has texts of so many bytes, of each kind', () => {
    for (const kind of textKinds)
      for (const bytes of [1, 24, 25, 100, 4096]) {
        const text = sampleText(kind, bytes);
        expect(Buffer.byteLength(JSON.stringify(text)) - 2).toBe(bytes);
      }
    expect(Buffer.byteLength(sampleText('utf8'))).toBeGreaterThan(sampleText('utf8').length);
  });

  it('has arguments that a schema requires', () => {
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 20 },
        short: { type: 'string', maxLength: 3 },
        count: { type: 'integer', minimum: 5 },
        above: { type: 'number', exclusiveMinimum: 5 },
        flag: { type: 'boolean' },
        fixed: { const: 'x' },
        usual: { type: 'string', default: 'y' },
        list: { type: 'array', items: { type: 'number' }, minItems: 2 },
        inner: { type: 'object', properties: { a: { type: ['string', 'null'] } }, required: ['a'] },
        either: { anyOf: [{ type: 'boolean' }, { type: 'string' }] },
        not: { type: 'string' },
      },
      required: ['name', 'short', 'count', 'above', 'flag', 'fixed', 'usual', 'list', 'inner', 'either'],
    };
    expect(sampleArguments(schema)).toEqual({
      name: 'hello worldxxxxxxxxx',
      short: 'hel',
      count: 5,
      above: 6,
      flag: false,
      fixed: 'x',
      usual: 'y',
      list: [1, 1],
      inner: { a: 'hello world' },
      either: false,
    });
    for (const odd of [undefined, null, true, [], 'x', {}]) expect(sampleArguments(odd)).toEqual({});
  });

  it('finds the argument that takes a text', () => {
    const string = { type: 'string' };
    expect(textArgument({ properties: { a: string, message: string }, required: ['a'] })).toBe('message');
    expect(textArgument({ properties: { a: string, b: string }, required: ['b'] })).toBe('b');
    expect(textArgument({ properties: { a: { ...string, enum: ['x'] } }, required: ['a'] })).toBeUndefined();
    expect(textArgument({ properties: { a: string } })).toBeUndefined();
    expect(textArgument(undefined)).toBeUndefined();
  });
});
