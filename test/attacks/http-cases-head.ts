/** Request lines, fields, targets, versions, and what asks something of the connection. */
import { answered, forgiven, good, type HttpCase, marked, refused, type Verdict } from './http-case.js';

const field = (text: string): string => good({ fields: `${text}\r\n` });
const target = (text: string): string => good({ line: `POST ${text} HTTP/1.1` });
const line = (text: string): string => good({ line: text });
const host = (text: string): string => good({ host: text });
const get = (text: string): string => `${text}\r\nHost: 127.0.0.1\r\n\r\n`;

/** uWebSockets.js knows letters, digits and hyphens in names. */
const unnamed = { onEngine: { uws: { refused: [] } } } as const;
/** An answer of the application: the connection goes on, and what is behind is a request of its own. */
const onwards = (status: number): Verdict => ({ answered: [status, 200], calls: 'b' });

const fields: readonly HttpCase[] = [
  refused('a space before the colon', field('X : a')),
  refused('a space in a name', field('X Y: a')),
  refused('an empty name', field(': a')),
  refused(
    'an empty name before a length',
    good({ framing: `: a\r\nContent-Length: ${marked.length}\r\n`, body: marked }),
  ),
  refused('no colon', field('X')),
  refused('a folded field', field('X: a\r\n b')),
  refused('a field folded by a tab', field('X: a\r\n\tb')),
  refused('a first field that begins with white space', good({ host: ' X: a\r\nHost: 127.0.0.1\r\n' })),
  refused('bare line feeds', good().replaceAll('\r\n', '\n')),
  refused('a bare line feed behind a field', field('X: a\nY: b')),
  refused('a bare carriage return in a value', field('X: a\rb')),
  refused('a carriage return before the line end', field('X: a\r')),
  refused('a NUL in a value', field('X: a\0b')),
  refused('a NUL in a name', field('X\0: a')),
  refused('a control byte in a value', field('X: a\x01b')),
  refused('a delete byte in a value', field('X: a\x7fb'), [400], {
    uws: { answered: [200, 200], calls: 'ab' },
  }),
  refused('an escape byte in a value', field('X: \x1b[31m')),
  refused('a control byte in a name', field('X\x01: a')),
  refused('a byte beyond ASCII in a name', field('X\xe9: a')),
  refused('a parenthesis in a name', field('X(a): b')),
  refused('a slash in a name', field('X/a: b')),
  refused('an at sign in a name', field('X@a: b')),
  answered('every character of a token in a name', field("!#$%&'*+-.^_`|~09azAZ: a"), [200], unnamed),
  answered('UTF-8 in a value', field('X: \xc3\xa9')),
  answered('bytes beyond ASCII in a value', field('X: \xff\xfe')),
  answered('an empty value', field('X:')),
  answered('a value of white space', field('X: \t ')),
  answered('a field "__proto__"', field('__proto__: a\r\nconstructor: b\r\ntoString: c'), [200], unnamed),
  answered('an empty line before the request line', `\r\n${good()}`, [200], {
    onEngine: { uws: { refused: [400, 0] } },
  }),
  refused('a head that ends in line feeds', good().replace('\r\n\r\n', '\n\n')),
];

const lines: readonly HttpCase[] = [
  refused('HTTP/0.9', 'GET /mcp\r\n\r\n', [400, 505]),
  refused('HTTP/0.9, spelt out', line('POST /mcp HTTP/0.9'), [400, 505]),
  answered('HTTP/1.0', line('POST /mcp HTTP/1.0'), [200], {
    closes: true,
    onEngine: { uws: { refused: [400, 505, 0] } },
  }),
  refused('HTTP/1.2', line('POST /mcp HTTP/1.2'), [400, 505]),
  refused('HTTP/1.10', line('POST /mcp HTTP/1.10'), [400, 505]),
  refused('HTTP/01.1', line('POST /mcp HTTP/01.1'), [400, 505]),
  refused('HTTP/2.0', line('POST /mcp HTTP/2.0'), [400, 505]),
  refused('HTTP/3.0', line('POST /mcp HTTP/3.0'), [400, 505]),
  refused('HTTP/11', line('POST /mcp HTTP/11'), [400, 505]),
  refused('http/1.1', line('POST /mcp http/1.1'), [400, 505]),
  refused('another protocol', line('POST /mcp RTSP/1.0'), [400, 505], {
    node: { answered: [200], calls: 'a', closes: true },
  }),
  refused('no version', line('POST /mcp ')),
  refused('a space behind the version', line('POST /mcp HTTP/1.1 ')),
  refused('two spaces behind the method', line('POST  /mcp HTTP/1.1'), [400], {
    node: { answered: [200, 200], calls: 'ab' },
  }),
  refused('two spaces before the version', line('POST /mcp  HTTP/1.1'), [400], {
    node: { answered: [200, 200], calls: 'ab' },
  }),
  refused('a tab for a space', line('POST\t/mcp HTTP/1.1')),
  refused('a space before the method', line(' POST /mcp HTTP/1.1')),
  refused('no method', line('/mcp HTTP/1.1')),
  refused('a method in lower case', line('post /mcp HTTP/1.1'), [400], { uws: onwards(405) }),
  refused('an unknown method', line('BREW /mcp HTTP/1.1'), [400], { uws: onwards(405) }),
  refused('a malformed method', line('PO{ST /mcp HTTP/1.1')),
  refused('a method of 5 kB', line(`${'P'.repeat(5_000)} /mcp HTTP/1.1`), [400], { uws: onwards(405) }),
  refused('a NUL in the method', line('PO\0ST /mcp HTTP/1.1')),
  refused('CONNECT', line('CONNECT 127.0.0.1:80 HTTP/1.1'), [400, 405]),
  refused('CONNECT to a path', line('CONNECT /mcp HTTP/1.1'), [400, 405]),
  refused('garbage', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'),

  refused('a prefix of the preface', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', [400, 505]),
];

const targets: readonly HttpCase[] = [
  answered('a query', target('/mcp?a=%20&b')),
  answered('another path', target('/other'), [404]),
  answered('a path with dots', target('/a/../mcp'), [404]),
  answered('two slashes', target('//mcp'), [404]),
  answered('an escaped path', target('/%6dcp'), [404]),
  answered('a path in capitals', target('/MCP'), [404]),
  answered('a slash behind', target('/mcp/'), [404]),
  answered('a semicolon behind', target('/mcp;a=b'), [404]),
  answered('an escaped NUL', target('/mcp%00'), [404]),
  answered('a backslash', target('/\\mcp'), [404]),
  answered('a target of 4 kB', target(`/${'a'.repeat(4_000)}`), [404]),
  refused('a target beyond the limit', target(`/${'a'.repeat(20_000)}`), [400, 414, 431]),
  answered('an absolute target', target('http://127.0.0.1/mcp'), [200], {
    onEngine: { uws: { refused: [400] } },
  }),
  refused('an absolute target of another host', target('http://evil.example/mcp'), [400, 403, 421]),
  refused('an absolute target of another scheme', target('ftp://127.0.0.1/mcp'), [400, 403, 421]),
  refused('an authority', target('127.0.0.1:80'), [400, 404]),
  refused('an asterisk', line('OPTIONS * HTTP/1.1'), [400, 404, 405], { node: onwards(404) }),
  refused('an asterisk with POST', target('*'), [400, 404], { node: onwards(404) }),
  refused('no slash', target('mcp'), [400, 404]),
  refused('a fragment', target('/mcp#a')),
  refused('a fragment behind a query', target('/mcp?a#b')),
  refused('a byte beyond ASCII in the query', target('/mcp?\xe9')),
  refused('a NUL in the target', target('/mcp\0')),
  refused('a control byte in the target', target('/mcp\x01')),
  refused('a delete byte in the target', target('/mcp\x7f')),
  refused('a byte beyond ASCII in the target', target('/mcp\xe9')),
  refused('a space in the target', target('/mcp a')),
  refused('a tab in the target', target('/mcp\ta')),
  refused('an empty target', line('POST  HTTP/1.1')),
];

const hosts: readonly HttpCase[] = [
  answered('a host with a port', host('Host: 127.0.0.1:1234\r\n')),
  answered('localhost', host('Host: LOCALHOST\r\n')),
  answered('an IPv6 loopback', host('Host: [::1]:80\r\n')),
  refused('no host', host('')),
  refused('an empty host', host('Host:\r\n')),
  refused('two hosts', host('Host: 127.0.0.1\r\nHost: evil.example\r\n')),
  refused('two equal hosts', host('Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n')),
  refused('a list of hosts', host('Host: 127.0.0.1, evil.example\r\n')),
  refused('a host with a space', host('Host: 127.0.0.1 evil.example\r\n'), [400]),
  refused('a host with a path', host('Host: 127.0.0.1/a\r\n'), [400]),
  refused('a host with a user', host('Host: a@127.0.0.1\r\n'), [400]),
  refused('a host with a port that is none', host('Host: 127.0.0.1:a\r\n'), [400]),
  refused('a host that is escaped', host('Host: 127.0.0.1%00.evil.example\r\n'), [400]),
  answered('another host', host('Host: evil.example\r\n'), [403]),
  answered('a host that begins like ours', host('Host: 127.0.0.1.evil.example\r\n'), [403]),
  answered('a host that ends like ours', host('Host: evil-localhost\r\n'), [403]),
];

const limits: readonly HttpCase[] = [
  answered('a field of 8 kB', field(`X: ${'y'.repeat(8_000)}`)),
  answered('80 fields', field(Array.from({ length: 80 }, (_, at) => `X-${at}: a`).join('\r\n'))),
  refused('a head beyond the limit', field(`X: ${'y'.repeat(17_000)}`), [431]),
  refused('a head of 200 kB', field(`X: ${'y'.repeat(200_000)}`), [431]),
  refused('many fields beyond the limit', field(`${`X: ${'y'.repeat(100)}\r\n`.repeat(170)}Z: a`), [431]),
  refused('101 fields', field(Array.from({ length: 101 }, (_, at) => `X-${at}: a`).join('\r\n')), [431]),
  refused('1,000 fields', field(Array.from({ length: 1_000 }, (_, at) => `X-${at}: a`).join('\r\n')), [431]),
  refused('2,000 fields without a name', field(`${':\r\n'.repeat(2_000)}X: a`), [400, 431]),
  refused('a name of 20 kB', field(`${'X'.repeat(20_000)}: a`), [431]),
];

const connections: readonly HttpCase[] = [
  ...[2, 10, 50].map((count) =>
    answered(`${count} requests at once`, good().repeat(count), new Array<number>(count).fill(200)),
  ),
  answered('a request that asks to close', field('Connection: close'), [200], { closes: true }),
  answered('a request that asks to close, and another', field('Connection: close') + marked, [200], {
    closes: true,
    onEngine: { uws: forgiven },
  }),
  answered('Close in a list and in capitals', field('Connection: x, CLOSE'), [200], {
    closes: true,
  }),
  answered('keep-alive', field('Connection: keep-alive')),
  answered('a connection field that names the length', field('Connection: content-length')),
  answered(
    'an upgrade to h2c',
    field('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk'),
  ),
  answered('an upgrade to another protocol', field('Connection: Upgrade\r\nUpgrade: IRC/6.9')),
  answered('an upgrade that the connection field does not name', field('Upgrade: websocket'), [200]),
  answered('Expect: 100-continue with the body at once', field('Expect: 100-continue')),
  refused('another expectation', field('Expect: 200-ok'), [417]),
  refused('two expectations', field('Expect: 100-continue, 200-ok'), [417]),
  answered('GET without a session', get('GET /mcp HTTP/1.1'), [405], { calls: '' }),
  answered('HEAD', get('HEAD /mcp HTTP/1.1'), [405], { isHead: true }),
  answered('a GET with a body', good({ line: 'GET /mcp HTTP/1.1' }), [405], { calls: '' }),
  answered('a DELETE with a body', good({ line: 'DELETE /mcp HTTP/1.1' }), [405], { calls: '' }),
  answered('a PUT with a body', good({ line: 'PUT /mcp HTTP/1.1' }), [405], { calls: '' }),
  answered(
    'a POST refused by its type, its body read over',
    good({ fields: '' }).replace('application/json', 'text/plain'),
    [415],
  ),
  answered(
    'a good request, then garbage',
    `${get('GET /other HTTP/1.1')}\0\0\0\r\n\r\n${marked}`,
    [404, 400],
    {
      calls: '',
      closes: true,
      onEngine: { uws: { refused: [] } },
    },
  ),
];

const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const upgrade = (more: string, path = '/mcp', host = '127.0.0.1'): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n\r\n`;

const upgrades: readonly HttpCase[] = [
  answered('an upgrade by POST', field(`Connection: Upgrade\r\nUpgrade: websocket\r\n${key}`)),
  refused('an upgrade on another path', upgrade(key, '/other'), [404]),
  refused('an upgrade from another host', upgrade(key, '/mcp', 'evil.example'), [403]),
  refused('an upgrade from a foreign page', upgrade(`Origin: http://evil.example\r\n${key}`), [403]),
  refused('an upgrade without a host', upgrade(key).replace('Host: 127.0.0.1\r\n', ''), [400]),
  refused('an upgrade with two hosts', upgrade(`Host: localhost\r\n${key}`), [400]),
  refused('an upgrade of another version', upgrade(key.replace('13', '12')), [400, 426]),
  refused('an upgrade without a version', upgrade(key.replace(/^.*\r\n/, '')), [400, 426]),
  refused('an upgrade without a key', upgrade(key.replace(/\r\n.*$/, '')), [400], { uws: onwards(405) }),
  refused('an upgrade with a short key', upgrade(key.replace('dGhl', '')), [400], { uws: onwards(405) }),
  refused('an upgrade with a body', `${upgrade(`Content-Length: 5\r\n${key}`)}hello`, [400]),
  refused('an upgrade with chunks', `${upgrade(`Transfer-Encoding: chunked\r\n${key}`)}0\r\n\r\n`, [400]),
];

export const headCases: readonly HttpCase[] = [
  ...fields,
  ...lines,
  ...targets,
  ...hosts,
  ...limits,
  ...connections,
  ...upgrades,
];
