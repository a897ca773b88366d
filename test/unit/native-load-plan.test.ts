/** What the load generator in C++ is told, and what its report is made into. */
import { describe, expect, it } from 'vitest';
import type { LoadPlan } from '../../src/workbench/load/load-plan.js';
import { nativeArguments, nativeInput, nativeProblem } from '../../src/workbench/load/native-plan.js';
import { loadReportOf, type NativeReport } from '../../src/workbench/load/native-report.js';

const plan: LoadPlan = {
  target: { url: 'http://localhost:8080/mcp?x=1', headers: { 'X-Key': 'value' } },
  era: 'modern',
  operations: [
    { name: 'call', weight: 0.2, method: 'tools/call', params: { name: 'grüße', arguments: { text: '\n' } } },
    { name: 'never', weight: 0, method: 'never', params: {} },
    { name: 'listen', weight: 0.1, method: 'subscriptions/listen', params: {}, expect: 'subscription' },
  ],
  connections: 8,
  warmupSeconds: 1,
  seconds: 10,
};

/** Reads an input the way the generator does: lines, and bytes of known length behind some of them. */
function read(input: Buffer): { line: string; bytes: Buffer }[] {
  const parts: { line: string; bytes: Buffer }[] = [];
  for (let at = 0; at < input.length; ) {
    const end = input.indexOf(10, at);
    const line = input.toString('latin1', at, end);
    const [word, ...numbers] = line.split(' ');
    const [body = 0, fields = 0] = numbers.map(Number).slice({ operation: 3, cancel: 1 }[word] ?? 0);
    parts.push({ line, bytes: input.subarray(end + 1, end + 1 + body + fields) });
    at = end + 1 + (numbers.length === 0 ? 0 : body + fields + 1);
  }
  return parts;
}

describe('the input of the generator', () => {
  it('holds each message as bytes, and where its id goes', () => {
    const parts = read(nativeInput(plan));
    expect(parts.map(({ line }) => line.split(' ')[0])).toEqual([
      'fields',
      'cancel',
      'operation',
      'operation',
      'end',
    ]);
    expect(parts[0].bytes.toString()).toBe('X-Key: value\r\n');
    const [, weight, expected, offset, bodyBytes] = parts[2].line.split(' ');
    expect([weight, expected]).toEqual(['0.2', 'result']);
    const body = parts[2].bytes.subarray(0, Number(bodyBytes));
    expect(body.toString('utf8', Number(offset), Number(offset) + 7)).toBe('9999999');
    expect(JSON.parse(body.toString())).toMatchObject({
      id: 9_999_999,
      method: 'tools/call',
      params: { name: 'grüße', _meta: expect.objectContaining({}) },
    });
    const fields = parts[2].bytes.subarray(Number(bodyBytes)).toString();
    expect(fields).toContain('mcp-method: tools/call\r\n');
    expect(fields).toMatch(/mcp-name: =\?base64\?/);
    expect(parts[3].line).toMatch(/^operation 0\.1 subscription /);
  });

  it('greets as older revisions do, and says nothing of MCP without an era', () => {
    const operations = plan.operations.slice(0, 1);
    const legacy = read(nativeInput({ ...plan, era: 'legacy', operations }));
    expect(legacy.map(({ line }) => line.split(' ')[0])).toEqual([
      'fields',
      'initialize',
      'initialized',
      'operation',
      'end',
    ]);
    expect(JSON.parse(legacy[1].bytes.toString())).toMatchObject({ id: 'initialize', method: 'initialize' });
    const none = nativeInput({ ...plan, era: 'none', operations }).toString();
    expect(none).not.toMatch(/_meta|mcp-|initialize/);
  });
});

describe('the arguments of the generator', () => {
  it('name the address with its port', () => {
    const urls = {
      'http://localhost:8080/mcp?x=1': 'http://localhost:8080/mcp?x=1',
      'ws://[::1]:9/': 'ws://[::1]:9/',
      'tcp://127.0.0.1:4000': 'tcp://127.0.0.1:4000',
      'unix:/run/s.sock': 'unix:/run/s.sock',
    };
    for (const [url, wanted] of Object.entries(urls))
      expect(nativeArguments({ ...plan, target: { url } }).slice(-2)).toEqual(['--url', wanted]);
    expect(nativeArguments({ ...plan, target: { command: ['node', '--x'] } }).slice(-3)).toEqual([
      '--',
      'node',
      '--x',
    ]);
  });

  it('tell the loops apart', () => {
    expect(nativeArguments(plan).join(' ')).toContain('--depth 1 ');
    const open = nativeArguments({ ...plan, rate: 0.5, depth: 3 }).join(' ');
    expect(open).toContain('--window 3 --rate 0.5');
    expect(open).not.toContain('--depth');
  });

  it('are not made for what it does not speak', () => {
    for (const url of ['https://h/', 'wss://h/', 'tls://h:1'])
      expect(nativeProblem({ ...plan, target: { url } })).toContain('does not speak');
    expect(nativeProblem(plan)).toBeUndefined();
  });
});

describe('a report', () => {
  const percentiles = { meanUs: 1, p50us: 1, p90us: 2, p95us: 3, p99us: 4, p999us: 5, p9999us: 6, maxUs: 7 };
  const report: NativeReport = {
    mode: 'open',
    connections: 8,
    messages: 100,
    seconds: 10,
    rate: 10,
    errors: 1,
    lost: 1,
    firstError: Buffer.from('grüße').toString('latin1'),
    ...percentiles,
    generatorCpu: 0.5,
    lateP99us: 80,
    lateMaxUs: 90,
    scheduled: 1000,
    unsent: 5,
    requestBytes: 1,
    replyBytes: 2,
    operations: [
      { messages: 60, errors: 0, ...percentiles },
      { messages: 40, errors: 1, ...percentiles },
    ],
    histogram: { counts: [], sum: 0, max: 0 },
  };
  const open = { ...plan, rate: 10 };

  it('names the operations, also one that is never drawn', () => {
    const { operations, firstError, saturation } = loadReportOf(open, report, []);
    expect(operations.map(({ name, messages }) => [name, messages])).toEqual([
      ['call', 60],
      ['never', 0],
      ['listen', 40],
    ]);
    expect(firstError).toBe('grüße');
    expect(saturation).toBeUndefined();
  });

  it('says why its figures would be those of the generator', () => {
    const of = (changes: Partial<NativeReport>): string | undefined =>
      loadReportOf(open, { ...report, ...changes }, []).saturation;
    expect(of({ generatorCpu: 0.97 })).toContain('0.97 of one core');
    expect(of({ lateP99us: 2_500 })).toContain('2.5 ms late');
    expect(of({ unsent: 500 })).toContain('500 of 1000 requests of the schedule were not sent in time');
    // Then it was the server that kept them waiting.
    expect(of({ unsent: 500, serverCpu: 0.99 })).toBeUndefined();
  });
});
