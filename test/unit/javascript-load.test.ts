/** What the JavaScript generator counts, draws and recognises, without a server. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/analysis/random.js';
import { AnswerShapes, parseMessage, problemOf } from '../../src/workbench/load/javascript/answers.js';
import { HttpAnswerText, SessionFields } from '../../src/workbench/load/javascript/http-answer.js';
import { noEvents } from '../../src/workbench/load/javascript/link.js';
import { bytesOf, requestMessage, textOf } from '../../src/workbench/load/javascript/message.js';
import { processStats } from '../../src/workbench/load/javascript/process-stats.js';
import { Tally } from '../../src/workbench/load/javascript/tally.js';
import { WeightedDraw } from '../../src/workbench/load/javascript/weighted-draw.js';
import type { LoadOperation } from '../../src/workbench/load/load-plan.js';

const operation = (name: string, expect?: LoadOperation['expect']): LoadOperation => ({
  name,
  weight: 1,
  method: name,
  params: {},
  ...(expect && { expect }),
});

describe('draws by weight', () => {
  it('come out as the weights say, and the same each time', () => {
    const weights = [0.7, 0.2, 0, 0.1];
    const count = 100_000;
    const counts = [0, 0, 0, 0];
    const draws = (): number[] => {
      const draw = new WeightedDraw(weights, 1);
      return Array.from({ length: count }, () => draw.next());
    };
    for (const drawn of draws()) counts[drawn] += 1;
    expect(draws().join('')).toBe(draws().join(''));
    expect(counts[2]).toBe(0);
    const chiSquare = [0, 1, 3].reduce((sum, each) => {
      const wanted = weights[each] * count;
      return sum + (counts[each] - wanted) ** 2 / wanted;
    }, 0);
    // Two degrees of freedom: 13.8 is passed by one fair draw in a thousand, and this one is always the same.
    expect(chiSquare).toBeLessThan(13.8);
  });
});

describe('a tally', () => {
  const tally = (isOpen: boolean): Tally => new Tally([operation('a'), operation('b')], [100, 300], isOpen);

  it('gives percentiles that exact computation gives, to the width of a step', () => {
    const counted = tally(false);
    counted.begin();
    const random = seededRandom(7);
    const exact = [0, 1].map(() =>
      Array.from({ length: 20_000 }, () => 0.02 + random() ** 6 * (random() < 0.01 ? 2000 : 20)),
    );
    for (const [index, latencies] of exact.entries())
      for (const [at, latencyMs] of latencies.entries()) {
        counted.answer(index, latencyMs, 50, undefined);
        if (at % 5_000 === 0) counted.interval();
      }
    const exactly = (latencies: readonly number[], fraction: number): number =>
      latencies.toSorted((left, right) => left - right)[Math.floor(fraction * latencies.length)];
    const isClose = (givenMs: number, wantedMs: number): void =>
      expect(Math.abs(givenMs - wantedMs) / wantedMs).toBeLessThan(0.008);
    const all = counted.latency();
    const both = exact.flat();
    for (const fraction of [0.5, 0.9, 0.95, 0.99, 0.999, 0.9999])
      isClose(all.percentile(fraction) / 1e6, exactly(both, fraction));
    expect(all.max).toBe(Math.floor(Math.max(...both) * 1e6));
    for (const [index, operation] of counted.operations().entries()) {
      isClose(operation.p50us / 1e3, exactly(exact[index], 0.5));
      isClose(operation.p95us / 1e3, exactly(exact[index], 0.95));
      isClose(operation.p99us / 1e3, exactly(exact[index], 0.99));
    }
  });

  it('forgets the warm-up but for what went wrong in it', () => {
    const counted = tally(false);
    counted.answer(0, 1, 10, undefined);
    counted.answer(1, 1, 10, 'it broke');
    counted.begin();
    counted.answer(1, 5, 40, undefined);
    expect(counted.messages).toBe(1);
    expect(counted.errors).toBe(1);
    expect(counted.firstError).toBe('b: it broke');
    expect(counted.latency().max).toBe(5e6);
    expect(counted.bytes()).toEqual({ requestBytes: 300, replyBytes: 40 });
    expect(counted.interval()).toMatchObject({ messages: 1, errors: 1 });
    expect(counted.interval()).toMatchObject({ messages: 0, errors: 0 });
  });

  it('counts latencies after the window in the open loop alone', () => {
    for (const isOpen of [true, false]) {
      const counted = tally(isOpen);
      counted.begin();
      counted.answer(0, 1, 10, undefined);
      counted.phase = 'draining';
      counted.answer(0, 900, 10, undefined);
      expect(counted.messages).toBe(1);
      expect(counted.latency().max).toBe(isOpen ? 900e6 : 1e6);
    }
  });
});

describe('answers', () => {
  it('are known again by their text, but for the id, wherever it stands', () => {
    const shapes = new AnswerShapes([operation('a'), operation('b'), operation('c', 'any-result')]);
    const first = '{"jsonrpc":"2.0","id":1000000,"result":{"x":1}}';
    const last = '{"jsonrpc":"2.0","result":{"y":[]},"id":1000001}';
    expect(shapes.idOf(first)).toBe(-1);
    shapes.learn(0, first, 1_000_000);
    shapes.learn(1, last, 1_000_001);
    shapes.learn(2, '{"id":1000002,"result":0}', 1_000_002);
    expect([shapes.idOf(first.replace('1000000', '1000007')), shapes.operation]).toEqual([1_000_007, 0]);
    expect([shapes.idOf(last.replace('1000001', '9999999')), shapes.operation]).toEqual([9_999_999, 1]);
    expect(shapes.idOf('{"id":1000002,"result":0}')).toBe(-1);
    for (const other of [
      first.replace('1000000', '10000000'),
      first.replace('"x":1', '"x":2'),
      first.replace('1000000', 'null000'),
    ])
      expect(shapes.idOf(other)).toBe(-1);
  });

  it('that repeat the id in their content are not learned', () => {
    const shapes = new AnswerShapes([operation('a')]);
    const text = '{"jsonrpc":"2.0","id":1000000,"result":{"seen":1000000}}';
    shapes.learn(0, text, 1_000_000);
    expect(shapes.idOf(text)).toBe(-1);
  });

  it.each([
    ['{"jsonrpc":"2.0","id":1,"result":{}}', undefined],
    ['{"jsonrpc":"2.0","id":1,"result":null}', undefined],
    ['{"jsonrpc":"2.0","id":1,"result":7}', undefined],
    ['{"jsonrpc":"2.0","id":1,"result":{},"error":null}', undefined],
    ['{"jsonrpc":"2.0","id":1}', 'an answer with neither result nor error'],
    ['{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"No"}}', 'error -32601: No'],
    ['{"jsonrpc":"2.0","id":1,"error":null}', 'an answer with neither result nor error'],
    ['{"jsonrpc":"2.0","id":1,"result":{"isError":true}}', 'the tool failed: it does not say why'],
    ['{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[{"text":"Bad"}]}}', 'the tool failed: Bad'],
    [
      '{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required"}}',
      'the server asks for input, which a load has none of',
    ],
  ])('%s: %s', (text, problem) => {
    expect(problemOf(parseMessage(text)!)).toBe(problem);
  });

  it('are no messages where they are no objects of JSON-RPC', () => {
    for (const text of ['', 'x', '[]', 'null', '7', '{}', '[{"jsonrpc":"2.0"}]'])
      expect(parseMessage(text)).toBeUndefined();
  });
});

describe('requests', () => {
  it('carry what their era wants, in as many bytes as they say', () => {
    const modern = requestMessage('tools/call', { name: 'echö', _meta: { progressToken: 1 } }, 'modern');
    const text = textOf(modern, 1_234_567);
    expect(text.length).toBe(bytesOf(modern));
    expect(JSON.parse(Buffer.from(text, 'latin1').toString())).toEqual({
      jsonrpc: '2.0',
      id: 1_234_567,
      method: 'tools/call',
      params: {
        name: 'echö',
        _meta: {
          progressToken: 1,
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'ringwire-load', version: '1.0.0' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    });
    expect(modern.fields).toEqual({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': `=?base64?${Buffer.from('echö').toString('base64')}?=`,
    });
    const plain = requestMessage('add', { a: 1 }, 'none');
    expect(textOf(plain, 1)).toBe('{"jsonrpc":"2.0","id":1,"method":"add","params":{"a":1}}');
    expect(plain.fields).toEqual({});
  });

  it('of a session carry its header fields, over those of the target', () => {
    const fields = new SessionFields({ Authorization: 'Bearer x', Accept: 'application/json' });
    fields.session('abc');
    fields.settle('2025-06-18');
    expect(fields.with({ 'mcp-method': 'm' })).toEqual({
      'content-type': 'application/json',
      accept: 'application/json',
      authorization: 'Bearer x',
      'mcp-method': 'm',
      'mcp-protocol-version': '2025-06-18',
      'mcp-session-id': 'abc',
    });
  });
});

describe('an HTTP answer', () => {
  function read(status: number, type: string, chunks: readonly string[]): string[] {
    const told: string[] = [];
    const events = {
      ...noEvents,
      onMessage: (text: string, id: number | undefined) => void told.push(`${id} ${text}`),
      onFailed: (id: number, reason: string, isAnswer: boolean) =>
        void told.push(`${id} ${isAnswer} ${reason}`),
    };
    const answer = new HttpAnswerText(5, false);
    answer.head(status, type, events);
    for (const chunk of chunks) answer.data(Buffer.from(chunk, 'latin1'), events);
    answer.end(events);
    return told;
  }

  it.each([
    [200, 'application/json', ['{"jsonrpc":', '"2.0"}'], ['5 {"jsonrpc":"2.0"}']],
    [400, 'application/json', ['{"jsonrpc":"2.0"}'], ['5 {"jsonrpc":"2.0"}']],
    [503, 'application/json', ['{"message":"busy"}'], ['5 true HTTP 503: {"message":"busy"}']],
    [200, 'application/json', [], ['5 true HTTP 200 with an empty body']],
    [200, 'text/event-stream', ['data: a\n\nda', 'ta: b\n\n'], ['5 a', '5 b']],
    [200, 'Text/Event-Stream; charset=utf-8', ['data: a\r', '\n\r\nid: 1\ndata:\n\n: x\n\n'], ['5 a']],
    [200, 'text/event-stream', [': nothing\n\n'], ['5 true an event stream without a message']],
  ] as const)('%s %s %j', (status, type, chunks, told) => {
    expect(read(status, type, chunks)).toEqual(told);
  });
});

describe('a process', () => {
  it.runIf(process.platform === 'linux')('is seen in /proc, and one that is not there is not', () => {
    const own = processStats(process.pid);
    expect(own?.cpuSeconds).toBeGreaterThan(0);
    expect(own?.rssMb).toBeGreaterThan(10);
    expect(own?.rssPeakMb).toBeGreaterThanOrEqual(own?.rssMb ?? Number.NaN);
    expect(processStats(2 ** 30)).toBeUndefined();
  });
});
