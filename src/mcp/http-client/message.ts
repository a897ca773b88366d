/** A message as HTTP clients look at it: scanned from the frame and not parsed. */
import { EnvelopeField, EnvelopeKind, ScanVerdict } from '../../binding/constants.generated.js';
import { RingwireError } from '../../errors.js';
import type { IdText } from '../../rpc/types.js';
import {
  createScanner,
  type EnvelopeScanner,
  idText,
  methodText,
  nameText,
  rangeText,
} from '../../serialization/envelope.js';

export interface Message {
  readonly kind: (typeof EnvelopeKind)[keyof typeof EnvelopeKind];
  readonly frame: Buffer;
  /** '' in a notification. */
  readonly id: IdText;
  /** '' in a response. */
  readonly method: string;
  /** params.name, else params.uri; '' where neither is a string. */
  readonly name: string;
  /** The protocol's revision that `_meta` names; '' where it names none. */
  readonly version: string;
  /** Where the result stands in the frame, or the error of an error response; -1 where there is neither. */
  readonly resultStart: number;
  readonly resultEnd: number;
}

/** The result of a response, or the error of an error response. */
export function resultOf({ frame, resultStart, resultEnd }: Message): unknown {
  return JSON.parse(frame.toString('utf8', resultStart, resultEnd));
}

export class MessageScanner {
  readonly #scanner: EnvelopeScanner;
  readonly #record = new Int32Array(EnvelopeField.Count);

  constructor(scanner: EnvelopeScanner = createScanner()) {
    this.#scanner = scanner;
  }

  /** undefined for what is no message. */
  scan(frame: Buffer): Message | undefined {
    const record = this.#record;
    if (this.#scanner.scan(frame, record) !== ScanVerdict.Ok) return undefined;
    return {
      kind: record[EnvelopeField.Kind] as Message['kind'],
      frame,
      id: idText(frame, record),
      method: methodText(frame, record),
      name: nameText(frame, record),
      version: rangeText(frame, record, EnvelopeField.VersionStart),
      resultStart: record[EnvelopeField.ResultStart],
      resultEnd: record[EnvelopeField.ResultEnd],
    };
  }

  /** scan() of a message of our own. Throws FRAME_INVALID. */
  scanOwn(frame: Uint8Array | string): Message {
    const bytes = typeof frame === 'string' ? Buffer.from(frame) : Buffer.from(frame);
    const message = this.scan(bytes);
    if (message === undefined)
      throw new RingwireError('FRAME_INVALID', 'What is to be sent is no JSON-RPC 2.0 message.');
    return message;
  }
}

export function isReply({ kind }: Message): boolean {
  return kind === EnvelopeKind.Response || kind === EnvelopeKind.Error;
}
