/** Two ringwire peers agree on MessagePack, and get along with peers that do not know it. */
import { describe, expect, test } from 'vitest';
import type { Transport } from '../../src/transports/transport.js';
import { type NegotiatedTransport, offerEncoding, requestEncoding } from '../../src/transports/upgrade.js';
import { deferred, echo, numbered, Recorder } from './peers.js';
import { link, type TransportCase } from './transport-contract.js';

const methodNotFound = (id: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32_601, message: 'Method not found' } });

/** A JSON-RPC peer that knows no method. */
function ignorant(transport: Transport, onFrame: (text: string) => void): void {
  transport.start({
    onFrame: (frame) => {
      onFrame(frame.toString());
      transport.send(methodNotFound(JSON.parse(frame.toString()).id));
    },
    onClose: () => {},
  });
}

export function encodingContract(subject: TransportCase): void {
  describe(`${subject.name}, encodings`, () => {
    agreementContract(subject);
    disagreementContract(subject);
  });
}

function agreementContract(subject: TransportCase): void {
  test('both switch at once and 5,000 messages of every kind come back as they were', async () => {
    const { client, server, listener } = await link(subject);
    const offering = offerEncoding(server);
    echo(offering);
    const asking = await requestEncoding(client);
    expect([asking.encoding, offering.encoding]).toEqual(['msgpack', 'msgpack']);
    expect(asking).toMatchObject({ kind: client.kind, implementation: client.implementation });
    const recorder = new Recorder(asking);
    const messages = numbered(5000).map((text, id) => JSON.stringify({ jsonrpc: '2.0', id, method: text }));
    messages.push('{"id":12345678901234567890}', '{"text":"a\\nb\\u2028"}', '{ "spaced": 1.0 }', '[1,2,3]');
    await recorder.sendAll(messages);
    await recorder.count(messages.length);
    expect(recorder.frames).toEqual(messages);
    await asking.close();
    expect(recorder.closes).toEqual([undefined]);
    await Promise.all([server.close(), listener.close()]);
  });

  test('a frame that is not a message is refused and the connection goes on', async () => {
    const { client, server, listener } = await link(subject);
    const recorder = new Recorder(offerEncoding(server));
    const asking = await requestEncoding(client);
    new Recorder(asking);
    client.send(Uint8Array.of(0xc1));
    client.send(Uint8Array.of(0xd4, 0x72, 0x40));
    asking.send('{"after":1}');
    await recorder.count(1);
    expect(recorder.frames).toEqual(['{"after":1}']);
    expect(recorder.frameErrors.map((error) => error.code)).toEqual(['FRAME_INVALID', 'FRAME_INVALID']);
    await Promise.all([asking.close(), server.close(), listener.close()]);
  });

  test('what the server says before its answer waits for start()', async () => {
    const { client, server, listener } = await link(subject);
    const offering = offerEncoding(server);
    new Recorder(offering);
    offering.send('{"early":1}');
    const asking = await requestEncoding(client);
    offering.send('{"late":2}');
    const recorder = new Recorder(asking);
    await recorder.count(2);
    expect(recorder.frames).toEqual(['{"early":1}', '{"late":2}']);
    await Promise.all([asking.close(), server.close(), listener.close()]);
  });

  test('an end before start() is reported after it', async () => {
    const { client, server, listener } = await link(subject);
    const offering = offerEncoding(server);
    const accepted = new Recorder(offering);
    const asking = await requestEncoding(client);
    void offering.close();
    const recorder = new Recorder(asking);
    expect(await recorder.closed).toBeUndefined();
    expect(await accepted.closed).toBeUndefined();
    expect(recorder.closes.length).toBe(1);
    await listener.close();
  });
}

function disagreementContract(subject: TransportCase): void {
  test('a peer that knows nothing of it: one refused request, then JSON as ever', async () => {
    const { client, server, listener } = await link(subject);
    const seen: string[] = [];
    ignorant(server, (text) => seen.push(text));
    const asking = await requestEncoding(client);
    expect(asking.encoding).toBe('json');
    const recorder = new Recorder(asking);
    await recorder.sendAll(['{"id":1}']);
    await recorder.count(1);
    expect(seen[1]).toBe('{"id":1}');
    expect(recorder.frames).toEqual([methodNotFound(1)]);
    await Promise.all([asking.close(), server.close(), listener.close()]);
  });

  test('a client that does not ask is served in JSON, and asking later is an ordinary request', async () => {
    const { client, server, listener } = await link(subject);
    const offering = offerEncoding(server);
    const accepted = new Recorder(offering);
    const recorder = new Recorder(client);
    const late =
      '{"jsonrpc":"2.0","id":"ringwire/encoding","method":"ringwire/encoding","params":{"version":1,"encodings":["msgpack"]}}';
    await recorder.sendAll(['{"id":1}', late]);
    await accepted.count(2);
    expect(accepted.frames).toEqual(['{"id":1}', late]);
    expect(offering.encoding).toBe('json');
    await Promise.all([client.close(), server.close(), listener.close()]);
  });

  test('a server that offers JSON only', async () => {
    const { client, server, listener } = await link(subject);
    echo(offerEncoding(server, { encodings: ['json'] }));
    const asking = await requestEncoding(client);
    expect(asking.encoding).toBe('json');
    const recorder = new Recorder(asking);
    await recorder.sendAll(['{ "as": "it is" }']);
    await recorder.count(1);
    expect(recorder.frames).toEqual(['{ "as": "it is" }']);
    await Promise.all([asking.close(), server.close(), listener.close()]);
  });

  test('a peer that is silent, closes or floods is given up, and the connection is closed', async () => {
    const silent = await link(subject);
    new Recorder(silent.server);
    await expect(requestEncoding(silent.client, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    const closing = await link(subject);
    closing.server.start({ onFrame: () => void closing.server.close(), onClose: () => {} });
    await expect(requestEncoding(closing.client)).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    const flooding = await link(subject);
    const flood = new Recorder(flooding.server);
    const refused = expect(requestEncoding(flooding.client)).rejects.toMatchObject({ code: 'OVERLOADED' });
    const flooded = deferred();
    void flood.closed.then(() => flooded.resolve());
    void flood.sendAll(Array.from({ length: 40 }, () => `{"flood":"${'x'.repeat(64 * 1024)}"}`));
    await refused;
    await flooded.promise;
    for (const { server, listener } of [silent, closing, flooding]) {
      await Promise.all([server.close(), listener.close()]);
    }
  });

  test('encodings are checked', async () => {
    const { client, server, listener } = await link(subject);
    const wrong = { encodings: ['cbor'] as unknown as NegotiatedTransport['encoding'][] };
    expect(() => offerEncoding(server, wrong)).toThrow(/"encodings" must be a list/);
    await expect(requestEncoding(client, { encodings: [] })).rejects.toThrow(/"encodings" must be a list/);
    await Promise.all([client.close(), server.close(), listener.close()]);
  });
}
