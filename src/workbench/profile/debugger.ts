/** The inspector of a Node.js process: https://chromedevtools.github.io/devtools-protocol/v8/ */
import { WebSocket } from 'ws';
import { RingwireError } from '../../errors.js';

interface Waiting {
  resolve(result: unknown): void;
  reject(error: RingwireError): void;
}

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message?: string };
  /** Of an event. */
  readonly method?: string;
}

export class DebuggerConnection {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #onEnd: () => void = () => {};
  /** Resolves when the process has ended, or wants to: Node.js waits for those who are connected then. */
  readonly ended = new Promise<void>((resolve) => {
    this.#onEnd = resolve;
  });

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => this.#onAnswer(JSON.parse(String(data)) as Answer));
    socket.on('close', () => {
      this.#onEnd();
      this.#failAll();
    });
    // 'close' follows.
    socket.on('error', () => {});
  }

  /** Rejects with CONNECTION_REFUSED. Profiles come as one message each: their size has no limit here. */
  static async connect(url: string): Promise<DebuggerConnection> {
    const socket = new WebSocket(url, { maxPayload: 0, perMessageDeflate: false });
    const connection = await new Promise<DebuggerConnection>((resolve, reject) => {
      socket.once('open', () => resolve(new DebuggerConnection(socket)));
      socket.once('error', (cause) =>
        reject(new RingwireError('CONNECTION_REFUSED', 'The inspector cannot be reached.', { cause })),
      );
    });
    // Without it a process that wants to end says nothing, and what was recorded could not be read any more.
    await connection.post('NodeRuntime.notifyWhenWaitingForDisconnect', { enabled: true }).catch(() => {});
    return connection;
  }

  /** Rejects with INTERNAL where the process refuses, CONNECTION_CLOSED where it ends. */
  post(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) {
        reject(gone());
        return;
      }
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params }), () => {});
    });
  }

  close(): void {
    this.#socket.terminate();
  }

  #onAnswer({ id, result, error, method }: Answer): void {
    if (method === 'NodeRuntime.waitingForDisconnect') this.#onEnd();
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) return;
    this.#waiting.delete(id);
    if (error === undefined) waiting.resolve(result);
    else
      waiting.reject(new RingwireError('INTERNAL', `The inspector refused: ${error.message ?? 'no reason'}`));
  }

  #failAll(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const each of waiting) each.reject(gone());
  }
}

function gone(): RingwireError {
  return new RingwireError('CONNECTION_CLOSED', 'The process ended, or closed its inspector.');
}
