/** Batch arrays, which 2025-03-26 alone has: each element goes where it would go by itself. */
import { EnvelopeField, EnvelopeKind, ScanVerdict } from '../../../binding/constants.generated.js';
import { maxBatchMessages } from '../../../limits.js';
import { elementRanges } from '../../../rpc/batch-split.js';
import type { EnvelopeScanner } from '../../../serialization/envelope.js';
import type { HttpExchange } from '../../../transports/http/http-server.js';
import { deliver } from './deliver.js';
import type { HttpSession } from './http-session.js';

const arrayStart = 0x5b;

export function isArray(body: Buffer): boolean {
  for (const byte of body) if (byte > 0x20) return byte === arrayStart;
  return false;
}

/**
 * Serves the requests of an array as one call, and what is no JSON-RPC with them, for it is answered, too.
 * Notifications and replies take their own ways. 202 where nothing is to be answered.
 */
export function serveBatch(
  session: HttpSession,
  exchange: HttpExchange,
  body: Buffer,
  scanner: EnvelopeScanner,
  most = maxBatchMessages,
): void {
  // The ranges are undefined where there are too many, and the Peer refuses them as a whole then.
  const ranges = elementRanges(body, most);
  if (ranges === undefined || ranges.length === 0) {
    session.call(exchange, body);
    return;
  }
  const record = new Int32Array(EnvelopeField.Count);
  const requests: Buffer[] = [];
  const others: Buffer[] = [];
  for (let index = 0; index < ranges.length; index += 2) {
    const element = body.subarray(ranges[index], ranges[index + 1]);
    const isValid = scanner.scan(element, record) === ScanVerdict.Ok;
    if (isValid && record[EnvelopeField.Kind] !== EnvelopeKind.Request) others.push(element);
    else requests.push(element);
  }
  for (const element of others) {
    scanner.scan(element, record);
    deliver(session, element, record);
  }
  if (requests.length === 0) exchange.respond(202, []);
  else session.call(exchange, others.length === 0 ? body : joined(requests));
}

function joined(elements: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  for (const element of elements) parts.push(Buffer.from(parts.length === 0 ? '[' : ','), element);
  return Buffer.concat([...parts, Buffer.from(']')]);
}
