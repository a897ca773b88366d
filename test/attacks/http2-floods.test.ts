/** Frames that are allowed one by one, in numbers that are not: HTTP/2's floods, each within a budget (attack A5). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maxHttp2Resets, maxHttp2Streams } from '../../src/limits.js';
import { type AttackServer, attackServer, callBody } from './attack-server.js';
import {
  block,
  Code,
  call,
  callFields,
  Flag,
  FrameType,
  frame,
  Http2Raw,
  setting,
  uint32,
} from './http2-raw.js';

const { Headers, Data, Settings, Ping, WindowUpdate, Continuation, RstStream, Priority } = FrameType;
const { EndHeaders, EndStream, Ack } = Flag;
const floodFrames = 10_000;
const head = block(callFields());
const idOf = (index: number): number => 1 + 2 * index;
const open = frame(Headers, EndHeaders, 1, head);

let server: AttackServer;
beforeAll(async () => {
  server = await attackServer('node');
});
afterAll(() => server.close());

/** Calls on connections of their own until something ends; their statuses. */
async function servedWhile(done: Promise<unknown>): Promise<Set<number>> {
  let isDone = false;
  void done.then(() => {
    isDone = true;
  });
  const statuses = new Set<number>();
  do statuses.add(await server.serves());
  while (!isDone);
  return statuses;
}

type Make = (index: number) => readonly Uint8Array[];
const flood = (make: Make): Buffer =>
  Buffer.concat(Array.from({ length: floodFrames }, (_, index) => Buffer.concat(make(index))));

describe('ends the connection', () => {
  ends('requests taken back at once', [Code.Calm], (index) => [
    frame(Headers, EndHeaders, idOf(index), head),
    frame(RstStream, 0, idOf(index), uint32(Code.Cancel)),
  ]);
  ends('requests whose body does not have its length', [Code.Calm, Code.Internal], (index) => [
    frame(Headers, EndHeaders, idOf(index), block([...callFields(), ['content-length', '9']])),
    frame(Data, EndStream, idOf(index), Buffer.from('{}')),
  ]);
  ends('requests with forbidden fields', [Code.Calm, Code.Internal], (index) => [
    frame(Headers, EndHeaders | EndStream, idOf(index), block([...callFields(), ['te', 'gzip']])),
  ]);
  ends('requests that never end', [Code.Calm, Code.Internal, Code.Protocol], (index) => [
    frame(Headers, EndHeaders, idOf(index), head),
  ]);
  ends('CONTINUATION frames without an end', [Code.Calm, Code.Internal, Code.Protocol], (index) => [
    index === 0 ? frame(Headers, 0, 1, head) : frame(Continuation, 0, 1, block([[`x-${index}`, 'a']])),
  ]);
  ends('empty CONTINUATION frames', [Code.Calm, Code.Internal, Code.Protocol], (index) => [
    index === 0 ? frame(Headers, 0, 1, head) : frame(Continuation, 0, 1),
  ]);
  ends('SETTINGS', [Code.Calm], () => [frame(Settings, 0, 0, setting(3, 100))]);
  ends('empty SETTINGS', [Code.Calm], () => [frame(Settings, 0, 0)]);
  ends('PING', [Code.Calm], () => [frame(Ping, 0, 0, Buffer.alloc(8))]);
  ends('empty DATA', [Code.Calm, Code.Internal, Code.Protocol], (index) => [
    index === 0 ? open : frame(Data, 0, 1),
  ]);
  ends('acknowledgements of nothing', [Code.Calm, Code.Internal, Code.Protocol], () => [
    frame(Ping, Ack, 0, Buffer.alloc(8)),
  ]);
});

function ends(name: string, codes: readonly number[], make: Make): void {
  it(name, async () => {
    const before = server.marks.length;
    const connection = new Http2Raw(server.port).write(flood(make));
    expect(await servedWhile(connection.closed())).toEqual(new Set([200]));
    // A reset for what was not read any more can overtake the GOAWAY.
    expect([...codes, undefined]).toContain(connection.goaway);
    const calls = server.marks.slice(before).filter((mark) => mark !== 'good');
    expect(calls.length).toBeLessThanOrEqual(maxHttp2Resets + maxHttp2Streams);
  });
}

describe('costs no more than its reading, and the connection serves on', () => {
  it.each<[string, Make]>([
    [
      'PRIORITY',
      (index) => [frame(Priority, 0, idOf(index % 50), Buffer.concat([uint32(0), Buffer.from([1])]))],
    ],
    ['WINDOW_UPDATE by 1', () => [frame(WindowUpdate, 0, 0, uint32(1))]],
    ['frames of an unknown type', () => [frame(0x42, 0, 0, Buffer.from('?'))]],
  ])('%s', async (name, make) => {
    const connection = new Http2Raw(server.port).write(flood(make), call(1_001, name));
    expect(await servedWhile(connection.ended(1_001))).toEqual(new Set([200]));
    expect(connection.isClosed).toBe(false);
    expect(server.marks).toContain(name);
    connection.destroy();
  });
});

describe('flow control and streams', () => {
  const tooMany = Array.from({ length: maxHttp2Streams + 1 }, (_, index) => idOf(index));
  const last = tooMany[maxHttp2Streams];

  it('refuses a stream beyond the limit to a client that cannot know it yet', async () => {
    const connection = new Http2Raw(server.port);
    for (const id of tooMany) connection.write(frame(Headers, EndHeaders, id, head));
    await connection.ended(last);
    expect(connection.resetOf(last)).toBe(Code.RefusedStream);
    connection.write(frame(Data, EndStream, 1, Buffer.from(callBody('first of 101'))));
    await connection.ended(1);
    expect(connection.statusOf(1)).toBe(200);
    expect(server.marks).toContain('first of 101');
    connection.destroy();
  });

  it('ends the connection of a client that knows the limit', async () => {
    const connection = new Http2Raw(server.port);
    await connection.until(() => connection.count(Settings) > 0);
    connection.write(frame(Settings, Ack, 0));
    for (const id of tooMany) connection.write(frame(Headers, EndHeaders, id, head));
    await connection.closed();
    expect([Code.Protocol, Code.Internal]).toContain(connection.goaway);
    expect(await server.serves()).toBe(200);
  });

  it('refuses a body that does not wait for its window, at the limit at the latest', async () => {
    const connection = new Http2Raw(server.port).write(open);
    const piece = frame(Data, 0, 1, Buffer.alloc(16_384, 0x20));
    connection.write(Buffer.concat(new Array(600).fill(piece)));
    await connection.until(() => connection.goaway !== undefined || connection.hasEnded(1));
    if (connection.goaway === undefined) expect(connection.statusOf(1)).toBe(413);
    else expect([Code.FlowControl, Code.Internal]).toContain(connection.goaway);
    connection.destroy();
    expect(await server.serves()).toBe(200);
  });

  it('ends behind a GOAWAY of the client, once what is at work is answered', async () => {
    const connection = new Http2Raw(server.port).write(open, frame(FrameType.Goaway, 0, 0, Buffer.alloc(8)));
    connection.write(frame(Data, EndStream, 1, Buffer.from(callBody('behind GOAWAY'))));
    await connection.ended(1);
    expect(connection.statusOf(1)).toBe(200);
    await connection.closed();
    expect(server.marks).toContain('behind GOAWAY');
  });

  it('serves no stream that is opened behind its GOAWAY', async () => {
    const own = await attackServer('node');
    const connection = new Http2Raw(own.port).write(open);
    await connection.until(() => connection.count(Settings, Ack) > 0);
    const closing = own.close();
    connection.write(call(3, 'too late'));
    connection.write(frame(Data, EndStream, 1, Buffer.from(callBody('in time'))));
    await Promise.all([closing, connection.closed()]);
    expect(own.marks).not.toContain('too late');
    expect(connection.goaway).toBe(Code.No);
  });
});
