/**
 * Serves the calls that an engine scanned, routed and batched: no frame, no envelope, one JSON.parse for the
 * inputs of a tick, one hand-over of its answers. What the generic path would do differently is left to it: errors,
 * refusals, cancellation and deadlines all go through the connection's Peer.
 */

import { performance } from 'node:perf_hooks';
import {
  BatchField,
  ConnectionFlag,
  EnvelopeFlag,
  ReplyKind,
  RouteCode,
} from '../../binding/constants.generated.js';
import { RingwireError } from '../../errors.js';
import type { CallMeter } from '../../observability/call-meter.js';
import { nativeConnectionOf } from '../../transports/upgrade.js';
import { JsonText } from '../json-text.js';
import type { Peer } from '../peer.js';
import { CallState } from '../served-call.js';
import type { CallEngine, CallHandler, DirectPort, Replies } from './call-engine.js';
import { DirectCall, type DirectCallOwner } from './direct-call.js';

/** Which requests routes may serve, told by EnvelopeFlag and ConnectionFlag bits. */
export interface RequestProfile {
  readonly flagsMask: number;
  readonly flagsValue: number;
  readonly connectionMask: number;
  readonly connectionValue: number;
}

/** Answers one kind of request. */
export interface DirectHandler {
  /** For CallContext.method. */
  readonly method: string;
  /** As a handler: returns a result or a promise of one, or throws. `input` is undefined where the request has none. */
  serve(input: unknown, call: DirectCall): unknown;
  /**
   * Adds the answer to `replies` for call.slot, or returns a promise: then it is called again with what comes of it.
   * May throw, for instance what JSON.stringify throws; then an error is the answer.
   */
  write(result: unknown, call: DirectCall, replies: Replies): PromiseLike<unknown> | undefined;
  /** Answers a call that threw or was rejected, or throws what the caller is to be told. Default: the error itself. */
  fail?(error: unknown, call: DirectCall, replies: Replies): void;
}

export interface DirectRoute {
  readonly method: string;
  /** The tool's name or resource's uri; absent: every request of the method. */
  readonly key?: string;
  readonly keyIsUri?: boolean;
  /** Bits by profile number. */
  readonly profiles: number;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

/** Values of BatchField.Joined. */
const joinedInput = 1;
const inLargeFrame = 2;

export class DirectServer implements CallHandler, DirectCallOwner {
  readonly engine: CallEngine;
  readonly #replies: Replies;
  readonly #handlers: (DirectHandler | undefined)[] = [];
  /** Handler numbers by route, so that a route that is set again takes its old number. */
  readonly #numbers = new Map<string, number>();
  /** By connection index. */
  readonly #peers: (Peer | undefined)[] = [];
  readonly #meter: CallMeter;
  /** When this batch came, where calls are metered. */
  #batchAt = 0;
  #inputs: unknown[] = [];
  #nextInput = 0;
  /** Calls of this batch whose handlers have not settled. */
  #unsettled: DirectCall[] = [];

  constructor(engine: CallEngine, replies: Replies, profiles: readonly RequestProfile[], meter: CallMeter) {
    this.engine = engine;
    this.#meter = meter;
    this.#replies = replies;
    engine.serveCalls(this);
    const fields = profiles.flatMap((profile) => [
      profile.flagsMask,
      profile.flagsValue,
      profile.connectionMask,
      profile.connectionValue,
    ]);
    engine.table.setProfiles(Int32Array.from(fields));
  }

  /** Routes the requests to a handler. */
  handle(route: DirectRoute, input: 'params' | 'arguments', handler: DirectHandler): void {
    const name = `${route.profiles} ${route.method} ${route.key ?? ''}`;
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#handlers.length;
      this.#numbers.set(name, number);
    }
    this.#handlers[number] = handler;
    this.#set(route, RouteCode.Handler, number, input === 'arguments', '');
  }

  /** Answers the requests with this JSON text of a result, without JavaScript. */
  reply(route: DirectRoute, result: string): void {
    this.#set(route, RouteCode.Reply, -1, false, result);
  }

  /** Takes the routes of a method and key away, whatever their profile. */
  remove(method: string, key = ''): void {
    this.engine.table.removeRoute(method, key);
  }

  /** The number of a reply template: a plain string goes between the halves, escaped as JSON. */
  template(before: string, after: string): number {
    return this.engine.table.addTemplate(before, after);
  }

  /** Has the engine dispatch the requests of one of its connections. */
  attach(connection: DirectPort, peer: Peer): void {
    this.#peers[connection.index] = peer;
    connection.flags |= ConnectionFlag.Dispatch;
    peer.beforeDrain = () => this.#trackUnsettled();
    void peer.closed.then(() => {
      if (this.#peers[connection.index] === peer) this.#peers[connection.index] = undefined;
    });
  }

  close(): void {
    this.engine.close();
  }

  // ---- What the engine calls. ----

  begin(joined: string | undefined): void {
    this.#nextInput = 0;
    this.#replies.isHeavy = false;
    if (this.#meter.isOn) this.#batchAt = performance.now();
    if (joined !== undefined) this.#inputs = JSON.parse(joined) as unknown[];
  }

  call(base: number): void {
    const { records } = this.engine;
    const isLarge = records[base + BatchField.Joined] === inLargeFrame;
    // Taken even where nobody is served, so that inputs and calls stay in step.
    let input = isLarge ? undefined : this.#input(base, this.engine.arena);
    const handler = this.#handlers[records[base + BatchField.Route]];
    const peer = this.#peers[records[base + BatchField.Connection]];
    if (peer === undefined || handler === undefined || !peer.isOpen) {
      this.#replies.drop(records[base + BatchField.Slot]);
      return;
    }
    if (!isLarge && this.#replies.isHeavy && this.#leaveToPeer(base)) return;
    // Before they are known to their connections, calls of this batch count against nobody's limit.
    if (this.#unsettled.length > 0 && this.#unsettled.length >= peer.calls.inFlight.room)
      this.#trackUnsettled();
    const call = new DirectCall(this, peer, handler.method, base);
    if (this.#meter.isOn) this.#measure(call, peer);
    if (isLarge) input = this.#takeLarge(base, call);
    if (!peer.admitsAll) {
      const refusal = peer.admit(call.id!);
      if (refusal !== undefined) {
        this.#refuse(call, refusal);
        return;
      }
    }
    let result: unknown;
    try {
      result = handler.serve(input, call);
      if (!isThenable(result)) {
        const pending = handler.write(result, call, this.#replies);
        if (pending === undefined) {
          call.timer?.end();
          call.finish();
          return;
        }
        result = pending;
      }
    } catch (error) {
      this.#fail(call, handler, error);
      return;
    }
    this.#unsettled.push(call);
    this.#follow(call, handler, result as PromiseLike<unknown>);
  }

  #measure(call: DirectCall, peer: Peer): void {
    peer.calls.count += 1;
    call.timer = this.#meter.begin(this.#batchAt);
  }

  /**
   * Gives a call to the generic path if its connection holds as many answers as it may. There the call waits, like the
   * rest of the connection's input, until the caller has read some.
   */
  #leaveToPeer(base: number): boolean {
    const { records, arena, connections } = this.engine;
    const connection = connections[records[base + BatchField.Connection]];
    if (connection === undefined || connection.bufferedBytes < connection.highWatermarkBytes) return false;
    this.#replies.drop(records[base + BatchField.Slot]);
    this.beforeFrame();
    const end = records[base + BatchField.End];
    connection.frame(arena.subarray(records[base + BatchField.Start], end), end);
    return true;
  }

  /** What the frame says (a cancellation, for instance) must find the calls before it. */
  beforeFrame(): void {
    this.#trackUnsettled();
    this.#replies.flush();
  }

  end(): void {
    this.#inputs = [];
    this.#replies.flush();
    if (this.#unsettled.length > 0) this.engine.requestCollect();
  }

  /** Microtasks have run. Calls that are still at work leave their batch. */
  collect(): void {
    this.#trackUnsettled();
    this.#replies.flush();
  }

  /** From now on the Peer looks after the calls: cancellation, deadline, the end of the connection. */
  #trackUnsettled(): void {
    const unsettled = this.#unsettled;
    if (unsettled.length === 0) return;
    this.#unsettled = [];
    for (const call of unsettled) {
      if (call.slot >= 0 && !call.connection.track(call.keep())) this.abandon(call);
    }
  }

  abandon(call: DirectCall): void {
    if (call.slot < 0) return;
    this.#replies.drop(call.slot);
    call.slot = -1;
    this.engine.requestCollect();
  }

  #follow(call: DirectCall, handler: DirectHandler, promise: PromiseLike<unknown>): void {
    // What another library made may throw in then(), or come to a promise: Promise.resolve() sees to both.
    (promise instanceof Promise ? promise : Promise.resolve(promise)).then(
      (result) => {
        if (this.#isWanted(call)) this.#settle(call, handler, result);
      },
      (error: unknown) => {
        if (this.#isWanted(call)) this.#fail(call, handler, error);
      },
    );
  }

  #settle(call: DirectCall, handler: DirectHandler, result: unknown): void {
    try {
      const pending = handler.write(result, call, this.#replies);
      if (pending === undefined) this.#answered(call);
      else this.#follow(call, handler, pending);
    } catch (error) {
      this.#fail(call, handler, error);
    }
  }

  /** Whether the outcome may still be sent; where not, it is counted and the slot given back. */
  #isWanted(call: DirectCall): boolean {
    if (call.slot < 0) return false;
    if (!call.isTracked || (call.served.state === CallState.Open && call.connection.isOpen)) return true;
    call.connection.conclude(call.served);
    this.abandon(call);
    return false;
  }

  #answered(call: DirectCall): void {
    const { connection } = call;
    call.timer?.end();
    if (call.isTracked) connection.conclude(call.served);
    call.finish();
    this.engine.requestCollect();
    if (!this.#replies.isHeavy) return;
    const native = nativeConnectionOf(connection.transport);
    if (native !== undefined) connection.checkTransport(native.highWatermarkBytes);
  }

  #fail(call: DirectCall, handler: DirectHandler, error: unknown): void {
    let told = error;
    if (handler.fail !== undefined) {
      try {
        handler.fail(error, call, this.#replies);
        this.#answered(call);
        return;
      } catch (other) {
        told = other;
      }
    }
    if (call.isTracked) call.connection.conclude(call.served);
    this.#refuse(call, told);
  }

  /** Answers with an error, as the generic path would. */
  #refuse(call: DirectCall, error: unknown): void {
    const { served, connection } = call;
    call.timer?.end();
    if (served.id !== undefined) connection.reply(served.id, connection.responseText(served, { error }));
    served.state = CallState.Settled;
    this.abandon(call);
  }

  /** The input of a call in a large frame; the frame is freed before the handler runs. */
  #takeLarge(base: number, call: DirectCall): unknown {
    const { records } = this.engine;
    const largeFrames = this.engine.largeFrames!;
    const number = records[base + BatchField.Start];
    const frame = Buffer.from(largeFrames.takeLargeFrame(number)!);
    call.keepFrom(frame);
    const input = this.#input(base, frame);
    largeFrames.releaseLargeFrame(number);
    return input;
  }

  #input(base: number, bytes: Buffer): unknown {
    const { records } = this.engine;
    if (records[base + BatchField.Joined] === joinedInput) return this.#inputs[this.#nextInput++];
    const start = records[base + BatchField.InputStart];
    if (start < 0) return undefined;
    const isAscii = (records[base + BatchField.Flags] & EnvelopeFlag.Ascii) !== 0;
    return JSON.parse(
      bytes.toString(isAscii ? 'latin1' : 'utf8', start, records[base + BatchField.InputEnd]),
    );
  }

  #set(route: DirectRoute, code: number, number: number, wantsArguments: boolean, reply: string): void {
    this.engine.table.setRoute(
      route.method,
      route.key ?? '',
      code,
      route.profiles,
      number,
      0,
      wantsArguments,
      route.keyIsUri ?? false,
      reply,
    );
  }
}

/** The answer to a call with a result of any shape. Throws INTERNAL where JSON cannot carry it. */
export function writeJson(result: unknown, call: DirectCall, replies: Replies): undefined {
  replies.add(call.slot, ReplyKind.Result, resultJson(result, call.method));
}

function resultJson(result: unknown, method: string): string {
  if (result instanceof JsonText) return result.text;
  try {
    return JSON.stringify(result) ?? 'null';
  } catch (cause) {
    throw new RingwireError('INTERNAL', `The result of "${method}" cannot be written as JSON.`, { cause });
  }
}
