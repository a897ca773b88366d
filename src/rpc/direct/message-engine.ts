/**
 * Brings the calls of many connections that deliver one message at a time to a DirectServer, as the native engine does
 * for byte streams: the messages of a turn are copied behind one another, scanned and routed in one native call, and
 * their inputs parsed by one JSON.parse.
 *
 *     message ─► arena ─┐
 *     message ─► arena ─┤ setImmediate: scan, route ─► one JSON.parse ─► calls, in order of arrival
 *     message ─► arena ─┘                        └► reply, or the generic path
 */
import { BatchField, BatchKind, MessageField } from '../../binding/constants.generated.js';
import type { NativeMessageBatch } from '../../binding/native.js';
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

const newline = 0x0a;

export class MessageEngine implements CallEngine {
  readonly records = new Int32Array(maxMessages * BatchField.Count);
  readonly connections: (BatchedTransport | undefined)[] = [];
  readonly table: CallTable;
  readonly largeFrames = undefined;
  arena: Buffer = Buffer.allocUnsafeSlow(firstArenaBytes);
  batch = 0;
  /** Requests answered with a text that never changes. */
  repliesWithoutCalls = 0;
  readonly #native: NativeMessageBatch;
  readonly #replies: MessageReplies;
  readonly #messages = new Int32Array(maxMessages * MessageField.Count);
  readonly #free: number[] = [];
  /** Numbers of connections that are gone; free once no message of theirs is left. */
  readonly #retired: number[] = [];
  /** Whose the messages of the arena are. */
  readonly #owners: BatchedTransport[] = [];
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
    this.#collect();
    this.flush();
  };

  constructor(native: NativeMessageBatch, table: CallTable, replies: MessageReplies) {
    this.#native = native;
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
    this.#replies.setPeer(connection.index, undefined);
    this.#retired.push(connection.index);
  }

  /** A message has come. The view is borrowed. */
  add(connection: BatchedTransport, message: Uint8Array): void {
    if (this.#isFlushing) {
      this.#late.push([connection, Buffer.from(message)]);
      return;
    }
    const { length } = message;
    const isAlone = length === 0 || length > maxBatchedBytes;
    if (isAlone || this.#owners.length === maxMessages || !this.#reserve(length + 1)) this.flush();
    if (isAlone) {
      this.#calls?.beforeFrame();
      connection.frame(Buffer.from(message.buffer, message.byteOffset, length));
      this.#endTicks();
      return;
    }
    // Calls of the batch before that are still at work want what it left here.
    if (this.#length === 0) this.#collect();
    const end = this.#length + length;
    this.arena.set(message, this.#length);
    this.arena[end] = newline;
    const at = this.#owners.length * MessageField.Count;
    this.#messages[at + MessageField.End] = end;
    this.#messages[at + MessageField.Flags] = connection.flags;
    this.#messages[at + MessageField.Connection] = connection.index;
    this.#owners.push(connection);
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
      }
    }
    this.#endTicks();
    const late = this.#late;
    if (late.length === 0) {
      while (this.#retired.length > 0) this.#free.push(this.#retired.pop() as number);
      return;
    }
    this.#late = [];
    for (const [connection, message] of late) this.add(connection, message);
  }

  close(): void {
    this.flush();
  }

  #collect(): void {
    if (!this.#collects) return;
    this.#collects = false;
    this.#calls?.collect();
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
    const count = this.#owners.length;
    const { records } = this;
    const joined = this.#native.route(this.arena, this.#length, this.#messages, count, records);
    if (joined === null) {
      this.#serveOneByOne();
      return;
    }
    const ids = this.#native.ids();
    let idStart = 0;
    this.batch += 1;
    const calls = this.#calls;
    calls?.begin(joined);
    for (let index = 0, base = 0; index < count; index += 1, base += BatchField.Count) {
      const kind = records[base];
      try {
        if (kind === BatchKind.Frame) {
          this.#generic(index, base);
          continue;
        }
        const idEnd = idStart + records[base + BatchField.IdEnd] - records[base + BatchField.IdStart];
        const id = idText(ids, idStart, idEnd);
        idStart = idEnd;
        if (kind === BatchKind.Reply) this.#reply(index, base, id);
        else {
          records[base + BatchField.Slot] = this.#replies.take(records[base + BatchField.Connection], id);
          calls?.call(base);
        }
      } catch (error) {
        throwLater(error);
      }
    }
    calls?.end();
  }

  #reply(index: number, base: number, id: string): void {
    const owner = this.#owners[index];
    // Held like any other message, until the client has read what it was answered.
    if (this.#replies.isHeavy && owner.isFull) this.#generic(index, base);
    else {
      this.repliesWithoutCalls += 1;
      this.#replies.answer(owner.index, id, this.table.rests[this.records[base + BatchField.Route]]);
    }
  }

  #serveOneByOne(): void {
    let start = 0;
    for (const [index, owner] of this.#owners.entries()) {
      const end = this.#messages[index * MessageField.Count + MessageField.End];
      try {
        owner.frame(this.arena.subarray(start, end));
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

/** V8 copies slices below this length, and lets longer ones refer to what they were cut from. */
const longestCopiedSlice = 13;

/** One id of the batch's, as a string that does not keep the others. */
function idText(ids: string, start: number, end: number): string {
  const id = ids.slice(start, end);
  return end - start < longestCopiedSlice ? id : Buffer.from(id, 'latin1').toString('latin1');
}
