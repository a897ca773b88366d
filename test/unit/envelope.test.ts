/** Envelope scanning as the rest of ringwire uses it. The differential suite holds native and twin together. */
import { describe, expect, it } from 'vitest';
import { addon } from '../../src/binding/addon.js';
import {
  EnvelopeField,
  EnvelopeFlag,
  EnvelopeKind,
  ScanVerdict,
} from '../../src/binding/constants.generated.js';
import {
  createScanner,
  idText,
  methodText,
  nameText,
  rangeText,
  type ScannerOptions,
} from '../../src/serialization/envelope.js';

const implementations = addon() === undefined ? (['twin'] as const) : (['native', 'twin'] as const);
const newRecord = () => new Int32Array(EnvelopeField.Count);

describe.each(implementations)('the %s scanner', (implementation) => {
  const scanner = createScanner({ implementation });
  const scan = (text: string) => {
    const frame = Buffer.from(text);
    const record = newRecord();
    return { frame, record, verdict: scanner.scan(frame, record) };
  };

  it('tells the parts of a tool call', () => {
    const { frame, record, verdict } = scan(
      '{"jsonrpc":"2.0","id":"a-1","method":"tools/call","params":{"name":"echo","arguments":{"text":"hi"},' +
        '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":7,' +
        '"io.modelcontextprotocol/clientCapabilities":{}}}}',
    );
    expect(verdict).toBe(ScanVerdict.Ok);
    expect(record[EnvelopeField.Kind]).toBe(EnvelopeKind.Request);
    expect(idText(frame, record)).toBe('"a-1"');
    expect(methodText(frame, record)).toBe('tools/call');
    expect(nameText(frame, record)).toBe('echo');
    expect(rangeText(frame, record, EnvelopeField.ArgumentsStart)).toBe('{"text":"hi"}');
    expect(rangeText(frame, record, EnvelopeField.ProgressTokenStart)).toBe('7');
    expect(rangeText(frame, record, EnvelopeField.ResultStart)).toBe('');
    const { Ascii, IdIsString, VersionModern, HasModernMeta, HasClientCapabilities, HasProgressToken } =
      EnvelopeFlag;
    expect(record[EnvelopeField.Flags]).toBe(
      Ascii | IdIsString | VersionModern | HasModernMeta | HasClientCapabilities | HasProgressToken,
    );
  });

  it('decodes UTF-8 and resolves escapes in method and name', () => {
    const { frame, record, verdict } = scan(
      '{"jsonrpc":"2.0","id":12345678901234567890,"m\\u0065thod":"a\\/é","params":{"uri":"file:///\\u00fc日"}}',
    );
    expect(verdict).toBe(ScanVerdict.Ok);
    expect(idText(frame, record)).toBe('12345678901234567890');
    expect(methodText(frame, record)).toBe('a/é');
    expect(nameText(frame, record)).toBe('file:///ü日');
    expect(record[EnvelopeField.Flags] & EnvelopeFlag.NameIsUri).not.toBe(0);
  });

  const refusals: [string, keyof typeof ScanVerdict, number, string][] = [
    ['', 'Empty', 0, 'no bytes'],
    [' \r\n', 'Empty', 0, 'only white space'],
    ['{"jsonrpc":"2.0","id":1,"method":"m"', 'InvalidJson', 36, 'cut short'],
    ['{"jsonrpc":"2.0","id":1,"method":"m', 'InvalidJson', 33, 'a string without end: its quote'],
    ['{"jsonrpc":"2.0","id":01,"method":"m"}', 'InvalidJson', 22, 'a leading zero'],
    ['{"jsonrpc":"2.0","id":1,"method":"\\x"}', 'InvalidJson', 34, 'an unknown escape'],
    ['{"jsonrpc":"2.0","id":1,"method":"\t"}', 'InvalidJson', 34, 'a control character'],
    ['{"jsonrpc":"2.0","id":1,"method":"m"} {}', 'InvalidJson', 38, 'a second document'],
    ['{"jsonrpc":"2.0","id":1,"method":"m",}', 'InvalidJson', 37, 'a comma too many'],
    [' [{}]', 'BatchArray', 1, 'a batch'],
    ['"text"', 'NotAnObject', 0, 'a scalar'],
    ['{"jsonrpc":"2.0","id":1,"id":1,"method":"m"}', 'DuplicateKey', 24, 'two ids'],
    ['{"id":1,"method":"m"}', 'VersionMissing', 0, 'no jsonrpc'],
    ['{"jsonrpc":"1.0","id":1,"method":"m"}', 'VersionMissing', 11, 'another jsonrpc'],
    ['{"jsonrpc":"2.0","id":1.5,"method":"m"}', 'InvalidId', 22, 'a fraction as id'],
    ['{"jsonrpc":"2.0","id":null,"method":"m"}', 'InvalidId', 22, 'null as id of a request'],
    ['{"jsonrpc":"2.0","id":1,"method":7}', 'InvalidMethod', 33, 'a method that is no string'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":null}', 'InvalidParams', 46, 'null params'],
    ['{"jsonrpc":"2.0","id":1}', 'InvalidShape', 0, 'nothing to do'],
    ['{"jsonrpc":"2.0","result":1}', 'InvalidShape', 0, 'a result without id'],
    ['{"jsonrpc":"2.0","id":1,"error":"no"}', 'InvalidShape', 32, 'an error that is no object'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","result":1}', 'InvalidShape', 0, 'a method with a result'],
  ];
  it.each(refusals)('refuses %j: %s at %i (%s)', (text, verdict, offset) => {
    const { record } = scan(text);
    expect(record[EnvelopeField.Verdict]).toBe(ScanVerdict[verdict]);
    expect(record[EnvelopeField.ErrorOffset]).toBe(offset);
    expect(record[EnvelopeField.Kind]).toBe(0);
  });

  it('keeps the id of a refused message, so that the refusal can carry it', () => {
    const { frame, record } = scan('{"jsonrpc":"2.0","method":7,"id":"x"}');
    expect(record[EnvelopeField.Verdict]).toBe(ScanVerdict.InvalidMethod);
    expect(idText(frame, record)).toBe('"x"');
  });

  it('takes an error response with a null id, and one without any', () => {
    const withNull = scan('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}');
    expect(withNull.verdict).toBe(ScanVerdict.Ok);
    expect(idText(withNull.frame, withNull.record)).toBe('null');
    const without = scan('{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}');
    expect(without.verdict).toBe(ScanVerdict.Ok);
    expect(without.record[EnvelopeField.Kind]).toBe(EnvelopeKind.Error);
    expect(without.record[EnvelopeField.IdStart]).toBe(-1);
  });

  it('stops at maxDepth, which counts the message itself', () => {
    const text = '{"jsonrpc":"2.0","id":1,"result":[[1]]}';
    const record = newRecord();
    const verdicts = [2, 3].map((maxDepth) =>
      createScanner({ implementation, maxDepth }).scan(Buffer.from(text), record),
    );
    expect(verdicts).toEqual([ScanVerdict.TooDeep, ScanVerdict.Ok]);
    const brackets = Buffer.alloc(5_000_000, '[');
    expect(scanner.scan(brackets, record)).toBe(ScanVerdict.TooDeep);
    expect(record[EnvelopeField.ErrorOffset]).toBe(64);
  });

  it('scans large frames and small ones after them', () => {
    const long = 'x'.repeat(3_000_000);
    for (const text of [long, 'short', `${long}é`, 'short']) {
      const { frame, record, verdict } = scan(`{"jsonrpc":"2.0","id":1,"result":"${text}"}`);
      expect(verdict).toBe(ScanVerdict.Ok);
      expect(rangeText(frame, record, EnvelopeField.ResultStart)).toBe(`"${text}"`);
    }
  });

  it('scans the lines of a buffer, and leaves the unfinished one', () => {
    const lines = [
      '{"jsonrpc":"2.0","method":"one"}',
      '',
      '{"jsonrpc":"2.0","id":2,"method":"two"}\r',
      '{"a',
    ];
    const buffer = Buffer.from(`${lines.join('\n')}\n{"jsonrpc"`);
    const records = new Int32Array(8 * EnvelopeField.Count);
    expect(scanner.scanLines(buffer, buffer.length, records)).toBe(4);
    const parts = lines.map((_, index) => records.subarray(index * EnvelopeField.Count));
    expect(parts.map((part) => part[EnvelopeField.Verdict])).toEqual([
      ScanVerdict.Ok,
      ScanVerdict.Empty,
      ScanVerdict.Ok,
      ScanVerdict.InvalidJson,
    ]);
    const spans = parts.map((part) =>
      buffer.toString('utf8', part[EnvelopeField.FrameStart], part[EnvelopeField.FrameEnd]),
    );
    expect(spans).toEqual(lines);
    expect(methodText(buffer, parts[2])).toBe('two');
    expect(scanner.scanLines(buffer, buffer.length, records.subarray(0, 2 * EnvelopeField.Count))).toBe(2);
    expect(scanner.scanLines(buffer, 20, records)).toBe(0);
    expect(scanner.scanLines(buffer, 0, records)).toBe(0);
  });

  it('names the argument that is wrong', () => {
    const frame = Buffer.from('{}');
    expect(() => scanner.scan(frame, new Int32Array(EnvelopeField.Count - 1))).toThrow(/"record"/);
    expect(() => scanner.scanLines(frame, 3, newRecord())).toThrow(/"length" must be an integer between 0/);
    expect(() => scanner.scanLines(frame, -1, newRecord())).toThrow(/"length"/);
  });
});

describe('createScanner', () => {
  it.each([0, -1, 1.5, 1025, Number.NaN])('refuses maxDepth %d', (maxDepth) => {
    expect(() => createScanner({ maxDepth })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('between 1 and 1024'),
      }),
    );
  });

  it.skipIf(addon() === undefined)('takes native code where there is a choice', () => {
    const NativeScanner = addon()?.EnvelopeScanner ?? Object;
    const options: ScannerOptions[] = [{}, { implementation: 'auto' }, { implementation: 'native' }];
    for (const option of options) expect(createScanner(option)).toBeInstanceOf(NativeScanner);
    expect(createScanner({ implementation: 'twin' })).not.toBeInstanceOf(NativeScanner);
  });
});

describe.skipIf(addon() === undefined)('the native class', () => {
  it('refuses what is not its own', () => {
    const scanner = createScanner({ implementation: 'native' });
    const frame = Buffer.from('{}');
    expect(() => scanner.scan.call({} as never, frame, newRecord())).toThrow(TypeError);
    expect(() => scanner.scan.call(Object.create(scanner) as never, frame, newRecord())).toThrow(TypeError);
    expect(() => scanner.scan('{}' as never, newRecord())).toThrow(/"frame" must be a Uint8Array/);
    expect(() => scanner.scan(frame, new Uint32Array(24) as never)).toThrow(/"record" must be an Int32Array/);
    expect(() => new (addon()?.EnvelopeScanner ?? Object)(0)).toThrow(/"maxDepth"/);
    expect(() => new (addon()?.EnvelopeScanner ?? Object)(64, 'sparc')).toThrow(/"kernel"/);
  });
});
