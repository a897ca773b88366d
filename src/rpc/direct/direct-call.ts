/**
 * The context of a call that an engine delivered. It is a few numbers until a handler asks for more: then a
 * ServedCall is made from the bytes that still lie in the receive arena.
 */
import { BatchField, EnvelopeFlag } from '../../binding/constants.generated.js';
import type { CallTimer } from '../../observability/call-meter.js';
import type { PeerInfo } from '../../transports/transport.js';
import type { Peer } from '../peer.js';
import { CallState, ServedCall } from '../served-call.js';
import type { AuthInfo, CallContext, IdText, LogLevel, TraceContext } from '../types.js';
import type { CallEngine } from './call-engine.js';

/** What a DirectCall needs of the server that made it. */
export interface DirectCallOwner {
  readonly engine: CallEngine;
  /** The call was cancelled, met its deadline or lost its connection: its slot is free. */
  abandon(call: DirectCall): void;
}

/** A ServedCall that gives its native slot back when it is aborted, since its handler may never end. */
class SlottedCall extends ServedCall {
  readonly #direct: DirectCall;

  constructor(direct: DirectCall, id: IdText | undefined, meta: () => Record<string, unknown> | undefined) {
    super(direct.connection, direct.method, id, meta);
    this.#direct = direct;
  }

  override abort(reason: unknown): void {
    super.abort(reason);
    this.#direct.owner.abandon(this.#direct);
  }
}

export class DirectCall implements CallContext {
  readonly owner: DirectCallOwner;
  readonly connection: Peer;
  readonly method: string;
  /** Number of the request profile that matched. */
  readonly profile: number;
  /** Where the answer goes; -1 once it was given or abandoned. */
  slot: number;
  /** For the handler that serves the call. */
  attachment: unknown = undefined;
  /** Where it is one that a CallMeter times. */
  timer: CallTimer | undefined = undefined;
  readonly #base: number;
  readonly #batch: number;
  #served: ServedCall | undefined = undefined;

  constructor(owner: DirectCallOwner, connection: Peer, method: string, base: number) {
    const { records } = owner.engine;
    this.owner = owner;
    this.connection = connection;
    this.method = method;
    this.profile = records[base + BatchField.Profile];
    this.slot = records[base + BatchField.Slot];
    this.#base = base;
    // The bytes of a call are in the arena only during its own batch.
    this.#batch = owner.engine.batch;
  }

  /** The call as the generic path knows it. */
  get served(): ServedCall {
    this.#served ??= this.#materialise();
    return this.#served;
  }

  /** Whether the Peer looks after the call. */
  get isTracked(): boolean {
    return this.#served?.tracked === true;
  }

  /** The answer was given. */
  finish(): void {
    this.slot = -1;
    if (this.#served !== undefined) this.#served.state = CallState.Settled;
  }

  /** Reads what a later reader may want while the bytes are there: for calls that outlive their batch. */
  keep(): ServedCall {
    const { served } = this;
    void served.meta;
    return served;
  }

  get id(): IdText | undefined {
    return this.served.id;
  }
  get signal(): AbortSignal {
    return this.served.signal;
  }
  get deadline(): number {
    return this.served.deadline;
  }
  get peer(): PeerInfo {
    return this.connection.transport.peer;
  }
  get auth(): AuthInfo | undefined {
    return this.connection.auth;
  }
  get trace(): TraceContext | undefined {
    return this.served.trace;
  }
  get meta(): Readonly<Record<string, unknown>> | undefined {
    return this.served.meta;
  }
  progress(progress: number, total?: number, message?: string): void {
    this.served.progress(progress, total, message);
  }
  log(level: LogLevel, data: unknown, logger?: string): void {
    this.served.log(level, data, logger);
  }
  extendDeadline(timeoutMs: number): void {
    this.served.extendDeadline(timeoutMs);
  }

  #materialise(): ServedCall {
    if (this.owner.engine.batch !== this.#batch) {
      // A handler that has answered kept its context: nothing can come of it any more.
      const over = new ServedCall(this.connection, this.method, undefined, undefined);
      over.state = CallState.Settled;
      return over;
    }
    const { arena } = this.owner.engine;
    return new SlottedCall(this, this.#text(arena, BatchField.IdStart), () => this.#meta(arena));
  }

  /** Reads from the large frame that brought the call what is wanted of it later: it will be gone. */
  keepFrom(frame: Buffer): void {
    const meta = this.#meta(frame);
    this.#served = new SlottedCall(this, this.#text(frame, BatchField.IdStart), () => meta);
  }

  #meta(bytes: Buffer): Record<string, unknown> | undefined {
    const text = this.#text(bytes, BatchField.MetaStart);
    return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
  }

  /** The text of a range of the record; the field after it holds its end. */
  #text(bytes: Buffer, field: number): string | undefined {
    const { records } = this.owner.engine;
    const start = records[this.#base + field];
    if (start < 0) return undefined;
    const isAscii = (records[this.#base + BatchField.Flags] & EnvelopeFlag.Ascii) !== 0;
    return bytes.toString(isAscii ? 'latin1' : 'utf8', start, records[this.#base + field + 1]);
  }
}
