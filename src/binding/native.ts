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

/** What a system call about shared memory or descriptors came to: a RingStatus, and the errno where it is SystemError. */
export interface RingOutcome {
  readonly status: number;
  readonly errno: number;
}

/** One side's work on a ring in C++, over the memory that RingBuffer uses too. */
export interface NativeRing {
  /** A RingStatus: Ok, Full, TooLarge, Closed or Corrupt. */
  tryWrite(frame: Uint8Array): number;
  /** A copy of the next frame, or a RingStatus: Empty, Closed or Corrupt. */
  tryRead(): Buffer | number;
}

/** Watches an eventfd on the loop; keeps the process alive between start() and stop(). */
export interface RingPoll {
  start(): void;
  stop(): void;
  close(): void;
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
  /** `memory` covers a whole ring, header first. */
  readonly NativeRing: new (
    memory: Uint8Array,
  ) => NativeRing;
  readonly RingPoll: new (fd: number, signalled: () => void) => RingPoll;
  /**
   * Blocks this thread until `side` (0 reader, 1 writer) of the ring with this header is woken, its signal is no
   * longer `ticket`, or timeoutMs, at most 100, are over.
   */
  ringSleep(words: Int32Array, side: 0 | 1, ticket: number, timeoutMs: number): void;
  /** Wakes threads in ringSleep or in C++; the caller has changed the signal. */
  ringWake(words: Int32Array, side: 0 | 1): void;
  /** Writes this process into the header as that side; a RingStatus: Ok, Busy or Unsupported. */
  ringJoin(words: Int32Array, side: 0 | 1): number;
  /** Whether the process that joined as that side has ended. */
  ringPeerGone(words: Int32Array, side: 0 | 1): boolean;
  /** A sealed memory file of that many bytes; fd -1 unless status is Ok. */
  ringMemoryCreate(bytes: number): RingOutcome & { readonly fd: number };
  ringMemoryMap(fd: number): RingOutcome & { readonly buffer?: ArrayBuffer };
  ringEventCreate(): RingOutcome & { readonly fd: number };
  ringEventSignal(fd: number): void;
}

/** The names above as values, for the test that compares them with the binary. */
export const addonExports = [
  'buildInfo',
  'EnvelopeScanner',
  'decodeText',
  'encodeText',
  'escapeText',
  'NativeRing',
  'RingPoll',
  'ringSleep',
  'ringWake',
  'ringJoin',
  'ringPeerGone',
  'ringMemoryCreate',
  'ringMemoryMap',
  'ringEventCreate',
  'ringEventSignal',
] as const satisfies readonly (keyof Addon)[];
