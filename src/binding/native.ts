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

/** Routes messages that JavaScript collected; see native/src/route/message_batch.h. */
export interface NativeMessageBatch {
  /**
   * Fills a record of BatchField.Count int32s for each message; `messages` has MessageField.Count for each. Returns the
   * JSON text of the inputs whose record says Joined, undefined for none, or null where a message has a line break of
   * its own and nothing was routed.
   */
  route(
    arena: Uint8Array,
    length: number,
    messages: Int32Array,
    count: number,
    records: Int32Array,
  ): string | undefined | null;
  /** The ids of the batch's calls and replies as JSON text, one behind the other; ASCII. */
  ids(): string;
  setRoute(
    method: string,
    key: string,
    kind: number,
    profiles: number,
    target: number,
    wantsArguments: boolean,
    keyIsUri: boolean,
  ): void;
  removeRoute(method: string, key: string): boolean;
  /** As NativeStreamEngine's. */
  setProfiles(profiles: Int32Array): void;
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

/** Counts of a stream engine, as of now. */
export interface StreamEngineCounters {
  readonly connections: number;
  readonly callsInFlight: number;
  readonly forwardsInFlight: number;
  /** Requests answered without JavaScript. */
  readonly nativeReplies: number;
  /** Replies of upstreams under ids that nobody asked under. */
  readonly unknownReplies: number;
}

/**
 * The byte streams of this thread's loop. Connections are named by index and generation, so that a call that comes
 * late cannot reach a connection that took over the index. Statuses are 0 or negative libuv errors.
 */
export interface NativeStreamEngine {
  /** BatchField.Count int32s a record; filled when deliver() is called. */
  readonly records: ArrayBuffer;
  /** ReplyField.Count int32s a record; read by reply(). */
  readonly replies: ArrayBuffer;
  /** EngineState fields. */
  readonly state: ArrayBuffer;
  /** The bytes that the records' offsets point into, until deliver() and its microtasks are done. */
  readonly arena: ArrayBuffer;
  /** `options` is [FramingCode, maxFrameBytes, highWatermarkBytes, lowWatermarkBytes]. Returns an index or a status. */
  listenTcp(
    host: string,
    port: number,
    backlog: number,
    reusePort: boolean,
    maxConnections: number,
    options: Int32Array,
  ): number;
  listenUnix(path: string, backlog: number, maxConnections: number, options: Int32Array): number;
  connectTcp(host: string, port: number, options: Int32Array): number;
  connectUnix(path: string, options: Int32Array): number;
  /** Takes the descriptors over; equal ones make one duplex stream. */
  openFds(inFd: number, outFd: number, options: Int32Array): number;
  /** [port, fd, connections, refused], or undefined where the listener is closed. */
  listenerInfo(listener: number): [number, number, number, number] | undefined;
  closeListener(listener: number): void;
  /** 0 where no connection has the index. */
  generation(index: number): number;
  /** A SendCode. */
  send(index: number, generation: number, frame: string | Uint8Array): number;
  start(index: number, generation: number): void;
  pause(index: number, generation: number): void;
  resume(index: number, generation: number): void;
  close(index: number, generation: number): void;
  destroy(index: number, generation: number, status: number): void;
  /** ConnectionFlag bits. */
  setFlags(index: number, generation: number, flags: number): void;
  /** Sends what is queued, then ends the output alone; a Drained record tells when outputStatus() has changed. */
  endOutput(index: number, generation: number): void;
  /** Whether a failure to write ends the output alone (1), told by a Drained record, or the connection (0, the default). */
  setOutlivesOutput(index: number, generation: number, on: number): void;
  /** 0 while there is output, 1 after it ended in good order, or the negative libuv error that ended it. */
  outputStatus(index: number, generation: number): number;
  /** Bytes read so far. */
  receivedBytes(index: number, generation: number): number;
  /** `end` is the arena offset where the frame being delivered ends: the new framing holds behind it; or -1. */
  setFraming(index: number, generation: number, framing: number, end: number): void;
  pendingBytes(index: number, generation: number): number;
  connectionFd(index: number, generation: number): number;
  /** [address, port] of a TCP peer. */
  peerAddress(index: number, generation: number): [string, number] | undefined;
  /** Closes everything; every later call throws. */
  shutDown(): void;
  /** The bytes of a LargeFrame record; detached when deliver() returns. */
  takeLargeFrame(number: number): ArrayBuffer | undefined;
  /** Ends the borrow of a large frame at once: its ArrayBuffer is detached, its memory freed. */
  releaseLargeFrame(number: number): void;
  reply(text: string, count: number): void;
  /** For an answer too long for one text; false where nobody waits for it any more. Its slot is given back. */
  beginLongAnswer(slot: number, kind: number): boolean;
  /** A part of it, which must not end between the halves of a surrogate pair. */
  appendLongAnswer(text: string): void;
  endLongAnswer(): void;
  addTemplate(before: string, after: string): number;
  setRoute(
    method: string,
    key: string,
    kind: number,
    profiles: number,
    target: number,
    targetGeneration: number,
    wantsArguments: boolean,
    keyIsUri: boolean,
    reply: string,
  ): void;
  removeRoute(method: string, key: string): boolean;
  /** Four int32s a profile: flagsMask, flagsValue, connectionMask, connectionValue. */
  setProfiles(profiles: Int32Array): void;
  counters(): StreamEngineCounters;
}

/** What the kernel measured on a TCP connection. */
export interface TcpInfo {
  readonly rttMicroseconds: number;
  readonly rttVarianceMicroseconds: number;
  readonly retransmits: number;
  readonly sendWindowSegments: number;
  readonly unacknowledgedSegments: number;
  readonly lostSegments: number;
  readonly maximumSegmentBytes: number;
}

export interface Addon {
  readonly StreamEngine: new (
    deliver: (count: number, joined: string | undefined) => void,
    collect: () => void,
    maxDepth: number,
  ) => NativeStreamEngine;
  /** `option` is a SocketOption; returns a status. */
  setSocketOption(fd: number, option: number, value: number): number;
  getSocketOption(fd: number, option: number): number | undefined;
  setCongestionControl(fd: number, name: string): number;
  getCongestionControl(fd: number): string | undefined;
  tcpInfo(fd: number): TcpInfo | undefined;
  /** Two connected stream sockets, close-on-exec, or a status. */
  socketPair(): [number, number] | number;
  /** `kernel` is one of buildInfo().simdSupported, for tests; without it the best one serves. */
  readonly EnvelopeScanner: new (
    maxDepth: number,
    kernel?: string,
  ) => NativeEnvelopeScanner;
  readonly MessageBatch: new (maxDepth: number) => NativeMessageBatch;
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
  'StreamEngine',
  'getCongestionControl',
  'getSocketOption',
  'setCongestionControl',
  'setSocketOption',
  'socketPair',
  'tcpInfo',
  'buildInfo',
  'EnvelopeScanner',
  'MessageBatch',
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
