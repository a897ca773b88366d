/** What a frame that is no message is answered with (https://www.jsonrpc.org/specification#error_object). */
import { ScanVerdict } from '../binding/constants.generated.js';
import { RingwireError, RpcErrorCode } from '../errors.js';

const { ParseError, InvalidRequest } = RpcErrorCode;

const table: Record<number, readonly [code: number, message: string]> = {
  [ScanVerdict.Empty]: [ParseError, 'Parse error: the frame is empty'],
  [ScanVerdict.InvalidUtf8]: [ParseError, 'Parse error: the frame is not valid UTF-8'],
  [ScanVerdict.InvalidJson]: [ParseError, 'Parse error: the frame is not one JSON document'],
  [ScanVerdict.TooDeep]: [InvalidRequest, 'Invalid Request: arrays and objects are nested too deeply'],
  [ScanVerdict.BatchArray]: [InvalidRequest, 'Invalid Request: batches are not served here'],
  [ScanVerdict.NotAnObject]: [InvalidRequest, 'Invalid Request: a message must be an object'],
  [ScanVerdict.DuplicateKey]: [InvalidRequest, 'Invalid Request: a key appears twice'],
  [ScanVerdict.VersionMissing]: [InvalidRequest, 'Invalid Request: "jsonrpc" must be "2.0"'],
  [ScanVerdict.InvalidId]: [InvalidRequest, 'Invalid Request: "id" must be a string or an integer'],
  [ScanVerdict.InvalidMethod]: [InvalidRequest, 'Invalid Request: "method" must be a string'],
  [ScanVerdict.InvalidParams]: [InvalidRequest, 'Invalid Request: "params" must be an object or an array'],
  [ScanVerdict.InvalidShape]: [
    InvalidRequest,
    'Invalid Request: neither a request nor a notification nor a response',
  ],
};

export interface Refusal {
  readonly code: number;
  readonly message: string;
}

/** errorOffset is where the scan stopped, in bytes from the start of the frame. */
export function refusalOf(verdict: number, errorOffset: number): Refusal {
  const [code, message] = table[verdict] ?? [InvalidRequest, 'Invalid Request'];
  return { code, message: errorOffset > 0 ? `${message} (at byte ${errorOffset})` : message };
}

export function refusalError(refusal: Refusal): RingwireError {
  return new RingwireError('FRAME_INVALID', refusal.message);
}
