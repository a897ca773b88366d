/** Answers of HTTP servers as frames: however they are split, and what becomes of those that hold none. */
import { describe, expect, it } from 'vitest';
import type { HttpError, RingwireError } from '../../src/errors.js';
import { rememberEra, rememberedEra } from '../../src/mcp/http-client/era-memory.js';
import {
  AnswerReader,
  type FrameSink,
  parseChallenge,
  statusError,
} from '../../src/transports/http/client/answer-reader.js';

class Recorder implements FrameSink {
  readonly log: unknown[] = [];
  onOpen(status: number, _headers: unknown, isStream: boolean): void {
    this.log.push(['open', status, isStream]);
  }
  onFrame(frame: Buffer): void {
    this.log.push(['frame', frame.toString()]);
  }
  onNamedEvent(type: string, data: string): void {
    this.log.push([type, data]);
  }
  onEventId(id: string): void {
    this.log.push(['id', id]);
  }
  onRetry(retryMs: number): void {
    this.log.push(['retry', retryMs]);
  }
  onEnd(): void {
    this.log.push('end');
  }
  onRefused(error: HttpError): void {
    this.log.push(['refused', error.status, error.message]);
  }
  onFail(error: RingwireError): void {
    this.log.push(['fail', error.code]);
  }
}

type Head = Readonly<Record<string, string>>;

function read(status: number, head: Head, pieces: readonly Buffer[], maxFrameBytes = 1_000): unknown[] {
  const recorder = new Recorder();
  const reader = new AnswerReader(recorder, 'http://h/mcp', maxFrameBytes);
  let isAborted = false;
  reader.abort = () => {
    isAborted = true;
  };
  reader.onHead(status, head);
  for (const piece of pieces) {
    if (isAborted) break;
    // A chunk is borrowed: what it held is gone when the call returns.
    const borrowed = Buffer.from(piece);
    reader.onData(borrowed);
    borrowed.fill(0);
  }
  if (!isAborted) reader.onEnd();
  return recorder.log;
}

const events = { 'content-type': 'Text/Event-Stream; charset=utf-8' };
const json = { 'content-type': 'application/json;charset=UTF-8' };

describe('an answer', () => {
  it('of events is the same however it is split', () => {
    const text = Buffer.from(
      '\ufeff: hello\r\nretry: 20\nid: 1\ndata:\n\nevent: endpoint\ndata: /x\n\nid: 2\r\ndata: {"a":\r\ndata: "é世"}\r\n\r\ndata: {"b":1}\n\ndata: {"cut":',
    );
    const whole = read(200, events, [text]);
    expect(whole).toEqual([
      ['open', 200, true],
      ['retry', 20],
      ['id', '1'],
      ['endpoint', '/x'],
      ['id', '2'],
      ['frame', '{"a":\n"é世"}'],
      ['frame', '{"b":1}'],
      'end',
    ]);
    for (let at = 1; at < text.length; at++)
      expect(read(200, events, [text.subarray(0, at), text.subarray(at)])).toEqual(whole);
    expect(
      read(
        200,
        events,
        Array.from(text, (byte) => Buffer.from([byte])),
      ),
    ).toEqual(whole);
  });

  it('of events may end its lines with CR, LF or both', () => {
    const bytes = Buffer.from('data: a\r\rid: 1\r\ndata: b\r\n\r\ndata: c\ndata: d\r\n\ndata: e\n\r');
    const whole = read(200, { 'content-type': 'text/event-stream' }, [bytes]);
    const frames = ['a', 'b', 'c\nd', 'e'].map((data) => ['frame', data]);
    expect(whole.filter((entry) => Array.isArray(entry) && entry[0] === 'frame')).toEqual(frames);
    for (let at = 1; at < bytes.length; at++)
      expect(
        read(200, { 'content-type': 'text/event-stream' }, [bytes.subarray(0, at), bytes.subarray(at)]),
      ).toEqual(whole);
  });

  it('of nothing but CRs takes no time to speak of', () => {
    const log = read(200, { 'content-type': 'text/event-stream' }, [Buffer.alloc(8_000_000, '\r')]);
    expect(log).toEqual([['open', 200, true], 'end']);
  });

  it('of JSON is one frame however it is split, also with an error status', () => {
    const text = Buffer.from('{"jsonrpc":"2.0","id":1,"result":"é"}');
    for (const status of [200, 400, 404, 500])
      for (let at = 0; at <= text.length; at++)
        expect(read(status, json, [text.subarray(0, at), text.subarray(at)])).toEqual([
          ['open', status, false],
          ['frame', text.toString()],
          'end',
        ]);
  });

  it('may be exactly as long as the limit, and no longer', () => {
    const body = (length: number) => [Buffer.from(`"${'x'.repeat(length - 2)}"`)];
    expect(read(200, json, body(1_000)).at(-1)).toBe('end');
    expect(read(200, json, body(1_001)).at(-1)).toEqual(['fail', 'FRAME_TOO_LARGE']);
    expect(read(200, { ...json, 'content-length': '1001' }, []).at(-1)).toEqual(['fail', 'FRAME_TOO_LARGE']);
    const many = Array.from({ length: 100 }, () => Buffer.from(`data: ${'x'.repeat(900)}\n\n`));
    expect(read(200, events, many)).toHaveLength(102);
    expect(read(200, events, [Buffer.from(`data: ${'x'.repeat(2_000)}`)]).at(-1)).toEqual([
      'fail',
      'FRAME_TOO_LARGE',
    ]);
  });

  it('without a body and type is taken as empty where it is a success', () => {
    for (const status of [200, 202, 204])
      expect(read(status, {}, [])).toEqual([['open', status, false], 'end']);
    expect(read(400, {}, [])).toEqual([['refused', 400, 'http://h/mcp answered 400 with an empty body.']]);
  });

  it('of another type is refused with its beginning', () => {
    const page = [Buffer.from(`<html>\n\u0007${'y'.repeat(500)}`)];
    expect(read(200, { 'content-type': 'text/html' }, page)).toEqual([
      ['refused', 200, `http://h/mcp answered 200 with text/html: <html> ${'y'.repeat(192)}.`],
    ]);
  });
});

describe('the error of a status', () => {
  const none = Buffer.alloc(0);

  it('reads Retry-After in seconds and as a date', () => {
    const waitOf = (value: string) => statusError('u', 503, { 'retry-after': value }, none).retryAfterMs;
    expect(waitOf('120')).toBe(120_000);
    expect(waitOf('Thu, 01 Jan 1970 00:00:00 GMT')).toBe(0);
    expect(waitOf(new Date(Date.now() + 60_000).toUTCString())).toBeGreaterThan(50_000);
    expect(waitOf('soon')).toBeUndefined();
  });

  it('tells what may be sent again', () => {
    const retryable = [400, 404, 429, 500, 502, 503, 504].filter(
      (status) => statusError('u', status, {}, none).retryable,
    );
    expect(retryable).toEqual([429, 502, 503, 504]);
  });

  it.each([
    ['Bearer', { scheme: 'Bearer' }],
    ['Bearer realm="x"', { scheme: 'Bearer' }],
    [
      'Bearer resource_metadata="https://h/m", scope="a b" , error=insufficient_scope',
      { scheme: 'Bearer', resourceMetadata: 'https://h/m', scope: 'a b', error: 'insufficient_scope' },
    ],
    [
      'DPoP Error_Description="say \\"please\\"", algs="ES256"',
      { scheme: 'DPoP', errorDescription: 'say "please"' },
    ],
    ['', undefined],
    ['"', undefined],
  ])('reads the challenge %j', (value, challenge) => {
    expect(parseChallenge(value)).toEqual(challenge);
  });
});

describe('the memory of eras', () => {
  it('knows a server by origin and path, and forgets the oldest', () => {
    const server = (port: number, path = '/mcp', host = 'h') =>
      ({ kind: 'http', isSecure: false, host, port, path }) as const;
    rememberEra(server(1), 'legacy');
    expect(rememberedEra(server(1, '/mcp?key=1', 'H'))).toBe('legacy');
    expect(rememberedEra(server(1, '/other'))).toBeUndefined();
    expect(rememberedEra({ ...server(1), isSecure: true })).toBeUndefined();
    rememberEra(server(1), undefined);
    expect(rememberedEra(server(1))).toBeUndefined();
    for (let port = 1; port <= 1_001; port++) rememberEra(server(port), 'modern');
    expect([rememberedEra(server(1)), rememberedEra(server(1_001))]).toEqual([undefined, 'modern']);
  });
});
