/** What JSON.parse thinks of a frame, and what a record must say about the value it yields. */
import { isUtf8 } from 'node:buffer';
import { expect } from 'vitest';
import {
  EnvelopeField as Field,
  EnvelopeFlag as Flag,
  EnvelopeKind as Kind,
  ScanVerdict as Verdict,
} from '../../src/binding/constants.generated.js';

/** Whether JSON.parse accepts the frame, which must be UTF-8. */
export function parses(frame: Buffer): boolean {
  if (!isUtf8(frame)) return false;
  try {
    JSON.parse(frame.toString());
    return true;
  } catch {
    return false;
  }
}

/** Verdicts that say the frame is not JSON. */
const notJson = new Set<number>([Verdict.Empty, Verdict.InvalidUtf8, Verdict.InvalidJson]);

/** undefined where the verdict says nothing about the JSON (too deep, so not read to the end). */
export function verdictParses(verdict: number): boolean | undefined {
  return verdict === Verdict.TooDeep ? undefined : !notJson.has(verdict);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(message: Record<string, unknown>): number {
  if ('method' in message) return 'id' in message ? Kind.Request : Kind.Notification;
  return 'result' in message ? Kind.Response : Kind.Error;
}

/** Compares an accepted frame's record with the message that JSON.parse makes of the frame. */
export function expectRecordMatches(frame: Buffer, record: Int32Array): void {
  const message = JSON.parse(frame.toString()) as Record<string, unknown>;
  const flags = record[Field.Flags];
  const has = (flag: number) => (flags & flag) !== 0;
  const text = (field: number) =>
    record[field] < 0 ? undefined : frame.toString('utf8', record[field], record[field + 1]);
  const json = (field: number): unknown => {
    const range = text(field);
    return range === undefined ? undefined : JSON.parse(range);
  };
  const inside = (field: number): unknown => {
    const range = text(field);
    return range === undefined ? undefined : JSON.parse(`"${range}"`);
  };
  const params = isObject(message.params) ? message.params : {};
  const meta = isObject(params._meta) ? params._meta : {};
  const named = (key: string) => meta[`io.modelcontextprotocol/${key}`];
  const version = named('protocolVersion');
  const token = meta.progressToken;
  const hasToken = typeof token === 'string' || typeof token === 'number';
  const name = typeof params.name === 'string' ? params.name : params.uri;
  const actual = {
    kind: record[Field.Kind],
    id: json(Field.IdStart),
    method: inside(Field.MethodStart),
    params: json(Field.ParamsStart),
    name: inside(Field.NameStart),
    arguments: json(Field.ArgumentsStart),
    meta: json(Field.MetaStart),
    version: inside(Field.VersionStart),
    token: json(Field.ProgressTokenStart),
    result: json(Field.ResultStart),
    flags,
  };
  const escaped = (field: number) => text(field)?.includes('\\') ?? false;
  const bits: [number, boolean][] = [
    [Flag.Ascii, frame.every((byte) => byte < 0x80)],
    [Flag.HasEscapes, frame.includes('\\')],
    [Flag.MethodEscaped, escaped(Field.MethodStart)],
    [Flag.NameEscaped, escaped(Field.NameStart)],
    [Flag.NameIsUri, typeof params.name !== 'string' && typeof params.uri === 'string'],
    [Flag.ParamsIsArray, Array.isArray(message.params)],
    [Flag.IdIsString, typeof message.id === 'string'],
    [Flag.IdIsNull, message.id === null],
    [Flag.VersionModern, version === '2026-07-28'],
    [Flag.HasClientCapabilities, isObject(named('clientCapabilities'))],
    [Flag.HasProgressToken, hasToken],
    [Flag.HasLogLevel, named('logLevel') !== undefined],
    [Flag.HasTrace, meta.traceparent !== undefined],
    [Flag.HasRetry, 'inputResponses' in params || 'requestState' in params],
    [Flag.HasOtherParams, Object.entries(params).some(([key, value]) => !isShown(key, value))],
    [Flag.HasModernMeta, named('protocolVersion') !== undefined || named('clientCapabilities') !== undefined],
  ];
  expect(actual).toEqual({
    kind: kindOf(message),
    id: message.id,
    method: message.method,
    params: message.params,
    name: typeof name === 'string' ? name : undefined,
    arguments: isObject(params.arguments) ? params.arguments : undefined,
    meta: isObject(params._meta) ? params._meta : undefined,
    version: typeof version === 'string' ? version : undefined,
    token: hasToken ? token : undefined,
    result: 'result' in message ? message.result : message.error,
    flags: bits.reduce((sum, [bit, set]) => sum | (set ? bit : 0), 0),
  });
  expect(has(Flag.IdIsString)).toBe(text(Field.IdStart)?.startsWith('"') ?? false);
}

/** Whether the record has room for a member of params. */
function isShown(key: string, value: unknown): boolean {
  if (key === 'name' || key === 'uri') return typeof value === 'string';
  return (key === 'arguments' || key === '_meta') && isObject(value);
}
