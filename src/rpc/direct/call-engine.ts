/** What a DirectServer needs of the engine that brings it calls: the native one, or one that batches messages. */
import type { NativeStreamEngine } from '../../binding/native.js';
import type { CallHandler } from '../../transports/native/call-handler.js';

export type { CallHandler };

/** A connection whose requests a DirectServer serves. */
export interface DirectPort {
  readonly index: number;
  /** ConnectionFlag bits. */
  flags: number;
  readonly bufferedBytes: number;
  readonly highWatermarkBytes: number;
  /** Gives a frame to the generic path; `end` is where it ends in the arena, or -1. */
  frame(bytes: Buffer, end: number): void;
}

export interface CallEngine {
  /** BatchField.Count int32s a record. */
  readonly records: Int32Array;
  /** What the records' offsets point into, while their batch lasts. */
  readonly arena: Buffer;
  /** Counts batches. */
  readonly batch: number;
  /** By index. */
  readonly connections: readonly (DirectPort | undefined)[];
  /** Routes and reply templates. */
  readonly table: Pick<NativeStreamEngine, 'setRoute' | 'removeRoute' | 'setProfiles' | 'addTemplate'>;
  /** Frames that outgrew the arena; undefined where an engine delivers none. */
  readonly largeFrames: Pick<NativeStreamEngine, 'takeLargeFrame' | 'releaseLargeFrame'> | undefined;
  serveCalls(handler: CallHandler): void;
  /** Has the handler's collect() run before the loop waits next. */
  requestCollect(): void;
  close(): void;
}

/** Where answers go. */
export interface Replies {
  /** So much was handed over since this was last set to false that a connection may have its fill. */
  isHeavy: boolean;
  /** `kind` is a ReplyKind or the number of a template; see there what the text must be. */
  add(slot: number, kind: number, text: string): void;
  /** Gives the slot back without an answer. */
  drop(slot: number): void;
  flush(): void;
}
