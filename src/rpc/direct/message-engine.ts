/**
 * Brings the calls of many connections that deliver one message at a time to a DirectServer, as the native engine does
 * for byte streams: the messages of a turn are copied behind one another, scanned in one call, and their inputs parsed
 * by one JSON.parse.
 *
 *     message ─► arena ─┐
 *     message ─► arena ─┤ setImmediate: scanLines ─► route ─► one JSON.parse ─► calls, in order of arrival
 *     message ─► arena ─┘                          └► reply, or the generic path
 */
import {
  BatchField,
  BatchKind,
  ConnectionFlag,
  EnvelopeField,
  EnvelopeFlag,
  EnvelopeKind,
  RouteCode,
  ScanVerdict,
} from '../../binding/constants.generated.js';
import type { EnvelopeScanner } from '../../serialization/envelope.js';
import { throwLater } from '../../transports/native/engine.js';
import type { Transport } from '../../transports/transport.js';
import { BatchedTransport } from './batched-transport.js';
import type { CallEngine, CallHandler } from './call-engine.js';
import type { CallTable } from './call-table.js';
import type { MessageReplies } from './message-replies.js';

/** Messages of one batch. */
const maxMessages = 1024;
/** A longer message gains nothing from company, and takes the generic path. */
const maxBatchedBytes = 16 * 1024;
/** The arena grows to this; a turn that brings more is served in several batches. */
const maxArenaBytes = 1024 * 1024;
const firstArenaBytes = 64 * 1024;

const escaped = EnvelopeFlag.MethodEscaped | EnvelopeFlag.NameEscaped;
const newline = 0x0a;

export class MessageEngine implements CallEngine {
  readonly records = new Int32Array(maxMessages * BatchField.Count);
  readonly connections: (BatchedTransport | undefined)[] = [];
  readonly table: CallTable;
  readonly largeFrames = undefined;
  arena: Buffer = Buffer.allocUnsafeSlow(firstArenaBytes);
  batch = 0;
  readonly #scanner: EnvelopeScanner;
  readonly #replies: MessageReplies;
  readonly #envelopes = new Int32Array(maxMessages * EnvelopeField.Count);
  readonly #free: number[] = [];
  /** Whose the messages of the arena are, and where each ends. */
  readonly #owners: BatchedTransport[] = [];
  readonly #ends: number[] = [];
  readonly #touched = new Set<BatchedTransport>();
  #length = 0;
  #calls: CallHandler | undefined;
  #isScheduled = false;
  #isFlushing = false;
  /** Messages that came while a batch was being served. */
  #late: (readonly [BatchedTransport, Buffer])[] = [];
  #collects = false;
  readonly #onTurnEnd = (): void => {
    this.#isScheduled = false;
    this.flush();
    if (!this.#collects) return;
    this.#collects = false;
    this.#calls?.collect();
  };

  constructor(scanner: EnvelopeScanner, table: CallTable, replies: MessageReplies) {
    this.#scanner = scanner;
    this.table = table;
    this.#replies = replies;
  }

  serveCalls(handler: CallHandler): void {
    this.#calls = handler;
  }

  /** A connection of this engine over a transport that was not started. */
  open(inner: Transport, highWatermarkBytes: number): BatchedTransport {
    const index = this.#free.pop() ?? this.connections.length;
    const connection = new BatchedTransport(this, inner, index, highWatermarkBytes);
    this.connections[index] = connection;
    return connection;
  }

  remove(connection: BatchedTransport): void {
    if (this.connections[connection.index] !== connection) return;
    this.connections[connection.index] = undefined;
    this.#free.push(connection.index);
  }

  /** A message has come. The view is borrowed. */
  add(connection: BatchedTransport, message: Buffer): void {
    if (this.#isFlushing) {
      this.#late.push([connection, Buffer.from(message)]);
      return;
    }
    const { length } = message;
    const isAlone = length === 0 || length > maxBatchedBytes;
    if (isAlone || this.#ends.length === maxMessages || !this.#reserve(length + 1)) this.flush();
    if (isAlone) {
      connection.frame(message);
      this.#endTicks();
      return;
    }
    const end = this.#length + length;
    this.arena.set(message, this.#length);
    this.arena[end] = newline;
    this.#owners.push(connection);
    this.#ends.push(end);
    this.#length = end + 1;
    this.#schedule();
  }

  /** The connection will hear the end of this turn. */
  touch(connection: BatchedTransport): void {
    this.#touched.add(connection);
    this.#schedule();
  }

  requestCollect(): void {
    this.#collects = true;
    this.#schedule();
  }

  /** Serves what came so far. */
  flush(): void {
    if (this.#isFlushing) return;
    if (this.#length > 0) {
      this.#isFlushing = true;
      try {
        this.#serveBatch();
      } finally {
        this.#isFlushing = false;
        this.#length = 0;
        this.#owners.length = 0;
        this.#ends.length = 0;
      }
    }
    this.#endTicks();
    const late = this.#late;
    if (late.length === 0) return;
    this.#late = [];
    for (const [connection, message] of late) this.add(connection, message);
  }

  close(): void {
    this.flush();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // Behind the poll phase, in which every message that is there has been delivered.
    setImmediate(this.#onTurnEnd);
  }

  /** Makes room in the arena; false where the batch has to be served first. */
  #reserve(bytes: number): boolean {
    const wanted = this.#length + bytes;
    if (wanted <= this.arena.length) return true;
    if (wanted > maxArenaBytes) return false;
    const larger = Buffer.allocUnsafeSlow(Math.min(maxArenaBytes, this.arena.length * 2));
    larger.set(this.arena.subarray(0, this.#length));
    this.arena = larger;
    return true;
  }

  #serveBatch(): void {
    const count = this.#ends.length;
    const envelopes = this.#envelopes;
    const scanned = this.#scanner.scanLines(this.arena, this.#length, envelopes);
    for (let index = 0, at = EnvelopeField.FrameEnd; index < count; index += 1, at += EnvelopeField.Count) {
      if (index < scanned && envelopes[at] === this.#ends[index]) continue;
      // A message has a line break in it, and its lines were scanned as messages.
      this.#serveOneByOne();
      return;
    }
    this.batch += 1;
    this.#replies.isHeavy = false;
    const joined = this.#route(count);
    const calls = this.#calls;
    calls?.begin(joined);
    for (let index = 0, base = 0; index < count; index += 1, base += BatchField.Count) {
      try {
        if (this.records[base] === BatchKind.Call) calls?.call(base);
        else if (this.records[base] === BatchKind.Frame) this.#generic(index, base);
      } catch (error) {
        throwLater(error);
      }
    }
    calls?.end();
  }

  #serveOneByOne(): void {
    let start = 0;
    for (let index = 0; index < this.#ends.length; index += 1) {
      const end = this.#ends[index];
      try {
        this.#owners[index].frame(this.arena.subarray(start, end));
      } catch (error) {
        throwLater(error);
      }
      start = end + 1;
    }
  }

  #generic(index: number, base: number): void {
    this.#calls?.beforeFrame();
    const { records } = this;
    const bytes = this.arena.subarray(records[base + BatchField.Start], records[base + BatchField.End]);
    this.#owners[index].frame(bytes);
  }

  /** Fills the records. Returns the JSON text of the calls' inputs that are parsed together; undefined for none. */
  #route(count: number): string | undefined {
    // Offsets of bytes are offsets of characters in it. What is not ASCII is never read from it.
    const text = this.arena.toString('latin1', 0, this.#length);
    const { records } = this;
    let joined = '';
    for (let index = 0, from = 0, base = 0; index < count; index += 1) {
      records[base + BatchField.Kind] = BatchKind.Frame;
      records[base + BatchField.Start] = this.#envelopes[from + EnvelopeField.FrameStart];
      records[base + BatchField.End] = this.#envelopes[from + EnvelopeField.FrameEnd];
      records[base + BatchField.Connection] = this.#owners[index].index;
      if (this.#routeOne(index, from, base, text)) {
        const isJoined = records[base + BatchField.Joined] === 1;
        if (isJoined) {
          const start = records[base + BatchField.InputStart];
          joined += `${joined === '' ? '[' : ','}${text.slice(start, records[base + BatchField.InputEnd])}`;
        }
      }
      from += EnvelopeField.Count;
      base += BatchField.Count;
    }
    return joined === '' ? undefined : `${joined}]`;
  }

  /** Whether the message is a call for a handler. */
  #routeOne(index: number, from: number, base: number, text: string): boolean {
    const envelopes = this.#envelopes;
    const flags = envelopes[from + EnvelopeField.Flags];
    if (
      envelopes[from + EnvelopeField.Verdict] !== ScanVerdict.Ok ||
      envelopes[from + EnvelopeField.Kind] !== EnvelopeKind.Request ||
      (flags & escaped) !== 0
    )
      return false;
    const owner = this.#owners[index];
    if ((owner.flags & ConnectionFlag.Dispatch) === 0) return false;
    const profile = this.table.profileOf(flags, owner.flags);
    if (profile < 0) return false;
    const nameStart = envelopes[from + EnvelopeField.NameStart];
    const route = this.table.find(
      text.slice(envelopes[from + EnvelopeField.MethodStart], envelopes[from + EnvelopeField.MethodEnd]),
      nameStart < 0 ? '' : text.slice(nameStart, envelopes[from + EnvelopeField.NameEnd]),
      (flags & EnvelopeFlag.NameIsUri) !== 0,
      profile,
    );
    if (route === undefined) return false;
    // Held like any other message, until the client has read what it was answered.
    if (route.code === RouteCode.Reply && this.#replies.isHeavy && owner.isFull) return false;
    const { records } = this;
    const isAscii = (flags & EnvelopeFlag.Ascii) !== 0;
    const slot = this.#replies.take(owner.index, this.#idText(from, text, isAscii));
    records[base + BatchField.Slot] = slot;
    if (route.code === RouteCode.Reply) {
      // In the place of a call, so that it leaves in the order it came.
      records[base + BatchField.Kind] = replyKind;
      this.#replies.addRest(slot, route.rest);
      return false;
    }
    const input = route.wantsArguments ? EnvelopeField.ArgumentsStart : EnvelopeField.ParamsStart;
    records[base + BatchField.Kind] = BatchKind.Call;
    records[base + BatchField.Flags] = flags;
    records[base + BatchField.Route] = route.target;
    records[base + BatchField.Profile] = profile;
    records[base + BatchField.InputStart] = envelopes[from + input];
    records[base + BatchField.InputEnd] = envelopes[from + input + 1];
    records[base + BatchField.MetaStart] = envelopes[from + EnvelopeField.MetaStart];
    records[base + BatchField.MetaEnd] = envelopes[from + EnvelopeField.MetaEnd];
    records[base + BatchField.IdStart] = envelopes[from + EnvelopeField.IdStart];
    records[base + BatchField.IdEnd] = envelopes[from + EnvelopeField.IdEnd];
    records[base + BatchField.Joined] = isAscii && envelopes[from + input] >= 0 ? 1 : 0;
    return true;
  }

  #idText(from: number, text: string, isAscii: boolean): string {
    const start = this.#envelopes[from + EnvelopeField.IdStart];
    const end = this.#envelopes[from + EnvelopeField.IdEnd];
    // A long slice would keep the text of the whole batch alive.
    if (isAscii && end - start < longestCopiedSlice) return text.slice(start, end);
    return this.arena.toString('utf8', start, end);
  }

  #endTicks(): void {
    if (this.#touched.size === 0) return;
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const connection of touched) {
      try {
        connection.tickEnded();
      } catch (error) {
        throwLater(error);
      }
    }
  }
}

/** Kind of a record that was answered already: nothing is left to do. */
const replyKind = -1;

/** V8 copies slices below this length, and lets longer ones refer to what they were cut from. */
const longestCopiedSlice = 13;
