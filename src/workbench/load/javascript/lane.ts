/** One connection under load: what is in flight on it, what is due, and a new connection where it is lost. */
import type { RingwireError } from '../../../errors.js';
import { RpcErrorCode } from '../../../errors.js';
import type { LoadOperation } from '../load-plan.js';
import { type AnswerShapes, acknowledgedId, type JsonRpc, parseMessage, problemOf } from './answers.js';
import type { Link, LinkEvents } from './link.js';
import { excerpt, type Message } from './message.js';
import type { Tally } from './tally.js';
import type { WeightedDraw } from './weighted-draw.js';

/** Ids have one length, so that answers do. They begin anew after the last, when the first are long answered. */
const firstId = 1_000_000;
const lastId = 9_999_999;

/** A connection that cannot be had is tried again after this, and then after twice as long each time. */
const leastPauseMs = 10;
const mostPauseMs = 1_000;

/** Ids of subscriptions that were taken back: what may still come for them is no mistake. */
const maxForgotten = 4_096;

/** What all connections of a load share. */
export interface LaneContext {
  readonly operations: readonly LoadOperation[];
  readonly messages: readonly Message[];
  readonly shapes: AnswerShapes;
  readonly draw: WeightedDraw;
  readonly tally: Tally;
  /** Requests in flight at most. */
  readonly window: number;
  /** A connection on which the server was greeted. */
  open(): Promise<Link>;
  /** Open loop: when the nth request of the lane is due, of those there are by now. */
  readonly schedule: ((lane: number, count: number) => number) | undefined;
}

/** What came of one request: nothing, a problem with its answer, or no answer. */
export type Outcome = 'good' | { readonly problem: string; readonly isLost: boolean };

interface Pending {
  readonly operation: number;
  /** When it was sent; in the open loop, when it should have been. */
  readonly since: number;
  readonly done: ((outcome: Outcome) => void) | undefined;
}

export class Lane implements LinkEvents {
  /** Open loop: requests the schedule has given to this lane. */
  due = 0;
  /** Whether it may send. */
  isSending = false;
  #taken = 0;
  #link: Link | undefined;
  #isClosed = false;
  #nextId = firstId;
  #pauseMs = 0;
  #retry: NodeJS.Timeout | undefined;
  readonly #index: number;
  readonly #context: LaneContext;
  readonly #pending = new Map<number, Pending>();
  readonly #forgotten = new Set<number>();

  constructor(index: number, context: LaneContext, link: Link) {
    this.#index = index;
    this.#context = context;
    this.#take(link);
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  /** Requests that were wanted and have no answer: those in flight, and in the open loop those that could not be sent. */
  get waiting(): number {
    return this.#pending.size + Math.max(0, this.due - this.#taken);
  }

  get pid(): number | undefined {
    return this.#link?.pid;
  }

  /** Sends what the loop wants sent now. */
  pump(now: number): void {
    const { schedule, window } = this.#context;
    const link = this.#link;
    if (link === undefined || this.#retry !== undefined) return;
    if (schedule !== undefined) {
      while (this.#taken < this.due && this.#pending.size < window && !link.isFull) {
        this.#send(link, this.#context.draw.next(), schedule(this.#index, this.#taken));
        this.#taken += 1;
      }
    } else if (this.isSending)
      while (this.#pending.size < window && !link.isFull) this.#send(link, this.#context.draw.next(), now);
    link.flush();
  }

  /** One request outside the loop, which is not counted: resolves with what came of it. */
  once(operation: number): Promise<Outcome> {
    return new Promise((resolve) => {
      const link = this.#link;
      if (link === undefined) return resolve({ problem: 'The connection was lost.', isLost: true });
      this.#send(link, operation, performance.now(), resolve);
      link.flush();
    });
  }

  /** What is still waited for is lost; without a problem that is no error. `charge`: its wait counts as its latency. */
  giveUp(now: number, problem: string | undefined, charge: boolean): void {
    const { tally, schedule } = this.#context;
    const lose = (operation: number, since: number): void => {
      tally.lose(operation, problem, charge ? now - since : undefined);
    };
    for (const { operation, since } of this.#pending.values()) lose(operation, since);
    this.#pending.clear();
    if (schedule === undefined) return;
    for (; this.#taken < this.due; this.#taken += 1)
      lose(this.#context.draw.next(), schedule(this.#index, this.#taken));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    const link = this.#link;
    this.#link = undefined;
    await link?.close();
  }

  onMessage(text: string, key: number | undefined): void {
    const { shapes } = this.#context;
    const id = shapes.idOf(text);
    const pending = this.#pending.get(id);
    if (pending !== undefined && pending.operation === shapes.operation && (key === undefined || key === id))
      this.#answered(id, pending, undefined, text.length);
    else this.#read(text, key);
  }

  onFailed(id: number, reason: string, isAnswer: boolean): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    if (isAnswer) {
      this.#answered(id, pending, reason === '' ? 'an empty answer' : reason, 0);
      return;
    }
    this.#pending.delete(id);
    this.#lose(pending, reason);
    this.#pause();
  }

  onTurn(): void {
    if (!this.#isClosed) this.pump(performance.now());
  }

  onLost(error: RingwireError): void {
    const link = this.#link;
    this.#link = undefined;
    void link?.close();
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    this.#forgotten.clear();
    for (const pending of lost) this.#lose(pending, error.message);
    if (lost.length === 0 && this.#context.tally.phase !== 'over') this.#context.tally.problem(error.message);
    this.#pause();
  }

  #take(link: Link): void {
    this.#link = link;
    link.events = this;
  }

  #send(link: Link, operation: number, since: number, done?: Pending['done']): void {
    const id = this.#nextId;
    this.#nextId = id === lastId ? firstId : id + 1;
    this.#pending.set(id, { operation, since, done });
    link.send(this.#context.messages[operation], id);
  }

  /** A message that is not known by its text. */
  #read(text: string, key: number | undefined): void {
    const message = parseMessage(text);
    if (message === undefined) this.#garbage(`no JSON-RPC message: ${excerpt(text)}`, key);
    else if (message.method !== undefined) this.#told(message, text);
    else this.#readAnswer(message, text, key);
  }

  #readAnswer(message: JsonRpc, text: string, key: number | undefined): void {
    const id = Number(message.id);
    const pending = typeof message.id === 'number' ? this.#pending.get(id) : undefined;
    if (pending === undefined || (key !== undefined && key !== id)) {
      if (!this.#forgotten.delete(id)) this.#garbage(`an answer to no request: ${excerpt(text)}`, key);
      return;
    }
    let problem = problemOf(message);
    const { expect } = this.#context.operations[pending.operation];
    if (expect === 'subscription') problem ??= 'the subscription ended before it was acknowledged';
    if (problem === undefined) this.#context.shapes.learn(pending.operation, text, id);
    this.#answered(id, pending, problem, text.length);
  }

  /** A notification, or a request of the server's. */
  #told(message: JsonRpc, text: string): void {
    const id = acknowledgedId(message);
    const pending = typeof id === 'number' ? this.#pending.get(id) : undefined;
    if (pending !== undefined && this.#context.operations[pending.operation].expect === 'subscription') {
      this.#context.shapes.learn(pending.operation, text, id as number);
      this.#answered(id as number, pending, undefined, text.length);
      return;
    }
    if (message.id === undefined) return;
    const refusal = { code: RpcErrorCode.MethodNotFound, message: 'a load generator answers no requests' };
    const answer = message.method === 'ping' ? { result: {} } : { error: refusal };
    this.#link?.reply(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer }));
  }

  #garbage(problem: string, key: number | undefined): void {
    const pending = key === undefined ? undefined : this.#pending.get(key);
    if (pending !== undefined) this.#answered(key as number, pending, problem, 0);
    else if (this.#context.tally.phase !== 'over') this.#context.tally.problem(problem);
  }

  #answered(
    id: number,
    { operation, since, done }: Pending,
    problem: string | undefined,
    bytes: number,
  ): void {
    this.#pending.delete(id);
    this.#pauseMs = 0;
    const { tally, operations } = this.#context;
    if (done === undefined) tally.answer(operation, performance.now() - since, bytes, problem);
    else done(problem === undefined ? 'good' : { problem, isLost: false });
    if (problem !== undefined || operations[operation].expect !== 'subscription') return;
    if (this.#forgotten.size >= maxForgotten) this.#forgotten.clear();
    this.#forgotten.add(id);
    this.#link?.cancel(id);
  }

  #lose({ operation, since, done }: Pending, problem: string): void {
    const { tally, schedule } = this.#context;
    if (done !== undefined) done({ problem, isLost: true });
    else if (tally.phase !== 'over')
      tally.lose(operation, problem, schedule === undefined ? undefined : performance.now() - since);
  }

  /** Sends nothing for a while, longer each time; then goes on, on a new connection where there is none. */
  #pause(): void {
    if (this.#isClosed || this.#retry !== undefined) return;
    this.#retry = setTimeout(() => void this.#resume(), this.#pauseMs);
    this.#pauseMs = Math.min(Math.max(leastPauseMs, this.#pauseMs * 2), mostPauseMs);
  }

  async #resume(): Promise<void> {
    if (this.#link === undefined) {
      try {
        const link = await this.#context.open();
        if (this.#isClosed) return void link.close();
        this.#take(link);
      } catch (error) {
        if (this.#isClosed) return;
        if (this.#context.tally.phase !== 'over') this.#context.tally.problem((error as Error).message);
        this.#retry = undefined;
        this.#pause();
        return;
      }
    }
    this.#retry = undefined;
    this.pump(performance.now());
  }
}
