/** Messages as lines: TCP, TLS, Unix sockets, and the stdin and stdout of a command. */
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { RingwireError } from '../../../errors.js';
import { type ChildGroup, spawnChild } from '../../../transports/child-process.js';
import { ChildStderr } from '../../../transports/child-stderr.js';
import { tlsFailure } from '../../../transports/http/tls-client.js';
import { connectionError } from '../../../transports/system-errors.js';
import { type Link, type LinkEvents, maxMessageBytes, maxWaitingBytes, noEvents } from './link.js';
import { cancelMessage, type Message, textOf } from './message.js';
import { type Address, openSocket } from './sockets.js';

/** A command that is still there this long after its input ended is terminated, and after as long again killed. */
const exitGraceMs = 1_000;

class LineLink implements Link {
  events: LinkEvents = noEvents;
  readonly #writable: Writable;
  /** Pieces of a line whose end is not there yet: joined once, so that a long line costs its length. */
  #partial: string[] = [];
  #partialBytes = 0;
  #out = '';
  #isOver = false;

  constructor(readable: Readable, writable: Writable) {
    this.#writable = writable;
    readable.setEncoding('latin1');
    readable.on('data', (chunk: string) => this.#read(chunk));
    writable.on('drain', () => this.events.onTurn());
  }

  get isFull(): boolean {
    return this.#writable.writableLength + this.#out.length > maxWaitingBytes;
  }

  send(message: Message, id: number): void {
    this.#out += `${textOf(message, id)}\n`;
  }

  flush(): void {
    if (this.#out === '' || this.#isOver) return;
    this.#writable.write(this.#out, 'latin1');
    this.#out = '';
  }

  cancel(id: number): void {
    this.send(cancelMessage(id), id);
  }

  reply(text: string): void {
    this.#out += `${text}\n`;
  }

  settle(): void {}

  async close(): Promise<void> {
    this.#isOver = true;
    this.events = noEvents;
  }

  protected lose(error: RingwireError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.events.onLost(error);
  }

  #read(chunk: string): void {
    if (this.#isOver) return;
    let begin = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', begin)) {
      let line = chunk.slice(begin, end);
      begin = end + 1;
      if (this.#partialBytes > 0) {
        line = this.#partial.join('') + line;
        this.#partial = [];
        this.#partialBytes = 0;
      }
      if (line !== '') this.events.onMessage(line, undefined);
    }
    if (begin < chunk.length) this.#keep(begin === 0 ? chunk : chunk.slice(begin));
    this.events.onTurn();
  }

  #keep(rest: string): void {
    this.#partial.push(rest);
    this.#partialBytes += rest.length;
    if (this.#partialBytes <= maxMessageBytes) return;
    this.lose(
      new RingwireError('FRAME_TOO_LARGE', `The server sent a line of over ${maxMessageBytes} bytes.`),
    );
    void this.close();
  }
}

class SocketLink extends LineLink {
  readonly #socket: Socket;

  constructor(socket: Socket, shown: string) {
    super(socket, socket);
    this.#socket = socket;
    socket.on('error', (error) => this.lose(tlsFailure(error, shown) ?? connectionError(error, shown)));
    socket.on('close', () =>
      this.lose(new RingwireError('CONNECTION_CLOSED', `${shown} closed the connection.`)),
    );
  }

  override async close(): Promise<void> {
    await super.close();
    this.#socket.destroy();
  }
}

class CommandLink extends LineLink {
  readonly #group: ChildGroup;

  constructor(group: ChildGroup, name: string) {
    const { stdin, stdout, stderr } = group.process;
    super(stdout!, stdin!);
    this.#group = group;
    const said = new ChildStderr(stderr, 'ignore');
    stdin!.on('error', () => {}); // Its end is told by the exit.
    stdout!.on('error', () => {});
    // Not 'exit': what it wrote before it ended is still being read then.
    group.process.once('close', (exitCode, signal) => {
      const how = signal === null ? `with exit code ${exitCode}` : `by ${signal}`;
      const last = said.tail === '' ? '' : ` Its last words on stderr: ${said.tail}`;
      this.lose(new RingwireError('CHILD_EXITED', `The command "${name}" ended ${how}.${last}`));
    });
  }

  get pid(): number {
    return this.#group.pid;
  }

  override async close(): Promise<void> {
    await super.close();
    this.#group.process.stdin?.end();
    await this.#group.terminate(exitGraceMs);
    this.#group.reap();
  }
}

export async function openLines(address: Address): Promise<Link> {
  return new SocketLink(await openSocket(address), address.shown);
}

/** Starts a command with our whole environment, as a shell would. */
export async function openCommand(command: readonly string[]): Promise<Link> {
  const [program, ...args] = command;
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) env[name] = value;
  return new CommandLink(await spawnChild({ kind: 'child', command: program, args, env }), command.join(' '));
}
