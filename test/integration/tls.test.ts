/** TLS: https and wss on the node engine, tls: endpoints, reload, SNI, client certificates, errors in words. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { get } from 'node:https';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { HttpListener, TlsOptions } from '../../src/transports/http/http-server.js';
import { describeCertificates } from '../../src/transports/http/tls-material.js';
import { connectTransport, listenTransport } from '../../src/transports/open.js';
import type { TlsListener } from '../../src/transports/tls.js';
import { deferred, echo, Recorder } from '../contract/peers.js';
import { Authority, expiredDates, type Pair } from './certificates.js';
import { portOf, serve, TestApplication } from './node-engine-support.js';

const names = 'DNS:localhost,IP:127.0.0.1';
let authority: Authority;
let own: Pair;
let application: TestApplication;
let listeners: { close(options?: { drainTimeoutMs?: number }): Promise<void> }[];

beforeAll(() => {
  authority = new Authority();
  own = authority.issue('first', names);
});

afterAll(() => authority.remove());

beforeEach(() => {
  application = new TestApplication();
  listeners = [];
});

afterEach(async () => {
  await Promise.all(listeners.map((listener) => listener.close({ drainTimeoutMs: 0 })));
});

async function secure(tls: TlsOptions): Promise<HttpListener> {
  const listener = await serve(application, { tls }, 'https://127.0.0.1:0/');
  listeners.push(listener);
  return listener;
}

async function handshake(listener: HttpListener, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ port: portOf(listener), host: '127.0.0.1', ca: authority.cert, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

async function subjectSeen(listener: HttpListener, servername?: string): Promise<string> {
  const checkServerIdentity = () => undefined;
  const socket = await handshake(listener, { servername, checkServerIdentity });
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

describe('https', () => {
  test('HTTP/1, HTTP/2 by ALPN and WebSocket on one port', async () => {
    const listener = await secure(own);
    const one = await new Promise<string>((resolve, reject) => {
      get(new URL('/head', listener.url), { ca: authority.cert }, (answer) => {
        answer.setEncoding('utf8').once('data', resolve);
      }).once('error', reject);
    });
    expect(one).toContain('secure true');
    const session = connectHttp2(listener.url, { ca: authority.cert });
    const stream = session.request({ ':path': '/head' });
    const [two] = await once(stream.setEncoding('utf8'), 'data');
    expect(session.alpnProtocol).toBe('h2');
    expect(two).toContain('secure true');
    session.close();
    expect(listener.webSocketUrl).toMatch(/^wss:/);
    const client = new WebSocket(listener.webSocketUrl, { ca: authority.cert });
    await once(client, 'open');
    client.send('under TLS');
    const [data] = await once(client, 'message');
    expect(String(data)).toBe('under TLS');
    client.terminate();
  });

  test('reload: open connections keep theirs, new ones get the new, bad ones change nothing', async () => {
    const listener = await secure(own);
    const before = await handshake(listener);
    const second = authority.issue('second', names);
    await listener.reloadTls?.(second);
    expect(await subjectSeen(listener)).toBe('second');
    before.write('GET /plain HTTP/1.1\r\nhost: a\r\n\r\n');
    const [answer] = await once(before, 'data');
    expect(String(answer)).toContain('plain');
    before.destroy();
    const refused: [TlsOptions, RegExp][] = [
      [{ cert: own.cert, key: second.key }, /"tls.key" is not the key of the certificate "CN=first"/],
      [{ cert: 'nothing', key: own.key }, /"tls.cert" is no PEM text/],
      [
        { cert: { file: '/nowhere/c.pem' }, key: own.key },
        /cannot be read from "\/nowhere\/c.pem" \(ENOENT\)/,
      ],
      [authority.issue('over', names, expiredDates), /"CN=over" expired on 2020-01-02/],
    ];
    for (const [tls, message] of refused) {
      await expect(listener.reloadTls?.(tls)).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(message),
      });
      expect(await subjectSeen(listener)).toBe('second');
    }
  });

  test('files that change are taken by the watcher', async () => {
    const cert = { file: join(authority.folder, 'watched.pem') };
    const key = { file: join(authority.folder, 'watched.key') };
    const write = (pair: Pair): void => {
      writeFileSync(key.file, pair.key);
      writeFileSync(cert.file, pair.cert);
    };
    write(own);
    const listener = await secure({ cert, key, watchIntervalMs: 10 });
    expect(await subjectSeen(listener)).toBe('first');
    write(authority.issue('watched', names));
    while ((await subjectSeen(listener)) !== 'watched') await new Promise((resolve) => setImmediate(resolve));
  });

  test('SNI chooses the certificate, whole names before wildcards', async () => {
    const listener = await secure({
      ...own,
      hosts: {
        '*.example.com': authority.issue('wild', 'DNS:*.example.com'),
        'api.example.com': authority.issue('exact', 'DNS:api.example.com'),
      },
    });
    expect(await subjectSeen(listener, 'api.example.com')).toBe('exact');
    expect(await subjectSeen(listener, 'WWW.example.com')).toBe('wild');
    expect(await subjectSeen(listener, 'a.b.example.com')).toBe('first');
    expect(await subjectSeen(listener, 'com')).toBe('first');
    expect(await subjectSeen(listener)).toBe('first');
  });

  test('a client certificate that is required: known ones pass and are told, others end', async () => {
    const listener = await secure({ ...own, ca: authority.cert, clientCertificates: 'require' });
    const client = authority.issue('caller', 'DNS:caller');
    const seen = deferred<{ subject: string; fingerprint: string } | undefined>();
    application.onRequest = (exchange) => {
      seen.resolve(exchange.clientCertificate);
      exchange.respond(200, [], 'in');
    };
    const socket = await handshake(listener, client);
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    const told = await seen.promise;
    expect(told?.subject).toBe('CN=caller');
    expect(told?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    socket.destroy();
    const stranger = connectTls({ port: portOf(listener), host: '127.0.0.1', ca: authority.cert });
    const [error] = await once(stranger, 'error');
    expect(error.code).toBe('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');
    expect(application.requests).toEqual([]);
  });

  test('old versions of TLS are refused', async () => {
    const listener = await secure({ ...own, minVersion: 'TLSv1.3' });
    await expect(handshake(listener, { maxVersion: 'TLSv1.2' })).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    });
    expect(listener.counters.refused).toBe(1);
  });

  test('a listener without certificates says what is missing', async () => {
    await expect(serve(application, {}, 'https://127.0.0.1:0/')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('"tls.cert" and "tls.key"'),
    });
  });

  test('certificates are described', async () => {
    const expired = authority.issue('over', names, expiredDates);
    const facts = await describeCertificates({ ...own, hosts: { 'old.example.com': expired } });
    expect(facts[0]).toMatchObject({ host: undefined, subject: 'CN=first', issuer: 'CN=Test Authority' });
    expect(facts[0].names).toBe('DNS:localhost, IP Address:127.0.0.1');
    expect(facts[0].daysLeft).toBe(0);
    expect(facts[1].host).toBe('old.example.com');
    expect(facts[1].daysLeft).toBeLessThan(-2000);
  });
});

describe('tls: endpoints', () => {
  test('frames pass, and a reload does not disturb them', async () => {
    const listener = await listenTransport('tls://127.0.0.1:0', { tls: own }, echo);
    listeners.push(listener);
    const first = new Recorder(await connectTransport(listener.url, { tls: { ca: authority.cert } }));
    expect(first.transport.kind).toBe('tls');
    await (listener as TlsListener).reloadTls(authority.issue('second', names));
    const second = new Recorder(await connectTransport(listener.url, { tls: { ca: authority.cert } }));
    const frame = 'x'.repeat(300_000);
    for (const client of [first, second]) {
      await client.sendAll(['one', frame]);
      await client.count(2);
      expect(client.frames).toEqual(['one', frame]);
      await client.transport.close();
      expect(await client.closed).toBeUndefined();
    }
    await expect.poll(() => listener.connections).toBe(0);
  });

  test('failures are named in words', async () => {
    const wrongName = await listenTransport(
      'tls://127.0.0.1:0',
      { tls: authority.issue('x', 'DNS:x') },
      echo,
    );
    const expired = authority.issue('over', names, expiredDates);
    const over = await listenTransport('tls://127.0.0.1:0', { tls: expired }, echo);
    const good = await listenTransport('tls://127.0.0.1:0', { tls: own }, echo);
    const strict = await listenTransport(
      'tls://127.0.0.1:0',
      { tls: { ...own, ca: authority.cert, clientCertificates: 'require' } },
      echo,
    );
    const plain = await listenTransport('tcp://127.0.0.1:0', { implementation: 'twin' }, echo);
    listeners.push(wrongName, over, good, strict, plain);
    const tls = { ca: authority.cert };
    const failures: [string, TlsOptions, RegExp][] = [
      [wrongName.url, tls, /for another name: .*127\.0\.0\.1/],
      [over.url, tls, /its certificate has expired/],
      [good.url, {}, /nobody trusted vouches for its certificate/],
    ];
    for (const [url, options, message] of failures) {
      const connecting = connectTransport(url, { tls: options });
      await expect(connecting).rejects.toMatchObject({
        code: 'TLS_FAILED',
        message: expect.stringMatching(message),
      });
    }
    await (await connectTransport(good.url, { tls: { verify: false } })).close();
    await (await connectTransport(wrongName.url, { tls: { ...tls, serverName: 'x' } })).close();
    // TLS 1.3 tells a client that its certificate is missing only after the handshake.
    const stranger = new Recorder(await connectTransport(strict.url, { tls }));
    expect((await stranger.closed)?.message).toMatch(/certificate/);
  });
});
