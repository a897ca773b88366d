/** Where a body ends: what two parsers read differently is how requests are smuggled (RFC 9112, section 11.2). */
import {
  answered,
  body,
  chunked,
  chunkedCoding,
  chunks,
  forgiven,
  good,
  type HttpCase,
  length,
  marked,
  refused,
} from './http-case.js';

const own = `Content-Length: ${length}\r\n`;
const withLength = (framing: string, rest = body): string => good({ framing, body: rest });
/** Long enough for the hidden request behind the call. */
const both = length + marked.length;

/** Nothing is called, and the connection ends. */
const none = { closes: true, calls: '' } as const;

const lengths: readonly HttpCase[] = [
  answered('one length', good()),
  answered('a length with leading zeros', withLength(`Content-Length: 000${length}\r\n`)),
  answered('a length with spaces around', withLength(`Content-Length:   ${length}  \r\n`)),
  refused('a length with tabs around', withLength(`Content-Length: \t${length}\t\r\n`), [400], {
    uws: { answered: [200, 200], calls: 'ab' },
  }),
  refused('a length behind a byte beyond ASCII', withLength(`Content-Length: \xc3${length}\r\n`), [400], {
    uws: { answered: [200, 200], calls: 'ab' },
  }),
  refused('two equal lengths', withLength(own + own)),
  refused('two different lengths', withLength(`${own}Content-Length: ${both}\r\n`, body + marked)),
  refused(
    'two different lengths, the longer first',
    withLength(`Content-Length: ${both}\r\n${own}`, body + marked),
  ),
  refused('0 and a length', withLength(`Content-Length: 0\r\n${own}`, marked)),
  refused('a length and 0', withLength(`${own}Content-Length: 0\r\n`, body)),
  refused(
    'an empty length and another',
    withLength(`Content-Length:\r\nContent-Length: ${marked.length}\r\n`, marked),
  ),
  refused('a length and an empty one', withLength(`${own}Content-Length: \r\n`)),
  refused('three lengths', withLength(own + own + own)),
  refused(
    'two lengths in other cases',
    withLength(`content-length: ${length}\r\nCONTENT-LENGTH: ${both}\r\n`),
  ),
  refused('a list of equal lengths', withLength(`Content-Length: ${length}, ${length}\r\n`)),
  refused('a list of lengths', withLength(`Content-Length: ${length},${both}\r\n`)),
  refused('a list with an empty element', withLength(`Content-Length: ,${length}\r\n`)),
  refused('a list that ends in a comma', withLength(`Content-Length: ${length},\r\n`)),
  refused('a length with a plus', withLength(`Content-Length: +${length}\r\n`)),
  refused('a negative length', withLength('Content-Length: -1\r\n')),
  refused('minus zero', withLength('Content-Length: -0\r\n', marked)),
  refused('a length in hexadecimal', withLength(`Content-Length: 0x${length.toString(16)}\r\n`)),
  refused('a length in octal notation', withLength(`Content-Length: 0o${length.toString(8)}\r\n`)),
  refused('a length with an exponent', withLength('Content-Length: 1e3\r\n')),
  refused('a length with a fraction', withLength(`Content-Length: ${length}.0\r\n`)),
  refused('a length with an underscore', withLength(`Content-Length: 1_0\r\n`)),
  refused('a length with white space inside', withLength(`Content-Length: ${length} 0\r\n`)),
  refused('a length with text behind', withLength(`Content-Length: ${length}a\r\n`)),
  refused('a length in quotes', withLength(`Content-Length: "${length}"\r\n`)),
  refused('a length with a parameter', withLength(`Content-Length: ${length};a=b\r\n`)),
  refused('an empty length', withLength('Content-Length:\r\n', marked)),
  refused('a length of white space', withLength('Content-Length:  \t\r\n', marked)),
  refused('no number', withLength('Content-Length: many\r\n')),
  refused('a length of 2^64 and more', withLength(`Content-Length: ${(1n << 64n) + BigInt(length)}\r\n`)),
  refused('a length of 2^63', withLength(`Content-Length: ${1n << 63n}\r\n`), [400, 413]),
  refused('a length of 2^32 and more', withLength(`Content-Length: ${2 ** 32 + length}\r\n`), [413]),
  refused('a length of 30 digits', withLength(`Content-Length: ${'9'.repeat(30)}\r\n`)),
  refused('a length in digits of another script', withLength('Content-Length: \xb2\xb3\r\n')),
  refused('a form feed before the length', withLength(`Content-Length: \f${length}\r\n`)),
  refused('a vertical tab before the length', withLength(`Content-Length: \v${length}\r\n`)),
  refused('white space before the colon of the length', withLength(`Content-Length : ${length}\r\n`)),
  refused('a tab before the colon of the length', withLength(`Content-Length\t: ${length}\r\n`)),
  refused('a folded length', withLength(`Content-Length:\r\n ${length}\r\n`)),
  refused('a length that goes on in the next line', withLength(`Content-Length: 0\r\n ${length}\r\n`)),
  answered('no length, and a body', good({ framing: '' }) + marked, [400, 400], {
    ...none,
    onEngine: { uws: { refused: [] } },
  }),
  answered(
    'a body that is longer than its length',
    good({ framing: 'Content-Length: 5\r\n' }) + marked,
    [400, 400],
    none,
  ),
];

/** uWebSockets.js knows letters, digits and hyphens in names. */
const unnamed = { onEngine: { uws: { refused: [] } } } as const;

const codings: readonly HttpCase[] = [
  answered('chunked', chunks(chunked), [200], {
    onEngine: { uws: { answered: [200], calls: 'a', closes: true } },
  }),
  answered('Chunked', chunks(chunked, 'Transfer-Encoding: Chunked\r\n'), [200], {
    onEngine: { uws: { answered: [200], calls: 'a', closes: true } },
  }),
  refused('a length, then chunked', chunks(chunked, own + chunkedCoding)),
  refused('chunked, then a length', chunks(chunked, chunkedCoding + own)),
  refused('a length of 0, then chunked', chunks(chunked, `Content-Length: 0\r\n${chunkedCoding}`)),
  refused(
    'a length that hides a request behind the last chunk',
    chunks(`0\r\n\r\n${marked}`, `Content-Length: ${5 + marked.length}\r\n${chunkedCoding}`),
  ),
  refused(
    'chunked whose hidden request the length leaves out',
    chunks(`${chunked}${marked}`, `${chunkedCoding}Content-Length: 4\r\n`),
  ),
  refused('chunked twice', chunks(chunked, chunkedCoding + chunkedCoding)),
  refused('chunked, chunked', chunks(chunked, 'Transfer-Encoding: chunked, chunked\r\n')),
  refused('identity', chunks(body, `Transfer-Encoding: identity\r\n`)),
  refused('identity beside a length', withLength(`Transfer-Encoding: identity\r\n${own}`)),
  refused('identity, then chunked', chunks(chunked, `Transfer-Encoding: identity\r\n${chunkedCoding}`)),
  refused('chunked, then identity', chunks(chunked, `${chunkedCoding}Transfer-Encoding: identity\r\n`)),
  refused('chunked, identity', chunks(chunked, 'Transfer-Encoding: chunked, identity\r\n')),
  refused('identity, chunked', chunks(chunked, 'Transfer-Encoding: identity, chunked\r\n')),
  refused('gzip', chunks(chunked, 'Transfer-Encoding: gzip\r\n')),
  refused('gzip, chunked', chunks(chunked, 'Transfer-Encoding: gzip, chunked\r\n')),
  refused('xchunked', chunks(chunked, 'Transfer-Encoding: xchunked\r\n')),
  refused('chunkedx', chunks(chunked, 'Transfer-Encoding: chunkedx\r\n')),
  refused('xchunked beside a length', withLength(`Transfer-Encoding: xchunked\r\n${own}`)),
  refused('x-chunked and a length', withLength(`${own}Transfer-Encoding: x\r\n`)),
  refused('chunked in quotes', chunks(chunked, 'Transfer-Encoding: "chunked"\r\n')),
  refused('chunked with a parameter', chunks(chunked, 'Transfer-Encoding: chunked;a=b\r\n')),
  refused('chunked behind a comma', chunks(chunked, 'Transfer-Encoding: ,chunked\r\n')),
  refused('chunked before a comma', chunks(chunked, 'Transfer-Encoding: chunked,\r\n')),
  answered('chunked behind a tab', chunks(chunked, 'Transfer-Encoding:\tchunked\r\n'), [200], {
    onEngine: { uws: { answered: [200], calls: 'a', closes: true } },
  }),
  refused('chunked behind a vertical tab', chunks(chunked, 'Transfer-Encoding: \vchunked\r\n')),
  refused('chunked behind a form feed', chunks(chunked, 'Transfer-Encoding: \fchunked\r\n')),
  refused('chunked before a NUL', chunks(chunked, 'Transfer-Encoding: chunked\0\r\n')),
  refused('chunked behind a byte of UTF-8', chunks(chunked, 'Transfer-Encoding: \xc3chunked\r\n'), [400], {
    uws: forgiven,
  }),
  refused('an empty coding beside a length', withLength(`Transfer-Encoding:\r\n${own}`)),
  refused('an empty coding', chunks(chunked, 'Transfer-Encoding:\r\n')),
  refused('white space before the colon of the coding', chunks(chunked, 'Transfer-Encoding : chunked\r\n')),
  refused(
    'white space before the colon of the coding, beside a length',
    withLength(`Transfer-Encoding : chunked\r\n${own}`),
  ),
  refused('a folded coding', chunks(chunked, 'Transfer-Encoding:\r\n chunked\r\n')),
  refused('a coding that a bare line feed hides', withLength(`X: a\nTransfer-Encoding: chunked\r\n${own}`)),
  refused(
    'a coding that a bare carriage return hides',
    withLength(`X: a\rTransfer-Encoding: chunked\r\n${own}`),
  ),
  refused('a name that begins with white space', withLength(` Transfer-Encoding: chunked\r\n${own}`)),
  refused(
    'a coding of HTTP/1.0',
    good({ line: 'POST /mcp HTTP/1.0', framing: chunkedCoding, body: chunked }),
    [400, 505],
  ),
  refused(
    'both framings on HTTP/1.0',
    good({ line: 'POST /mcp HTTP/1.0', framing: own + chunkedCoding, body: chunked }),
    [400, 505],
  ),
  answered(
    'a name that only looks like the length',
    withLength(`Content_Length: 5\r\n${own}`),
    [200],
    unnamed,
  ),
  answered(
    'a name that only looks like the coding',
    withLength(`Transfer_Encoding: chunked\r\n${own}`),
    [200],
    unnamed,
  ),
];

const size = length.toString(16);
const closing = { onEngine: { uws: { answered: [200], calls: 'a', closes: true } } } as const;
const bodies: readonly HttpCase[] = [
  answered(
    'two chunks',
    chunks(`1\r\n${body[0]}\r\n${(length - 1).toString(16)}\r\n${body.slice(1)}\r\n0\r\n\r\n`),
    [200],
    closing,
  ),
  answered(
    'a size in capitals with leading zeros',
    chunks(`000${size.toUpperCase()}\r\n${body}\r\n0\r\n\r\n`),
    [200],
    closing,
  ),
  refused('a size with a plus', chunks(`+${size}\r\n${body}\r\n0\r\n\r\n`)),
  refused('a negative size', chunks(`-1\r\n${body}\r\n0\r\n\r\n`)),
  refused('a size with 0x', chunks(`0x${size}\r\n${body}\r\n0\r\n\r\n`)),
  refused('a space before the size', chunks(` ${size}\r\n${body}\r\n0\r\n\r\n`)),
  refused('an underscore in the size', chunks(`1_0\r\n${body}\r\n0\r\n\r\n`)),
  refused('an empty size', chunks(`\r\n${body}\r\n0\r\n\r\n`)),
  refused('a size that is no number', chunks(`zz\r\n${body}\r\n0\r\n\r\n`)),
  refused('a size of 2^64 and more', chunks(`1${size.padStart(16, '0')}\r\n${body}\r\n0\r\n\r\n`)),
  refused('a size of 2^32 and more', chunks(`1${size.padStart(8, '0')}\r\n${body}\r\n0\r\n\r\n`), [408]),
  refused('a size of 40 digits', chunks(`${'f'.repeat(40)}\r\n${body}\r\n0\r\n\r\n`)),
  refused('no line end behind the data', chunks(`${size}\r\n${body}0\r\n\r\n`), [400], { uws: forgiven }),
  refused('more data than the size', chunks(`${size}\r\n${body}x\r\n0\r\n\r\n`), [400], { uws: forgiven }),
  refused('a line feed alone behind the size', chunks(`${size}\n${body}\r\n0\r\n\r\n`), [400], {
    uws: forgiven,
  }),
  refused('a line feed alone behind the data', chunks(`${size}\r\n${body}\n0\r\n\r\n`), [400], {
    uws: forgiven,
  }),
  refused('a carriage return alone behind the size', chunks(`${size}\r${body}\r\n0\r\n\r\n`)),
  refused('another byte behind the carriage return of the size', chunks(`${size}\rX${body}\r\n0\r\n\r\n`)),
  refused('two other bytes for the line end of the data', chunks(`${size}\r\n${body}XX0\r\n\r\n`), [400], {
    uws: forgiven,
  }),
  refused('a line feed alone behind the last chunk', chunks(`${size}\r\n${body}\r\n0\n\n`), [400], {
    uws: forgiven,
  }),
  refused('an extension with a bare line feed', chunks(`${size};a\n${body}\r\n0\r\n\r\n`), [400], {
    uws: { refused: [408] },
  }),
  refused('an extension with a NUL', chunks(`${size};a=\0\r\n${body}\r\n0\r\n\r\n`), [400], {
    uws: { refused: [408] },
  }),
  refused('a size and white space', chunks(`${size} \r\n${body}\r\n0\r\n\r\n`), [400], { uws: forgiven }),
  refused('a size and two numbers', chunks(`${size} 5\r\n${body}\r\n0\r\n\r\n`), [400], { uws: forgiven }),
  answered('an extension', chunks(`${size};a=b\r\n${body}\r\n0\r\n\r\n`), [200], {
    onEngine: { uws: { refused: [408] } },
  }),
  refused(
    'extensions of 20 kB',
    chunks(`${size};a=${'b'.repeat(20_000)}\r\n${body}\r\n0\r\n\r\n`),
    [400, 413],
  ),
  answered('a trailer', chunks(`${size}\r\n${body}\r\n0\r\nX-Check: 1\r\n\r\n`), [200], {
    onEngine: { uws: forgiven },
  }),
  refused('a trailer without a colon', chunks(`${size}\r\n${body}\r\n0\r\nX-Check\r\n\r\n`), [400], {
    uws: forgiven,
  }),
  refused('a trailer with a bare line feed', chunks(`${size}\r\n${body}\r\n0\r\nX: a\nY: b\r\n\r\n`), [400], {
    uws: forgiven,
  }),
  refused(
    'trailers of 40 kB',
    chunks(`${size}\r\n${body}\r\n0\r\n${`X: ${'y'.repeat(100)}\r\n`.repeat(400)}\r\n`),
    [400, 431],
    { uws: forgiven },
  ),
];

export const framingCases: readonly HttpCase[] = [...lengths, ...codings, ...bodies];
