import { describe, expect, test } from 'vitest';
import { RingwireError } from '../../src/errors.js';
import {
  type Endpoint,
  formatEndpoint,
  parseConnectEndpoint,
  parseListenEndpoint,
} from '../../src/transports/endpoint.js';

describe('endpoints that are understood', () => {
  const both: readonly (readonly [string, Endpoint])[] = [
    ['tcp://127.0.0.1:4000', { kind: 'tcp', host: '127.0.0.1', port: 4000 }],
    ['tcp://[::1]:4000', { kind: 'tcp', host: '::1', port: 4000 }],
    ['tcp://[fe80::1%eth0]:1', { kind: 'tcp', host: 'fe80::1%eth0', port: 1 }],
    ['tcp://localhost:65535', { kind: 'tcp', host: 'localhost', port: 65_535 }],
    ['unix:/run/app.sock', { kind: 'unix', path: '/run/app.sock' }],
    ['unix:app.sock', { kind: 'unix', path: 'app.sock' }],
    ['unix:/run/with space%41.sock', { kind: 'unix', path: '/run/with space%41.sock' }],
    ['memory:demo-1', { kind: 'memory', name: 'demo-1' }],
    ['tls://localhost:4000', { kind: 'tls', host: 'localhost', port: 4000 }],
    [
      'http://127.0.0.1:8080/mcp',
      { kind: 'http', isSecure: false, host: '127.0.0.1', port: 8080, path: '/mcp' },
    ],
    ['https://[::1]:8443/', { kind: 'http', isSecure: true, host: '::1', port: 8443, path: '/' }],
    ['ws://localhost:1/a/b', { kind: 'ws', isSecure: false, host: 'localhost', port: 1, path: '/a/b' }],
    ['wss://localhost:1/%C3%BC', { kind: 'ws', isSecure: true, host: 'localhost', port: 1, path: '/%C3%BC' }],
  ];
  test.each(both)('%s to listen on and to connect to, and back', (text, endpoint) => {
    expect(parseListenEndpoint(text)).toEqual(endpoint);
    expect(parseConnectEndpoint(text)).toEqual(endpoint);
    expect(formatEndpoint(endpoint)).toBe(text);
  });

  test('other spellings of the same endpoint', () => {
    expect(parseListenEndpoint('TCP://localhost:1/')).toEqual({ kind: 'tcp', host: 'localhost', port: 1 });
    expect(parseListenEndpoint('unix:///run/app.sock')).toEqual({ kind: 'unix', path: '/run/app.sock' });
  });

  test.each([
    ['http://example.com', { kind: 'http', isSecure: false, host: 'example.com', port: 80, path: '/' }],
    [
      'https://example.com/mcp',
      { kind: 'http', isSecure: true, host: 'example.com', port: 443, path: '/mcp' },
    ],
    ['ws://example.com?x=1', { kind: 'ws', isSecure: false, host: 'example.com', port: 80, path: '/?x=1' }],
    ['WSS://[::1]/m?x=1', { kind: 'ws', isSecure: true, host: '::1', port: 443, path: '/m?x=1' }],
  ])('a client may leave out the port of %s, and add a query', (text, endpoint) => {
    expect(parseConnectEndpoint(text)).toEqual(endpoint);
    expect(() => parseListenEndpoint(text)).toThrow(/port is missing|whatever the query/);
  });

  test('HTTP/2 on our own stdin and stdout, and on the pipes of a child', () => {
    expect(parseListenEndpoint('stdio+h2:')).toEqual({ kind: 'stdio-h2' });
    expect(formatEndpoint({ kind: 'stdio-h2' })).toBe('stdio+h2:');
    expect(() => parseListenEndpoint('stdio+h2:node')).toThrow(/own stdin and stdout.*"stdio\+h2:"/);
    const url = 'stdio+h2:node?arg=server.mjs';
    const child = { kind: 'child', command: 'node', args: ['server.mjs'], env: undefined, cwd: undefined };
    expect(parseConnectEndpoint(url)).toEqual({ kind: 'child-h2', child });
    expect(formatEndpoint(parseConnectEndpoint(url))).toBe(url);
    expect(() => parseConnectEndpoint('stdio+h2:')).toThrow(/command to start is missing/);
  });

  test('port 0 is for listeners', () => {
    expect(parseListenEndpoint('http://127.0.0.1:0/mcp')).toMatchObject({ port: 0 });
    expect(() => parseConnectEndpoint('http://127.0.0.1:0/mcp')).toThrow(/only a listener/);
    expect(parseListenEndpoint('tcp://127.0.0.1:0')).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 0 });
    expect(() => parseConnectEndpoint('tcp://127.0.0.1:0')).toThrow(/only a listener/);
  });

  test('a child as a URL goes there and back with every character', () => {
    const child = {
      kind: 'child',
      command: '/opt/my server/run',
      args: ['-e', 'a b&c=d', 'ü?#'],
      cwd: '/tmp/x y',
    };
    const url = formatEndpoint(child as Endpoint);
    expect(url).toBe(
      'stdio:/opt/my%20server/run?arg=-e&arg=a%20b%26c%3Dd&arg=%C3%BC%3F%23&cwd=%2Ftmp%2Fx%20y',
    );
    expect(parseConnectEndpoint(url)).toEqual(child);
    expect(parseConnectEndpoint('stdio:cat')).toEqual({ kind: 'child', command: 'cat', args: [] });
  });

  test('a child as an object keeps its environment, and its URL leaves it out', () => {
    const child = parseConnectEndpoint({ command: 'node', args: ['x.mjs'], env: { TOKEN: 'secret' } });
    expect(child).toEqual({ kind: 'child', command: 'node', args: ['x.mjs'], env: { TOKEN: 'secret' } });
    expect(formatEndpoint(child)).toBe('stdio:node?arg=x.mjs');
  });

  test('our own stdin and stdout', () => {
    expect(parseListenEndpoint('stdio:')).toEqual({ kind: 'stdio' });
    expect(formatEndpoint({ kind: 'stdio' })).toBe('stdio:');
  });
});

describe('endpoints that are refused', () => {
  const long = `unix:/${'x'.repeat(107)}`;
  const bad: readonly (readonly [string, RegExp])[] = [
    ['', /must be a URL/],
    ['localhost', /no scheme/],
    ['localhost:4000', /"localhost:" is no scheme.*"tcp:\/\/localhost:4000"/],
    ['http:localhost:1', /two slashes are missing.*"http:\/\/127.0.0.1:8080\/mcp"/],
    ['http://:80/mcp', /host is missing/],
    ['http://::1:80/mcp', /needs brackets.*"http:\/\/\[::1\]:8080\/mcp"/],
    ['https://user:secret@localhost:1/mcp', /no user name/],
    ['http://localhost:1/mcp#part', /fragment is never sent/],
    ['http://localhost:1/grün', /must be percent-encoded/],
    ['http://localhost:1/a b', /must be percent-encoded/],
    ['wss://localhost:65536/', /"65536" is not an integer/],
    ['tls://localhost', /port is missing/],
    ['tls://localhost:1/path', /no path/],
    ['shm:name', /"shm:" is not served by this version/],
    ['ftp://localhost', /"ftp:" is unknown/],
    ['tcp:localhost:1', /two slashes are missing/],
    ['tcp://localhost', /port is missing/],
    ['tcp://localhost:', /port is missing/],
    ['tcp://:80', /host is missing/],
    ['tcp://::1:80', /needs brackets/],
    ['tcp://[::1', /malformed/],
    ['tcp://[localhost]:1', /no IPv6 address/],
    ['tcp://localhost:http', /"http" is not an integer from 0 to 65535/],
    ['tcp://localhost:65536', /"65536" is not an integer/],
    ['tcp://localhost:-1', /"-1" is not an integer/],
    ['tcp://user@localhost:1', /no user name/],
    ['tcp://localhost:1/path', /no path/],
    ['tcp://local host:1', /white space/],
    ['unix:', /path is missing/],
    ['unix://host/path', /host.*has none/],
    ['unix:/run/', /names a directory/],
    ['unix:/a\0b', /NUL/],
    [long, /has 108 bytes and the kernel takes at most 107/],
    ['memory:', /name must be made of/],
    ['memory:a/b', /name must be made of/],
  ];
  test.each(bad)('%j, on both sides, saying why', (text, reason) => {
    for (const parse of [parseListenEndpoint, parseConnectEndpoint]) {
      let error: unknown;
      try {
        parse(text);
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(RingwireError);
      expect((error as RingwireError).code).toBe('ADDRESS_INVALID');
      expect((error as RingwireError).message).toMatch(reason);
    }
  });

  test('a path of 107 bytes is the longest', () => {
    expect(parseListenEndpoint(`unix:/${'x'.repeat(106)}`).kind).toBe('unix');
    expect(() => parseListenEndpoint(`unix:/${'ü'.repeat(54)}`)).toThrow(/109 bytes/);
  });

  const children: readonly (readonly [unknown, RegExp])[] = [
    ['stdio:', /command to start is missing/],
    ['stdio:node server.mjs', /white space/],
    ['stdio:node?argument=x', /has "argument", known are arg and cwd/],
    ['stdio:node?arg=%zz', /percent-encoded/],
    [{ command: '' }, /"command" must be a non-empty string/],
    [{ command: 'node', args: 'x' }, /"args" must be an array/],
    [{ command: 'node', env: { A: 1 } }, /"env.A" must be a string/],
    [{ command: 'node', cwd: 1 }, /"cwd" must be a string/],
    [{ command: 'node', args: ['a\0b'] }, /NUL/],
    [null, /this is null/],
  ];
  test.each(children)('child %j', (target, reason) => {
    expect(() => parseConnectEndpoint(target as string)).toThrow(reason);
  });

  test('a listener does not start a command', () => {
    expect(() => parseListenEndpoint('stdio:node')).toThrow(/own stdin and stdout/);
  });
});
