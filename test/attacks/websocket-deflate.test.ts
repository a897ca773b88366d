/** permessage-deflate (RFC 7692), on and off, on both engines. */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fragments, frame, Opcode, ping, text } from './websocket-frames.js';
import { handshake, headField, RawWebSocket, type Step } from './websocket-raw.js';
import {
  callText,
  engines,
  maxMessageBytes,
  resultText,
  type WebSocketServerUnderAttack,
  webSocketServer,
} from './websocket-server.js';

const rsv1 = 4;

/** RFC 7692, section 7.2.1: without the four bytes that end a flush. */
function deflated(message: string | Uint8Array): Buffer {
  return deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

function inflated(payload: Buffer): string {
  const whole = Buffer.concat([payload, Buffer.of(0, 0, 0xff, 0xff)]);
  return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
}

const offers = { plain: 'permessage-deflate', window: 'permessage-deflate; client_max_window_bits' };

async function openWith(server: WebSocketServerUnderAttack, offer: string): Promise<RawWebSocket> {
  return RawWebSocket.open(server.port, { fields: { 'Sec-WebSocket-Extensions': offer } });
}

/** Sends, and waits until the server ends the connection. */
async function endOf(server: WebSocketServerUnderAttack, steps: readonly Step[]): Promise<RawWebSocket> {
  const client = await openWith(server, offers.window);
  for (const step of steps) await client.step(step);
  await client.until(() => client.isClosed);
  return client;
}

describe.each(engines)('permessage-deflate on the engine %s', (engine) => {
  let server: WebSocketServerUnderAttack;
  beforeAll(async () => {
    server = await webSocketServer(engine, { deflate: true });
  });
  afterAll(() => server.close());

  it.each([
    offers.plain,
    offers.window,
    'permessage-deflate; server_no_context_takeover',
    'permessage-deflate; client_no_context_takeover',
    'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    'permessage-deflate; server_max_window_bits=15',
    'permessage-deflate; client_max_window_bits=15; server_max_window_bits=15',
    'foo, permessage-deflate; client_max_window_bits, bar',
    'permessage-deflate; server_max_window_bits=8, permessage-deflate',
  ])('agrees to "%s", and keeps no context', async (offer) => {
    const client = await openWith(server, offer);
    const answer = headField(client.head, 'sec-websocket-extensions') ?? '';
    expect(answer).toMatch(/^permessage-deflate(;|$)/);
    // What the client may keep, the server must be able to undo: it says that nothing is kept.
    expect(answer).toMatch(/client_no_context_takeover/);
    expect(answer).toMatch(/server_no_context_takeover/);
    if (!/client_max_window_bits/.test(offer)) expect(answer).not.toMatch(/client_max_window_bits/);
    for (const id of [1, 2]) {
      const suffix = 'abc'.repeat(10_000);
      await client.step(text(deflated(callText(id, suffix)), { rsv: rsv1 }));
      await client.until(() => client.frames.length === id);
      const { payload, rsv, opcode } = client.frames[id - 1];
      expect([rsv, opcode]).toEqual([rsv1, Opcode.text]);
      expect(payload.length).toBeLessThan(1000);
      expect(inflated(payload)).toBe(resultText(id, suffix));
    }
    await client.step(text(callText(3, 'plain')));
    await client.until(() => client.frames.length === 3);
    expect(client.texts[2]).toBe(resultText(3, 'plain'));
    await client.leave();
    expect(client.closeCode).toBe(1000);
  });

  it.each([
    'permessage-deflate; server_max_window_bits=16',
    'permessage-deflate; server_max_window_bits=7',
    'permessage-deflate; server_max_window_bits=8',
    'permessage-deflate; server_max_window_bits=015',
    'permessage-deflate; server_max_window_bits=x',
    'permessage-deflate; server_max_window_bits',
    'permessage-deflate; client_max_window_bits=16',
    'permessage-deflate; unknown',
    'permessage-deflate; server_no_context_takeover=1',
    'permessage-deflate; server_no_context_takeover; server_no_context_takeover',
    'permessage-deflate; unknown, permessage-deflate; client_max_window_bits=0',
    'x-webkit-deflate-frame',
    'permessage-bzip2',
  ])('does without "%s"', async (offer) => {
    const client = await openWith(server, offer);
    expect(headField(client.head, 'sec-websocket-extensions')).toBeUndefined();
    await client.step(text(callText(1, 'x'.repeat(10_000))));
    await client.until(() => client.texts.length === 1);
    expect(client.frames[0].rsv).toBe(0);
    // What was not agreed on is refused.
    await client.step(text(deflated(callText(2, 'x')), { rsv: rsv1 }));
    await client.until(() => client.isClosed);
    expect(client.closeCode).toBe(engine === 'uws' ? undefined : 1002);
    expect(client.texts).toHaveLength(1);
  });

  it.each([
    ';;;',
    'permessage-deflate;;',
    'permessage-deflate; a=',
    'a b',
    'permessage-deflate; a="b c"',
    ',x',
  ])('refuses the malformed list "%s"', async (offer) => {
    const client = new RawWebSocket(server.port);
    client.socket.write(handshake({ fields: { 'Sec-WebSocket-Extensions': offer } }));
    await client.until(() => client.status !== 0);
    client.socket.destroy();
    expect(client.status).toBe(400);
  });

  it('takes a compressed message in fragments, cut anywhere', async () => {
    const client = await openWith(server, offers.window);
    const whole = deflated(callText(1, 'x'));
    for (const cut of [0, 1, 10, whole.length]) {
      const [first, last] = fragments([whole.subarray(0, cut), whole.subarray(cut)]);
      first[0] |= rsv1 << 4;
      await client.step(Buffer.concat([first, ping('p'), last]));
    }
    await client.until(() => client.texts.length === 4);
    expect(client.texts).toEqual(new Array(4).fill(resultText(1, 'x')));
    await client.leave();
  });

  it.each([
    [
      'that are stored',
      deflateRawSync(callText(1, 'x'), { level: 0, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4),
    ],
    ['with an empty one first', Buffer.concat([Buffer.of(0, 0, 0, 0xff, 0xff), deflated(callText(1, 'x'))])],
  ] as const)('takes blocks %s', async (_what, payload) => {
    const client = await openWith(server, offers.window);
    for (const count of [1, 2]) {
      await client.step(text(payload, { rsv: rsv1 }));
      await client.until(() => client.texts.length === count);
    }
    expect(client.texts).toEqual(new Array(2).fill(resultText(1, 'x')));
    await client.leave();
  });

  it('takes blocks that are final, which uWebSockets.js cannot read on', async () => {
    const client = await openWith(server, offers.window);
    // RFC 7692, section 7.2.3.4.
    const payload = Buffer.concat([deflateRawSync(callText(1, 'x')), Buffer.of(0)]);
    await client.step(text(payload, { rsv: rsv1 }));
    await client.until(() => client.texts.length === 1);
    expect([client.texts, client.isClosed]).toEqual(
      engine === 'uws' ? [[], true] : [[resultText(1, 'x')], false],
    );
    client.socket.destroy();
  });

  const violations: readonly (readonly [string, number, () => readonly Step[]])[] = [
    ['RSV1 on a close', 1002, () => [frame({ opcode: Opcode.close, rsv: rsv1 })]],
    ['RSV2 on a text', 1002, () => [text('', { rsv: 2 })]],
    [
      'RSV1 on a continuation',
      1002,
      () => [
        text(deflated('{}').subarray(0, 1), { rsv: rsv1, fin: false }),
        frame({ opcode: Opcode.continuation, rsv: rsv1, payload: deflated('{}').subarray(1) }),
      ],
    ],
    ['a stream that is none', 1007, () => [text(Buffer.alloc(20, 0xff), { rsv: rsv1 })]],
    ['a block of the reserved type', 1007, () => [text(Buffer.of(0x07, 1, 2, 3), { rsv: rsv1 })]],
    [
      'a stored block that is cut short',
      1007,
      () => [text(Buffer.of(0, 10, 0, 0xf5, 0xff, 1), { rsv: rsv1 })],
    ],
    ['a distance beyond the beginning', 1007, () => [text(Buffer.of(0x4b, 0x04, 0x42, 0, 0), { rsv: rsv1 })]],
    ['text that is no UTF-8', 1007, () => [text(deflated(Buffer.of(0x22, 0xc0, 0x80, 0x22)), { rsv: rsv1 })]],
    ['a bomb', 1009, () => [text(deflated(Buffer.alloc(64 * 1024 * 1024, ' ')), { rsv: rsv1 })]],
    [
      'a message just over the limit',
      1009,
      () => [text(deflated(Buffer.alloc(maxMessageBytes + 1, ' ')), { rsv: rsv1 })],
    ],
    [
      'a bomb in fragments',
      1009,
      () => {
        const whole = deflated(Buffer.alloc(64 * 1024 * 1024, ' '));
        const frames = fragments([whole.subarray(0, 1000), whole.subarray(1000, 2000), whole.subarray(2000)]);
        frames[0][0] |= rsv1 << 4;
        return frames;
      },
    ],
  ];

  const uwsCodes: Readonly<Record<string, number>> = {
    'RSV1 on a close': 1005,
    'a message just over the limit': 1009,
  };

  it('refuses RSV1 on a ping, or answers it as if it were not there', async () => {
    const client = await openWith(server, offers.window);
    await client.step(ping('p', { rsv: rsv1 }));
    await client.until(() => client.pongs.length === 1);
    if (engine === 'node') expect(client.closeCode).toBe(1002);
    // uWebSockets.js looks at the bit of messages alone.
    else expect([client.pongs, client.frames[0].rsv]).toEqual([['p'], 0]);
    client.socket.destroy();
  });

  it.each(violations)('refuses %s', async (name, code, steps) => {
    const client = await endOf(server, steps());
    // uWebSockets.js cuts most without a close frame.
    expect(client.closeCode).toBe(engine === 'uws' ? uwsCodes[name] : code);
    expect(client.texts).toEqual([]);
    expect(await server.serves()).toBe(true);
  });

  it('takes as much as the limit says', async () => {
    const client = await openWith(server, offers.window);
    const message = callText(1, 'x').padEnd(maxMessageBytes, ' ');
    await client.step(text(deflated(message), { rsv: rsv1 }));
    await client.until(() => client.texts.length === 1);
    expect(client.texts).toEqual([resultText(1, 'x')]);
    await client.leave();
  });

  it('has nothing thrown, and no connection left', async () => {
    expect(server.troubles).toEqual([]);
    await expect.poll(() => server.listener.connections).toBe(0);
  });
});
