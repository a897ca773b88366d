/**
 * Where the scanner's verdict on the JSON of a frame is meant to differ from JSON.parse(frame.toString()), and where
 * it may surprise although it does not. docs/envelope.md shows the same rows; the test holds both to it.
 */
import type { ScanVerdict } from '../../src/binding/constants.generated.js';

export interface Difference {
  readonly what: string;
  readonly frame: Buffer;
  /** Whether JSON.parse takes the frame decoded by Buffer.toString. */
  readonly jsonParse: 'accepts' | 'refuses';
  readonly verdict: keyof typeof ScanVerdict;
  readonly reason: string;
}

const message = (body: string) => Buffer.from(`{"jsonrpc":"2.0","id":1,${body}}`);
const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;

export const differences: readonly Difference[] = [
  {
    what: 'nesting beyond maxDepth (64)',
    frame: message(`"result":${nested(64)}`),
    jsonParse: 'accepts',
    verdict: 'TooDeep',
    reason: 'JSON.parse of millions of brackets blocks the process for seconds',
  },
  {
    what: 'invalid UTF-8 inside a string',
    frame: Buffer.from([...message('"result":"x"')].map((byte) => (byte === 0x78 ? 0xff : byte))),
    jsonParse: 'accepts',
    verdict: 'InvalidUtf8',
    reason: 'a decoder would replace the bytes silently; RFC 8259 section 8.1 asks for UTF-8',
  },
  {
    what: 'a key of the envelope twice',
    frame: message('"result":1,"id":2'),
    jsonParse: 'accepts',
    verdict: 'DuplicateKey',
    reason: 'JSON.parse takes the last, others the first: two readers would see two messages',
  },
  {
    what: 'a key of the envelope twice, once escaped',
    frame: message('"result":1,"\\u0069d":2'),
    jsonParse: 'accepts',
    verdict: 'DuplicateKey',
    reason: 'an escaped key is the same key',
  },
  {
    what: 'params.name or a key of _meta that is read, twice',
    frame: message('"method":"tools/call","params":{"name":"a","name":"b"}'),
    jsonParse: 'accepts',
    verdict: 'DuplicateKey',
    reason: 'what is routed and authorized must be what is called',
  },
  {
    what: 'any other key twice',
    frame: message('"result":{"a":1,"a":2}'),
    jsonParse: 'accepts',
    verdict: 'Ok',
    reason: 'no difference: whoever reads the value decides, and that is JSON.parse',
  },
  {
    what: 'a byte order mark before the message',
    frame: Buffer.from(`\ufeff${message('"result":1')}`),
    jsonParse: 'refuses',
    verdict: 'InvalidJson',
    reason: 'no difference to JSON.parse, but to decoders that drop the mark',
  },
  {
    what: 'a lone surrogate as an escape',
    frame: message('"result":"\\ud800"'),
    jsonParse: 'accepts',
    verdict: 'Ok',
    reason: 'no difference to JSON.parse, but to stricter parsers',
  },
  {
    what: 'a number beyond the range of a double',
    frame: message('"result":1e400'),
    jsonParse: 'accepts',
    verdict: 'Ok',
    reason: 'no difference to JSON.parse, which reads Infinity',
  },
  {
    what: 'an id with a fraction or an exponent',
    frame: Buffer.from('{"jsonrpc":"2.0","id":1.0,"result":1}'),
    jsonParse: 'accepts',
    verdict: 'InvalidId',
    reason: 'MCP asks for a string or an integer; 1.0 and 1 would be one id to some peers and two to others',
  },
  {
    what: 'a null id outside an error response',
    frame: Buffer.from('{"jsonrpc":"2.0","id":null,"method":"ping"}'),
    jsonParse: 'accepts',
    verdict: 'InvalidId',
    reason: 'MCP forbids it; JSON-RPC keeps it for errors whose request could not be read',
  },
];
