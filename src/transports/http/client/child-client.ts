/** Experimental: HTTP/2 on the stdin and stdout of a child process, which ends as every child of ours does. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { RingwireError } from '../../../errors.js';
import { ChildLife } from '../../child-life.js';
import { type ChildGroup, spawnChild } from '../../child-process.js';
import type { ChildHttpEndpoint } from '../../endpoint.js';
import type { ResolvedOptions } from '../../options.js';
import { aborted } from '../../system-errors.js';
import type { HttpClient } from './http-client.js';
import { Http2Client } from './http2-client.js';

/** Nothing resolves it: the name only fills ":authority". */
const origin = 'http://localhost';

/** @throws RingwireError CONFIG_INVALID if the command cannot be found or run, IO_ERROR, CANCELLED. */
export async function openChildHttpClient(
  endpoint: ChildHttpEndpoint,
  options: ResolvedOptions,
): Promise<HttpClient> {
  const { child } = endpoint;
  if (options.signal?.aborted) throw aborted(`Starting "${child.command}"`, options.signal);
  return new ChildClient(await spawnChild(child), endpoint, options);
}

class ChildClient extends Http2Client {
  readonly #life: ChildLife;

  constructor(group: ChildGroup, { child }: ChildHttpEndpoint, options: ResolvedOptions) {
    const { stdin, stdout } = group.process as ChildProcessWithoutNullStreams;
    const pipes = Duplex.from({ readable: stdout, writable: stdin });
    let isTaken = false;
    const life = new ChildLife(group, child, options, {
      isReading: () => true,
      receivedBytes: () => (stdout as Socket).bytesRead,
      endInput: () => stdin.end(),
      release: async () => {
        pipes.destroy();
        stdin.destroy();
        stdout.destroy();
      },
    });
    super(origin, life.peer, options, async () => {
      // One pair of pipes carries one connection; where that is over, so is the child.
      if (isTaken || life.isEnding) throw await this.#ended();
      isTaken = true;
      return pipes;
    });
    this.#life = life;
    this.whyLost = () => this.#ended();
    pipes.on('error', () => {});
    stdin.on('error', () => {});
    stdout.on('error', () => {});
    stdout.once('close', () => life.outputEnded());
    void group.exited.then(() => this.#endUnasked());
    stdout.once('end', () => this.#endUnasked());
  }

  override async close(): Promise<void> {
    const ending = this.#life.end();
    await super.close();
    await ending;
  }

  async #ended(): Promise<RingwireError> {
    await this.#life.end();
    return this.#life.exitError();
  }

  #endUnasked(): void {
    if (this.#life.isEnding) return;
    void this.#ended().then((error) => this.onGone?.(error));
  }
}
