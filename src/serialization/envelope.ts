/**
 * Reading frames by their envelope: a scan validates a frame and fills a record with byte ranges; the helpers here
 * turn a range into text, and only the ranges that somebody asks for. See docs/envelope.md.
 */
import { addon, requireAddon } from '../binding/addon.js';
import { EnvelopeField, EnvelopeFlag } from '../binding/constants.generated.js';
import { RingwireError } from '../errors.js';
import { maxDepth as defaultMaxDepth, maxDepthLimit } from '../limits.js';
import { TwinEnvelopeScanner } from './envelope-scanner.js';

export interface ScannerOptions {
  /** Levels of nested arrays and objects, 1 to maxDepthLimit of src/limits.ts; default its maxDepth. */
  readonly maxDepth?: number;
  /** 'auto' (default) takes native code where the addon loaded, else the TypeScript twin. */
  readonly implementation?: 'auto' | 'native' | 'twin';
}

/** Scans frames; one scanner serves any number of connections. Both implementations decide identically. */
export interface EnvelopeScanner {
  /**
   * Fills `record` (an Int32Array of EnvelopeField.Count elements or more, laid out as EnvelopeField says) and
   * returns the ScanVerdict: Ok, or why the frame is no message.
   */
  scan(frame: Uint8Array, record: Int32Array): number;
  /**
   * Scans the lines that end within the first `length` bytes of `buffer`, as many as `records` has room for, with
   * offsets into `buffer`. Returns the number of records filled; the bytes used end at the newline that stands at
   * the last record's FrameEnd.
   */
  scanLines(buffer: Uint8Array, length: number, records: Int32Array): number;
}

/** Throws CONFIG_INVALID for a bad depth, ADDON_UNAVAILABLE where 'native' is asked for and cannot be had. */
export function createScanner(options: ScannerOptions = {}): EnvelopeScanner {
  const { maxDepth = defaultMaxDepth, implementation = 'auto' } = options;
  if (!Number.isInteger(maxDepth) || maxDepth < 1 || maxDepth > maxDepthLimit) {
    throw new RingwireError(
      'CONFIG_INVALID',
      `"maxDepth" must be an integer between 1 and ${maxDepthLimit}, not ${String(maxDepth)}.`,
    );
  }
  const native =
    implementation === 'native' ? requireAddon() : implementation === 'auto' ? addon() : undefined;
  return native === undefined ? new TwinEnvelopeScanner(maxDepth) : new native.EnvelopeScanner(maxDepth);
}

/** The text of the range whose start stands at record[field], as it stands in the frame; '' where there is none. */
export function rangeText(frame: Buffer, record: Int32Array, field: number): string {
  const start = record[field];
  if (start < 0) return '';
  // latin1 is the cheaper decoding, and the same text where every byte is ASCII.
  const encoding = (record[EnvelopeField.Flags] & EnvelopeFlag.Ascii) === 0 ? 'utf8' : 'latin1';
  return frame.toString(encoding, start, record[field + 1]);
}

/** A string's inside with its escapes resolved. */
function plainText(frame: Buffer, record: Int32Array, field: number, escapedFlag: number): string {
  const text = rangeText(frame, record, field);
  return (record[EnvelopeField.Flags] & escapedFlag) === 0 ? text : (JSON.parse(`"${text}"`) as string);
}

/** The id as JSON text, quotes included, byte for byte as sent; '' where there is none. */
export function idText(frame: Buffer, record: Int32Array): string {
  return rangeText(frame, record, EnvelopeField.IdStart);
}

/** The method; '' in a response. */
export function methodText(frame: Buffer, record: Int32Array): string {
  return plainText(frame, record, EnvelopeField.MethodStart, EnvelopeFlag.MethodEscaped);
}

/** params.name, else params.uri; '' where neither is a string. */
export function nameText(frame: Buffer, record: Int32Array): string {
  return plainText(frame, record, EnvelopeField.NameStart, EnvelopeFlag.NameEscaped);
}
