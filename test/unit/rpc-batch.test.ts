/** The examples of https://www.jsonrpc.org/specification#examples and what else a batch can hold. */
import { describe, expect, it } from 'vitest';
import { elementRanges } from '../../src/rpc/batch-split.js';
import { Dispatcher } from '../../src/rpc/dispatcher.js';
import { deferred, harness, turn } from './rpc-harness.js';

const dispatcher = new Dispatcher()
  .method<number[]>('sum', (numbers) => numbers.reduce((sum, number) => sum + number, 0))
  .method<number[]>('subtract', ([left, right]) => left - right)
  .method('get_data', async () => ['hello', 5])
  .notification('notify_hello', () => undefined)
  .notification('notify_sum', () => undefined);

const invalid = { jsonrpc: '2.0', error: { code: -32600, message: expect.any(String) }, id: null };

async function answer(frame: string, options = {}): Promise<unknown[]> {
  const { wire } = harness({ dispatcher, batches: true, ...options });
  wire.deliver(frame);
  await turn();
  return wire.take();
}

describe('Batches', () => {
  it('answers a mixed batch with one array', async () => {
    const replies = await answer(`[
      {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
      {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
      {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
      {"foo": "boo"},
      {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
      {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
    ]`);
    expect(replies).toEqual([
      [
        { jsonrpc: '2.0', result: 7, id: '1' },
        { jsonrpc: '2.0', result: 19, id: '2' },
        invalid,
        { jsonrpc: '2.0', error: { code: -32601, message: 'Method not found: foo.get' }, id: '5' },
        { jsonrpc: '2.0', result: ['hello', 5], id: '9' },
      ],
    ]);
  });

  it.each([
    ['an empty array', '[]', [invalid]],
    ['an empty array with space', ' [ \t] ', [invalid]],
    ['one invalid element', '[1]', [[invalid]]],
    ['three invalid elements', '[1,2,3]', [[invalid, invalid, invalid]]],
    [
      'only notifications',
      '[{"jsonrpc":"2.0","method":"notify_sum","params":[1,2,4]},{"jsonrpc":"2.0","method":"notify_hello","params":[7]}]',
      [],
    ],
    [
      'invalid JSON',
      '[{"jsonrpc":"2.0","method":"sum","params":[1,2,4],"id":"1"},{"jsonrpc":"2.0","method"]',
      [{ ...invalid, error: { code: -32700, message: expect.any(String) } }],
    ],
    ['an array in the array', '[[{"jsonrpc":"2.0","method":"sum","params":[],"id":1}]]', [[invalid]]],
  ])('answers %s as the specification says', async (_name, frame, replies) => {
    expect(await answer(frame)).toEqual(replies);
  });

  it('keeps ids as text inside a batch', async () => {
    const { wire } = harness({ dispatcher, batches: true });
    wire.deliver('[{"jsonrpc":"2.0","id":12345678901234567890,"method":"sum","params":[1]}]');
    await turn();
    expect(wire.takeText()).toEqual(['[{"jsonrpc":"2.0","id":12345678901234567890,"result":1}]']);
  });

  it('refuses a batch where none are served, and one that is too long, as one', async () => {
    const element = '{"jsonrpc":"2.0","id":1,"method":"sum","params":[1]}';
    expect(await answer(`[${element}]`, { batches: false })).toEqual([invalid]);
    expect(await answer(`[${element},${element},${element}]`, { maxBatchMessages: 2 })).toEqual([invalid]);
    expect(await answer(`[${element},${element}]`, { maxBatchMessages: 2 })).toHaveLength(1);
  });

  it('asks per batch whether batches are served', () => {
    let served = false;
    const { wire } = harness({ dispatcher, batches: () => served });
    const frame = '[{"jsonrpc":"2.0","id":1,"method":"sum","params":[1]}]';
    wire.deliver(frame);
    served = true;
    wire.deliver(frame);
    expect(wire.take()).toEqual([invalid, [{ jsonrpc: '2.0', id: 1, result: 1 }]]);
  });

  it('leaves a cancelled element out and answers when the last one ended', async () => {
    const gates = new Map([1, 2].map((id) => [id, deferred()]));
    const waiting = new Dispatcher().method<[number]>('wait', ([id]) => gates.get(id)?.promise);
    const { wire } = harness({ dispatcher: waiting, batches: true });
    wire.deliver(
      '[{"jsonrpc":"2.0","id":1,"method":"wait","params":[1]},{"jsonrpc":"2.0","id":2,"method":"wait","params":[2]}]',
    );
    gates.get(1)?.resolve('one');
    await turn();
    expect(wire.take()).toEqual([]);
    wire.deliver({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } });
    expect(wire.take()).toEqual([[{ jsonrpc: '2.0', id: 1, result: 'one' }]]);
    gates.get(2)?.resolve('two');
    await turn();
    expect(wire.take()).toEqual([]);
  });

  it('takes replies to our own requests from a batch', async () => {
    const { wire, peer } = harness({ batches: true });
    const answers = [peer.request('a'), peer.request('b')];
    await turn();
    wire.take();
    wire.deliver('[{"jsonrpc":"2.0","id":2,"result":"B"},{"jsonrpc":"2.0","id":1,"result":"A"}]');
    expect(await Promise.all(answers)).toEqual(['A', 'B']);
    expect(wire.take()).toEqual([]);
  });
});

describe('elementRanges', () => {
  it.each([
    ['[]', []],
    ['[1]', ['1']],
    [
      ' [ 1 , {"a":[1,2],"b":"],[\\""} ,"x,\\\\", [[],{}] ] ',
      [' 1 ', ' {"a":[1,2],"b":"],[\\""} ', '"x,\\\\"', ' [[],{}] '],
    ],
    ['["é,𝄞",null]', ['"é,𝄞"', 'null']],
  ])('cuts %s', (text, elements) => {
    const frame = Buffer.from(text);
    const ranges = elementRanges(frame, 10) as number[];
    const cut = [];
    for (let index = 0; index < ranges.length; index += 2) {
      cut.push(frame.toString('utf8', ranges[index], ranges[index + 1]));
    }
    expect(cut).toEqual(elements);
  });

  it('stops at the limit', () => {
    expect(elementRanges(Buffer.from('[1,2,3]'), 2)).toBeUndefined();
    expect(elementRanges(Buffer.from('[1,2]'), 2)).toHaveLength(4);
  });
});
