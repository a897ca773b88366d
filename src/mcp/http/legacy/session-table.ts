/** The sessions of an endpoint: found by id and principal, ended when idle for long or when others need the room. */
import { type Clock, DeadlineQueue } from '../../../rpc/deadline-queue.js';
import type { HttpSession } from './http-session.js';

export interface SessionTableOptions {
  readonly maxSessions: number;
  readonly sessionTtlMs: number;
  readonly clock?: Clock;
}

export class SessionTable {
  readonly #sessions = new Map<string, HttpSession>();
  /** Those that nobody uses now, the longest idle first. One timer serves them all. */
  readonly #idle: DeadlineQueue;
  readonly #options: SessionTableOptions;

  constructor(options: SessionTableOptions) {
    this.#options = options;
    this.#idle = new DeadlineQueue(options.clock);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Makes room for one more by ending the longest idle one; false where all are busy. */
  makeRoom(): boolean {
    if (this.#sessions.size < this.#options.maxSessions) return true;
    const oldest = this.#idle.first as HttpSession | undefined;
    oldest?.end();
    return oldest !== undefined;
  }

  add(session: HttpSession): void {
    this.#sessions.set(session.id, session);
    this.touch(session);
  }

  delete(session: HttpSession): void {
    this.#sessions.delete(session.id);
    this.#idle.remove(session);
  }

  /** The open session of this id; undefined where there is none, or where it is somebody else's. */
  find(id: string, principal: string | undefined): HttpSession | undefined {
    const session = this.#sessions.get(id);
    return session?.isOpen && session.principal === principal ? session : undefined;
  }

  /** It was used just now. */
  touch(session: HttpSession): void {
    if (!this.#sessions.has(session.id) || session.isBusy) this.#idle.remove(session);
    else this.#idle.schedule(session, this.#idle.clock.now() + this.#options.sessionTtlMs);
  }

  all(): HttpSession[] {
    return [...this.#sessions.values()];
  }
}
