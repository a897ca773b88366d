/** A server as a child process that speaks on its stdin and stdout. */
import type { Socket } from 'node:net';
import { RingwireError } from '../errors.js';
import { orphanGraceMs } from '../limits.js';
import { ByteStreamTransport, writePieces } from './byte-stream.js';
import { type ChildGroup, spawnChild } from './child-process.js';
import { ChildStderr } from './child-stderr.js';
import { type ChildEndpoint, formatEndpoint } from './endpoint.js';
import type { ResolvedOptions } from './options.js';
import { aborted } from './system-errors.js';
import type { PeerInfo, Transport } from './transport.js';

class ChildTransport extends ByteStreamTransport {
  readonly kind = 'stdio' as const;
  readonly peer: PeerInfo;
  readonly #group: ChildGroup;
  readonly #name: string;
  readonly #stderr: ChildStderr;
  readonly #stdoutClosed: Promise<void>;
  #stdoutEnded = false;
  #ending: Promise<void> | undefined;

  constructor(group: ChildGroup, endpoint: ChildEndpoint, options: ResolvedOptions) {
    const { stdin, stdout, stderr } = group.process;
    super(stdout, options);
    this.#group = group;
    this.#name = formatEndpoint(endpoint);
    this.peer = { kind: 'stdio', pid: group.pid };
    this.#stderr = new ChildStderr(stderr, options.stderr);
    this.#stdoutClosed = new Promise((resolve) => {
      stdout.once('close', () => {
        this.#stdoutEnded = true;
        resolve();
      });
    });
    stdout.on('error', () => this.#endUnasked());
    // A child that closed its stdin is on its way out; its exit says more than EPIPE does.
    stdin.on('error', () => this.#endUnasked());
    void group.exited.then(() => this.#endUnasked());
  }

  protected override write(pieces: Buffer[], done: () => void): boolean {
    return writePieces(this.#group.process.stdin, pieces, done);
  }

  /** As MCP prescribes: end stdin, wait, SIGTERM, wait, SIGKILL; the signals go to the whole group. */
  protected override shutdown(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  protected override release(): Promise<void> {
    this.#group.signal('SIGKILL');
    return this.shutdown();
  }

  protected override peerEnded(): void {
    this.#endUnasked();
  }

  /** The child ends without having been asked to: what it still wrote is delivered, then its exit is reported. */
  #endUnasked(): void {
    if (this.#ending !== undefined || this.closing) return;
    this.endSending();
    this.#ending = this.#end();
    void this.#ending.then(() => this.whenDelivered(() => this.gone(this.#exitError())));
  }

  async #end(): Promise<void> {
    const { stdin, stdout, stderr } = this.#group.process;
    stdin.end();
    await this.#group.terminate(this.options.childExitGraceMs);
    await this.#waitForStdout();
    this.#group.reap();
    stdin.destroy();
    stdout.destroy();
    stderr.destroy();
    await this.#stdoutClosed;
  }

  /**
   * A descendant that inherited the pipe would hold it open for ever: after a period without a byte the group is
   * killed and the pipe closed. While we ourselves do not read, silence proves nothing.
   */
  async #waitForStdout(): Promise<void> {
    const stdout = this.#group.process.stdout as Socket;
    for (let seen = -1; !this.#stdoutEnded && (!this.reading || seen !== stdout.bytesRead); ) {
      seen = stdout.bytesRead;
      await this.#stdoutEndsWithin(orphanGraceMs);
    }
  }

  #stdoutEndsWithin(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      void this.#stdoutClosed.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #exitError(): RingwireError {
    const exit = this.#group.exit;
    const how = exit?.signal ? `was ended by ${exit.signal}` : `exited with code ${exit?.exitCode}`;
    const tail = this.#stderr.tail;
    const said = tail === '' ? 'It wrote nothing to stderr.' : `Its last lines on stderr:\n${tail}`;
    return new RingwireError(
      'CHILD_EXITED',
      `The child ${this.#name} (pid ${this.#group.pid}) ${how}. ${said}`,
      {
        cause: { ...exit, stderr: tail },
      },
    );
  }
}

/**
 * Starts a child and connects to its stdin and stdout.
 * @throws RingwireError CONFIG_INVALID if the command cannot be found or run, IO_ERROR, CANCELLED.
 */
export async function connectChild(endpoint: ChildEndpoint, options: ResolvedOptions): Promise<Transport> {
  if (options.signal?.aborted) throw aborted(`Starting "${endpoint.command}"`, options.signal);
  const group = await spawnChild(endpoint);
  const transport = new ChildTransport(group, endpoint, options);
  if (options.signal?.aborted) {
    transport.destroy();
    throw aborted(`Starting "${endpoint.command}"`, options.signal);
  }
  return transport;
}
