import { describe, expect, it } from 'vitest';
import * as limits from '../../src/limits.js';
import { originOf } from '../../src/transports/http/resolve-http-options.js';
import { resolveOptions } from '../../src/transports/options.js';
import type { TransportOptions } from '../../src/transports/transport.js';

describe('HTTP options', () => {
  it('come from the limits where nothing is said', () => {
    expect(resolveOptions().http).toEqual({
      engine: 'auto',
      http2: undefined,
      webSocket: {
        maxMessageBytes: limits.maxFrameBytes,
        maxFragments: limits.maxWebSocketFragments,
        pingIntervalMs: limits.webSocketPingIntervalMs,
        deflate: false,
      },
      allowedOrigins: undefined,
      allowedHosts: undefined,
      cors: false,
      maxBodyBytes: limits.maxFrameBytes,
      maxHeaderBytes: limits.maxHeaderBytes,
      maxHeaderFields: limits.maxHeaderFields,
      headersTimeoutMs: limits.headersTimeoutMs,
      minBodyBytesPerSecond: limits.minBodyBytesPerSecond,
      keepAliveTimeoutMs: limits.keepAliveTimeoutMs,
      compression: {
        thresholdBytes: limits.compressionThresholdBytes,
        offloadBytes: limits.compressionOffloadBytes,
        encodings: ['br', 'gzip'],
      },
      authenticate: undefined,
      protectedResource: undefined,
      health: false,
    });
  });

  it('take the frame limit of the transport for bodies and messages', () => {
    const { http } = resolveOptions({ maxFrameBytes: 1000, http: { webSocket: {} } });
    expect(http).toMatchObject({ maxBodyBytes: 1000, webSocket: { maxMessageBytes: 1000 } });
    const own = resolveOptions({
      maxFrameBytes: 1000,
      http: { maxBodyBytes: 5, webSocket: { maxMessageBytes: 6 } },
    });
    expect(own.http).toMatchObject({ maxBodyBytes: 5, webSocket: { maxMessageBytes: 6 } });
  });

  it('turn true into the defaults of a part, and false into nothing', () => {
    const on = resolveOptions({
      http: { cors: true, health: true, compression: true, webSocket: true },
    }).http;
    expect(on.cors).toEqual({
      allowedHeaders: [],
      exposedHeaders: [],
      credentials: false,
      maxAgeSeconds: 7_200,
    });
    expect(on.health).toEqual({
      url: undefined,
      livePath: '/healthz',
      readyPath: '/readyz',
      metricsPath: '/metrics',
      statsPath: '/stats',
    });
    expect(on.webSocket).toMatchObject({ deflate: false });
    const off = resolveOptions({
      http: { cors: false, health: false, compression: false, webSocket: false },
    }).http;
    expect(off).toMatchObject({ cors: false, health: false, compression: false, webSocket: false });
  });

  it('write origins as browsers do, and hosts in lower case', () => {
    const { http } = resolveOptions({
      http: {
        allowedOrigins: ['HTTPS://App.Example.com:443/', 'http://localhost:5173', 'vscode-webview://ABC'],
        allowedHosts: ['App.Example.com', '[::1]:8080'],
      },
    });
    expect(http.allowedOrigins).toEqual([
      'https://app.example.com',
      'http://localhost:5173',
      'vscode-webview://abc',
    ]);
    expect(http.allowedHosts).toEqual(['app.example.com', '[::1]:8080']);
    expect(resolveOptions({ http: { allowedOrigins: '*', allowedHosts: '*' } }).http).toMatchObject({
      allowedOrigins: '*',
      allowedHosts: '*',
    });
  });

  it.each([
    ['https://a.b', 'https://a.b'],
    ['http://a.b:80', 'http://a.b'],
    ['null', undefined],
    ['a.b', undefined],
    ['https://a.b/path', undefined],
    ['https://a.b?x', undefined],
    ['https://u@a.b', undefined],
    ['*', undefined],
    ['https:a.b', undefined],
  ])('the origin of %s is %s', (text, origin) => {
    expect(originOf(text)).toBe(origin);
  });
});

const cases: [options: object, message: string][] = [
  [{ http: 5 }, '"http" must be an object of HTTP options, not 5.'],
  [{ http: { engine: 'uWS' } }, '"http.engine" must be one of "auto", "uws", "node", not "uWS".'],
  [{ http: { maxBodyByte: 1 } }, 'Unknown option "http.maxBodyByte". Did you mean "http.maxBodyBytes"?'],
  [{ http: { maxBodyBytes: 0 } }, '"http.maxBodyBytes" must be an integer between 1 and'],
  [
    { http: { allowedOrigins: 'https://a.b' } },
    '"http.allowedOrigins" must be "*" or a list of origins such as',
  ],
  [{ http: { allowedOrigins: ['a.b'] } }, '"http.allowedOrigins" must be "*" or a list of origins such as'],
  [{ http: { allowedHosts: ['http://a.b'] } }, '"http.allowedHosts" must be "*" or a list of hosts such as'],
  [
    { http: { webSocket: { deflat: true } } },
    'Unknown option "http.webSocket.deflat". Did you mean "http.webSocket.deflate"?',
  ],
  [
    { http: { webSocket: 1 } },
    '"http.webSocket" must be true, false or an object of WebSocket options, not 1.',
  ],
  [
    { http: { cors: { maxAgeSeconds: -1 } } },
    '"http.cors.maxAgeSeconds" must be an integer between 0 and 86400',
  ],
  [
    { http: { cors: { allowedHeaders: ['a b'] } } },
    '"http.cors.allowedHeaders" must be a list of header field names',
  ],
  [
    { http: { compression: { encodings: ['zstd'] } } },
    '"http.compression.encodings" must be a list of "br" and "gzip"',
  ],
  [
    { http: { cors: { credentials: true }, allowedOrigins: '*' } },
    '"http.allowedOrigins" must name them instead of "*"',
  ],
  [{ http: { authenticate: 'token' } }, '"http.authenticate" must be a function'],
  [
    { http: { protectedResource: {} } },
    '"http.protectedResource.authorizationServers" must name at least one',
  ],
  [{ http: { protectedResource: { authorizationServers: ['auth'] } } }, 'must be a list of URLs such as'],
  [
    { http: { health: { url: 'localhost:1' } } },
    '"http.health.url" must be a URL such as "http://127.0.0.1:9090"',
  ],
  [
    { http: { health: { livePath: 'healthz' } } },
    '"http.health.livePath" must be a path such as "/healthz", or false',
  ],
  [{ http: { health: { livePath: '/a?b' } } }, '"http.health.livePath" must be a path'],
  [{ tls: { certificate: 'x' } }, 'Unknown option "tls.certificate". Known are cert, key'],
  [{ tls: { cert: 'x' } }, '"tls.key" is missing: a certificate and its key go together.'],
  [{ tls: { key: { file: 'x' } } }, '"tls.cert" is missing'],
  [{ tls: { cert: 5, key: 'x' } }, '"tls.cert" must be PEM text, or { file }'],
  [
    { tls: { clientCertificates: true } },
    '"tls.clientCertificates" must be one of "none", "request", "require"',
  ],
  [
    { tls: { hosts: { 'a.b': { cert: 'x' } } } },
    '"tls.hosts" must be an object of { cert, key } by host name',
  ],
  [
    { tls: { minVersion: 'TLSv1.1' } },
    '"tls.minVersion" must be one of "TLSv1.2", "TLSv1.3", not "TLSv1.1".',
  ],
];

it.each(cases)('%j is refused with what would be right', (options, message) => {
  expect(() => resolveOptions(options as TransportOptions)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
  );
});
