/**
 * Tells what a frame is and gives it to whom it concerns. Frames are scanned, not parsed: params and results become
 * JavaScript values, everything else stays bytes.
 */
import { EnvelopeField, EnvelopeFlag, EnvelopeKind, ScanVerdict } from '../binding/constants.generated.js';
import { RingwireError, RpcErrorCode } from '../errors.js';
import {
  createScanner,
  type EnvelopeScanner,
  idText,
  methodText,
  rangeText,
} from '../serialization/envelope.js';
import type { BatchReply } from './batch-reply.js';
import { elementRanges } from './batch-split.js';
import { type CallServer, noId } from './call-server.js';
import { guarded } from './guarded.js';
import { asObject, errorFromWire, errorText, scalarMemberText } from './json-text.js';
import type { Outbox } from './outbox.js';
import type { Peer } from './peer.js';
import type { PeerCounters, ResolvedPeerOptions } from './peer-options.js';
import type { PendingCalls } from './pending-calls.js';
import { type Refusal, refusalError, refusalOf } from './refusals.js';
import { ServedCall } from './served-call.js';

/**
 * What the scan of a frame fills. All readers share it: everything is read from it before a handler runs, which may be
 * given another frame before it returns (by a transport that delivers at once).
 */
const scanned = new Int32Array(EnvelopeField.Count);

export class FrameReader {
  readonly #peer: Peer;
  readonly #options: ResolvedPeerOptions;
  readonly #counters: PeerCounters;
  readonly #outbox: Outbox;
  readonly #calls: CallServer;
  readonly #pending: PendingCalls;
  readonly #scanner: EnvelopeScanner;

  constructor(
    peer: Peer,
    parts: { outbox: Outbox; calls: CallServer; pending: PendingCalls },
    options: ResolvedPeerOptions,
    counters: PeerCounters,
  ) {
    this.#peer = peer;
    this.#options = options;
    this.#counters = counters;
    this.#outbox = parts.outbox;
    this.#calls = parts.calls;
    this.#pending = parts.pending;
    this.#scanner = options.scanner ?? createScanner({ maxDepth: options.maxDepth });
  }

  /** One frame. The view is borrowed: nothing here keeps it. */
  read(frame: Buffer): void {
    this.#read(frame, undefined);
  }

  /** The transport refused a frame and skipped it. */
  refuseFrame(error: RingwireError): void {
    this.#refuse({ code: RpcErrorCode.InvalidRequest, message: error.message }, error);
  }

  #read(frame: Buffer, batch: BatchReply | undefined): void {
    const record = scanned;
    const verdict = this.#scanner.scan(frame, record);
    if (verdict !== ScanVerdict.Ok) {
      if (verdict === ScanVerdict.BatchArray && batch === undefined && this.#options.batches(this.#peer)) {
        this.#readBatch(frame);
        return;
      }
      const refusal = refusalOf(verdict, record[EnvelopeField.ErrorOffset]);
      this.#refuse(refusal, refusalError(refusal), batch);
      return;
    }
    switch (record[EnvelopeField.Kind]) {
      case EnvelopeKind.Request:
        this.#readRequest(frame, record, batch);
        break;
      case EnvelopeKind.Notification:
        this.#readNotification(frame, record);
        break;
      default:
        this.#readReply(frame, record);
    }
  }

  #readBatch(frame: Buffer): void {
    const most = this.#options.maxBatchMessages;
    const ranges = elementRanges(frame, most);
    if (ranges === undefined || ranges.length === 0) {
      const message = ranges
        ? 'Invalid Request: a batch must not be empty'
        : `Invalid Request: a batch may hold at most ${most} messages`;
      const refusal = { code: RpcErrorCode.InvalidRequest, message };
      this.#refuse(refusal, refusalError(refusal));
      return;
    }
    const batch = this.#calls.openBatch();
    for (let index = 0; index < ranges.length; index += 2) {
      this.#read(frame.subarray(ranges[index], ranges[index + 1]), batch);
    }
    batch.drop();
  }

  #readRequest(frame: Buffer, record: Int32Array, batch: BatchReply | undefined): void {
    const params = parseRange(frame, record, EnvelopeField.ParamsStart);
    const call = new ServedCall(this.#peer, methodText(frame, record), idText(frame, record), params);
    if ((record[EnvelopeField.Flags] & EnvelopeFlag.HasProgressToken) !== 0) {
      call.progressTokenText = rangeText(frame, record, EnvelopeField.ProgressTokenStart);
    }
    call.batch = batch;
    this.#calls.serve(call, params);
  }

  #readNotification(frame: Buffer, record: Int32Array): void {
    const method = methodText(frame, record);
    const paramsText = rangeText(frame, record, EnvelopeField.ParamsStart);
    const params = paramsText === '' ? undefined : JSON.parse(paramsText);
    if (method === 'notifications/cancelled') {
      const id = scalarMemberText(paramsText, 'requestId');
      if (id !== undefined) this.#calls.cancel(id, asObject(params)?.reason);
      if (!this.#options.dispatcher.has(method)) return;
    } else if (method === 'notifications/progress') {
      guarded(() => this.#pending.progress(params));
      if (!this.#options.dispatcher.has(method)) return;
    }
    this.#calls.serve(new ServedCall(this.#peer, method, undefined, params), params);
  }

  #readReply(frame: Buffer, record: Int32Array): void {
    const id = idText(frame, record);
    const call = this.#pending.take(id);
    if (call === undefined) {
      this.#counters.unknownReplies += 1;
      this.#report(new RingwireError('FRAME_INVALID', `A reply to no request of ours, with the id ${id}.`));
      return;
    }
    const value = parseRange(frame, record, EnvelopeField.ResultStart);
    if (record[EnvelopeField.Kind] === EnvelopeKind.Response) call.resolve(value);
    else call.reject(errorFromWire(value));
  }

  #refuse({ code, message }: Refusal, error: RingwireError, batch?: BatchReply): void {
    this.#counters.malformedFrames += 1;
    if (this.#options.answerMalformed) {
      const text = errorText(null, code, message);
      if (batch === undefined) {
        this.#outbox.post(text, noId);
      } else {
        batch.expect();
        batch.add(null, text);
      }
    }
    this.#report(error);
  }

  #report(error: RingwireError): void {
    const { onProtocolError } = this.#options;
    if (onProtocolError !== undefined) guarded(() => onProtocolError(error, this.#peer));
  }
}

function parseRange(frame: Buffer, record: Int32Array, field: number): unknown {
  const text = rangeText(frame, record, field);
  return text === '' ? undefined : JSON.parse(text);
}
