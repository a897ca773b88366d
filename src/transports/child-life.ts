/**
 * How a child that speaks on its stdin and stdout comes to its end, whoever moves its bytes: in order, killed with
 * its group, or by itself, and what is said of it then.
 */
import { RingwireError } from '../errors.js';
import { orphanGraceMs } from '../limits.js';
import type { ChildGroup } from './child-process.js';
import { ChildStderr } from './child-stderr.js';
import { type ChildEndpoint, formatEndpoint } from './endpoint.js';
import type { ResolvedOptions } from './options.js';
import type { PeerInfo } from './transport.js';

/** What the mover of the bytes does for the ending. */
export interface ChildPipes {
  /** Whether what the child writes is read, if only to be thrown away. */
  isReading(): boolean;
  /** Bytes read from the child so far. */
  receivedBytes(): number;
  /** Ends the child's stdin. */
  endInput(): void;
  /** Closes the child's stdin and stdout; resolves when they are gone. */
  release(): Promise<void>;
}

export class ChildLife {
  readonly peer: PeerInfo;
  readonly #group: ChildGroup;
  readonly #name: string;
  readonly #graceMs: number;
  readonly #stderr: ChildStderr;
  readonly #pipes: ChildPipes;
  readonly #outputEnd: Promise<void>;
  #resolveOutputEnd!: () => void;
  #hasOutputEnded = false;
  #ending: Promise<void> | undefined;

  constructor(group: ChildGroup, endpoint: ChildEndpoint, options: ResolvedOptions, pipes: ChildPipes) {
    this.#group = group;
    this.#name = formatEndpoint(endpoint);
    this.#graceMs = options.childExitGraceMs;
    this.#stderr = new ChildStderr(group.process.stderr, options.stderr);
    this.#pipes = pipes;
    this.peer = { kind: 'stdio', pid: group.pid };
    this.#outputEnd = new Promise((resolve) => {
      this.#resolveOutputEnd = resolve;
    });
  }

  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** The child's stdout is at its end, and everything before it was delivered. */
  outputEnded(): void {
    this.#hasOutputEnded = true;
    this.#resolveOutputEnd();
  }

  /**
   * As MCP prescribes: ends stdin, waits, SIGTERM, waits, SIGKILL; the signals go to the whole group. Resolves when
   * the child and its pipes are gone. Idempotent.
   */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  kill(): void {
    this.#group.signal('SIGKILL');
  }

  async #end(): Promise<void> {
    this.#pipes.endInput();
    await this.#group.terminate(this.#graceMs);
    await this.#waitForOutput();
    this.#group.reap();
    this.#group.process.stderr.destroy();
    await this.#pipes.release();
  }

  /**
   * A descendant that inherited the pipe would hold it open for ever: after a period without a byte the group is
   * killed and the pipe closed. While we ourselves do not read, silence proves nothing.
   */
  async #waitForOutput(): Promise<void> {
    const pipes = this.#pipes;
    for (let seen = -1; !this.#hasOutputEnded && (!pipes.isReading() || seen !== pipes.receivedBytes()); ) {
      seen = pipes.receivedBytes();
      await this.#outputEndsWithin(orphanGraceMs);
    }
  }

  #outputEndsWithin(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      void this.#outputEnd.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Tells how the child ended, and its last words. Of a child that is gone. */
  exitError(): RingwireError {
    const exit = this.#group.exit;
    const how = exit?.signal ? `was ended by ${exit.signal}` : `exited with code ${exit?.exitCode}`;
    const tail = this.#stderr.tail;
    const said = tail === '' ? 'It wrote nothing to stderr.' : `Its last lines on stderr:\n${tail}`;
    const message = `The child ${this.#name} (pid ${this.#group.pid}) ${how}. ${said}`;
    return new RingwireError('CHILD_EXITED', message, { cause: { ...exit, stderr: tail } });
  }
}
