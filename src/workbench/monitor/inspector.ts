/** Speaks with the inspector of a Node.js process: https://chromedevtools.github.io/devtools-protocol/v8/Runtime/ */
import { RingwireError } from '../../errors.js';
import { connectTransport } from '../../transports/open.js';
import type { Transport } from '../../transports/transport.js';

export interface InspectorTarget {
  readonly webSocketDebuggerUrl: string;
}

const answerTimeoutMs = 10_000;

/** The targets of the inspector on a loopback port; none where there is no inspector. */
export async function listTargets(port: number): Promise<readonly InspectorTarget[]> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/json/list`, { signal: AbortSignal.timeout(2_000) });
    const found: unknown = await answer.json();
    return Array.isArray(found) ? found.filter(isTarget) : [];
  } catch {
    return [];
  }
}

function isTarget(value: unknown): value is InspectorTarget {
  return typeof (value as InspectorTarget | null)?.webSocketDebuggerUrl === 'string';
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: RingwireError): void;
}

interface Answer {
  readonly id?: number;
  readonly error?: { readonly message?: string };
  readonly result?: {
    readonly result?: { readonly value?: unknown };
    readonly exceptionDetails?: { readonly exception?: { readonly description?: string } };
  };
}

export class Inspector {
  readonly #transport: Transport;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  private constructor(transport: Transport) {
    this.#transport = transport;
    transport.start({
      onFrame: (frame) => this.#onAnswer(JSON.parse(frame.toString()) as Answer),
      onClose: (cause) => this.#failAll(ended(cause)),
    });
  }

  /** Rejects with the errors of connectTransport(). */
  static async connect(webSocketUrl: string): Promise<Inspector> {
    const transport = await connectTransport(webSocketUrl, { httpClient: { protocols: [] } });
    return new Inspector(transport);
  }

  /** The value of an expression, which JSON can carry; what it throws rejects with INTERNAL. */
  async evaluate(expression: string): Promise<unknown> {
    const id = ++this.#lastId;
    const params = { expression, returnByValue: true, includeCommandLineAPI: true };
    const text = JSON.stringify({ id, method: 'Runtime.evaluate', params });
    const answer = new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        const message = `The inspector did not answer within ${answerTimeoutMs / 1_000} s.`;
        reject(new RingwireError('DEADLINE_EXCEEDED', message));
      }, answerTimeoutMs);
      const settle = (then: () => void): void => {
        clearTimeout(timer);
        then();
      };
      this.#waiting.set(id, {
        resolve: (result) => settle(() => resolve(result)),
        reject: (error) => settle(() => reject(error)),
      });
    });
    if (this.#transport.send(text) === 'full') this.#failAll(ended());
    return answer;
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  #onAnswer({ id, error, result }: Answer): void {
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) return;
    this.#waiting.delete(id);
    const problem = error?.message ?? result?.exceptionDetails?.exception?.description;
    if (problem === undefined) waiting.resolve(result?.result?.value);
    else waiting.reject(new RingwireError('INTERNAL', `The process could not be looked into: ${problem}`));
  }

  #failAll(error: RingwireError): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const each of waiting) each.reject(error);
  }
}

function ended(cause?: RingwireError): RingwireError {
  return new RingwireError('CONNECTION_CLOSED', 'The inspector closed the connection.', { cause });
}
