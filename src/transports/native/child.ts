/**
 * A server as a child process, its stdin and stdout moved by the native engine. They are two socket pairs, as Node's
 * own pipes are: each can end by itself.
 */
import { closeSync } from 'node:fs';
import { requireAddon } from '../../binding/addon.js';
import type { RingwireError } from '../../errors.js';
import { ChildLife } from '../child-life.js';
import { type ChildGroup, spawnChild } from '../child-process.js';
import { type ChildEndpoint, formatEndpoint } from '../endpoint.js';
import type { ResolvedOptions } from '../options.js';
import { aborted, alreadyStarted, dropped } from '../system-errors.js';
import type { Framing, PeerInfo, SendResult, Transport, TransportHandlers } from '../transport.js';
import { NativeConnection } from './connection.js';
import { NativeEngine } from './engine.js';
import { packOptions } from './pack-options.js';
import { connectFailure } from './status.js';

class NativeChildTransport implements Transport {
  readonly kind = 'stdio' as const;
  readonly implementation = 'native' as const;
  readonly peer: PeerInfo;
  readonly #life: ChildLife;
  readonly #pipes: NativeConnection;
  readonly #closeTimeoutMs: number;
  readonly #gone: Promise<void>;
  #resolveGone!: () => void;
  #handlers: TransportHandlers | undefined;
  #isPaused = false;
  #isClosing = false;
  /** The child takes no more, though its last frames may still come in. */
  #hasSendingEnded = false;
  /** Set once the child is being cut off or gone; the error goes to onClose. */
  #end: { readonly error: RingwireError | undefined } | undefined;
  #isFinished = false;
  #hasInputEnded = false;
  #onInputEnd: (() => void) | undefined;

  constructor(group: ChildGroup, pipes: NativeConnection, endpoint: ChildEndpoint, options: ResolvedOptions) {
    this.#pipes = pipes;
    this.#closeTimeoutMs = options.closeTimeoutMs;
    this.#gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
    this.#life = new ChildLife(group, endpoint, options, {
      isReading: () => this.#isClosing || (this.#handlers !== undefined && !this.#isPaused),
      receivedBytes: () => pipes.receivedBytes,
      endInput: () => pipes.endOutput(),
      release: () => {
        pipes.destroy();
        return pipes.close();
      },
    });
    this.peer = this.#life.peer;
    pipes.watchOutput((status) => this.#inputEnded(status));
    // Reading begins with start(), or with close(), which waits for the child's end.
    pipes.pause();
    pipes.start({
      onFrame: (frame) => {
        if (!this.#isClosing) this.#handlers?.onFrame(frame);
      },
      onTickEnd: () => {
        if (!this.#isClosing) this.#handlers?.onTickEnd?.();
      },
      onDrain: () => {
        if (!this.#isClosing && !this.#hasSendingEnded) this.#handlers?.onDrain?.();
      },
      onFrameError: (error) => this.#refuseFrame(error),
      onEnd: () => {
        this.#life.outputEnded();
        this.#endUnasked();
      },
      onClose: (error) => {
        this.#life.outputEnded();
        if (!this.#life.isEnding) this.destroy(error);
      },
    });
    void group.exited.then(() => this.#endUnasked());
  }

  get bufferedBytes(): number {
    return this.#hasSendingEnded || this.#isFinished ? 0 : this.#pipes.bufferedBytes;
  }

  start(handlers: TransportHandlers): void {
    if (this.#handlers !== undefined) throw alreadyStarted();
    this.#handlers = handlers;
    if (this.#isFinished) process.nextTick(() => handlers.onClose(this.#end?.error));
    else if (!this.#isPaused) this.#pipes.resume();
  }

  send(frame: Uint8Array | string): SendResult {
    if (this.#isClosing || this.#hasSendingEnded) return 'full';
    return this.#pipes.send(frame);
  }

  pause(): void {
    this.#isPaused = true;
    if (!this.#isClosing) this.#pipes.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#handlers !== undefined) this.#pipes.resume();
  }

  setFraming(framing: Framing): void {
    this.#pipes.setFraming(framing);
  }

  close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      void this.#closeInOrder();
    }
    return this.#gone;
  }

  destroy(error?: RingwireError): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#isClosing = true;
    this.#life.kill();
    this.#pipes.resume();
    void this.#life.end().then(() => this.#finish());
  }

  async #closeInOrder(): Promise<void> {
    // What still comes in is thrown away, so that the child's end can be seen.
    this.#pipes.resume();
    if (!(await this.#flushInput())) {
      this.destroy(dropped(this.bufferedBytes, this.#closeTimeoutMs));
      return;
    }
    await this.#life.end();
    this.#finish();
  }

  /** Ends the child's stdin behind what is queued; false where that did not leave within closeTimeoutMs. */
  #flushInput(): Promise<boolean> {
    this.#pipes.endOutput();
    if (this.#hasInputEnded || this.#hasSendingEnded) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#closeTimeoutMs, false);
      this.#onInputEnd = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  /** The child's stdin ended: behind everything sent, or, with a status below 0, because the child closed it. */
  #inputEnded(status: number): void {
    this.#hasInputEnded = true;
    this.#onInputEnd?.();
    // A child that closed its stdin is on its way out; its exit says more than EPIPE does.
    if (status < 0) this.#endUnasked();
  }

  /** The child ends without having been asked to: what it still wrote is delivered, then its exit is reported. */
  #endUnasked(): void {
    const life = this.#life;
    if (life.isEnding || this.#isClosing) return;
    this.#hasSendingEnded = true;
    void life.end().then(() => {
      if (!this.#isClosing) this.#finish(life.exitError());
    });
  }

  #refuseFrame(error: RingwireError): void {
    if (this.#isClosing) return;
    if (this.#handlers?.onFrameError !== undefined) this.#handlers.onFrameError(error);
    else this.destroy(error);
  }

  #finish(error?: RingwireError): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#isClosing = true;
    this.#end ??= { error };
    this.#resolveGone();
    this.#handlers?.onClose(this.#end.error);
  }
}

/** The parent's and the child's end of a new socket pair. */
function makePipe(url: string): readonly [ours: number, theirs: number] {
  const pair = requireAddon().socketPair();
  if (typeof pair === 'number') throw connectFailure(pair, url);
  return pair;
}

/** Starts the child on pipes of ours; returns our ends of its stdin and stdout. No descriptor outlives a failure. */
async function spawnOnPipes(
  endpoint: ChildEndpoint,
): Promise<{ group: ChildGroup; input: number; output: number }> {
  const url = formatEndpoint(endpoint);
  const [input, theirInput] = makePipe(url);
  const open = [input, theirInput];
  try {
    const [output, theirOutput] = makePipe(url);
    open.push(output, theirOutput);
    const spawned = spawnChild(endpoint, [theirInput, theirOutput]);
    // The child has its copies by now. Were ours left open, its end could not be seen.
    for (const fd of [theirInput, theirOutput]) closeSync(fd);
    open.splice(0, open.length, input, output);
    return { group: await spawned, input, output };
  } catch (error) {
    for (const fd of open) closeSync(fd);
    throw error;
  }
}

/** As connectChild() of the twin. */
export async function connectNativeChild(
  endpoint: ChildEndpoint,
  options: ResolvedOptions,
): Promise<Transport> {
  const { signal } = options;
  if (signal?.aborted) throw aborted(`Starting "${endpoint.command}"`, signal);
  const engine = NativeEngine.shared();
  const { group, input, output } = await spawnOnPipes(endpoint);
  const url = formatEndpoint(endpoint);
  const index = engine.native.openFds(output, input, packOptions(options));
  if (index < 0) {
    group.reap();
    throw connectFailure(index, url);
  }
  const generation = engine.native.generation(index);
  const pipes = new NativeConnection({ engine, index, generation, kind: 'stdio', url, options });
  const transport = new NativeChildTransport(group, pipes, endpoint, options);
  if (signal?.aborted) {
    transport.destroy();
    throw aborted(`Starting "${endpoint.command}"`, signal);
  }
  return transport;
}
