/** The types of everything the addon exports; test/unit/binding.test.ts compares the names with the binary. */

export interface BuildInfo {
  /** The simdjson kernel chosen for this CPU, for instance 'haswell' or 'icelake'. */
  readonly simd: string;
  readonly simdSupported: readonly string[];
  readonly simdjson: string;
  /** The Node-API version the binary asks for. */
  readonly napi: number;
  readonly compiler?: string;
  readonly sanitizer?: string;
}

/** Scans frames for their JSON-RPC envelope; a record is EnvelopeField.Count int32s. */
export interface NativeEnvelopeScanner {
  /** Fills the record and returns the ScanVerdict. */
  scan(frame: Uint8Array, record: Int32Array): number;
  /**
   * Scans the lines that end within the first `length` bytes, as many as `records` has room for; offsets are into
   * the buffer. Returns the number of records filled.
   */
  scanLines(buffer: Uint8Array, length: number, records: Int32Array): number;
}

export interface Addon {
  /** `kernel` is one of buildInfo().simdSupported, for tests; without it the best one serves. */
  readonly EnvelopeScanner: new (
    maxDepth: number,
    kernel?: string,
  ) => NativeEnvelopeScanner;
  /** The inside of JSON.stringify(text) as UTF-8; with latin1 through the encoder for one-byte strings. */
  escapeText(text: string, latin1?: boolean): Buffer;
  /** The text as UTF-8, like Buffer.from. */
  encodeText(text: string, latin1?: boolean): Buffer;
  /** The text of valid UTF-8. */
  decodeText(bytes: Uint8Array): string;
  buildInfo(): BuildInfo;
}

/** The names above as values, for the test that compares them with the binary. */
export const addonExports = [
  'buildInfo',
  'EnvelopeScanner',
  'decodeText',
  'encodeText',
  'escapeText',
] as const satisfies readonly (keyof Addon)[];
