/** What tests of the node engine share: an application that does what its paths say, and raw clients. */
import { connect, type Socket } from 'node:net';
import type { HttpListenEndpoint } from '../../src/transports/endpoint.js';
import { parseListenEndpoint } from '../../src/transports/endpoint.js';
import type {
  HttpApplication,
  HttpExchange,
  HttpListener,
  HttpStream,
  HttpUpgrade,
} from '../../src/transports/http/http-server.js';
import { listenNode } from '../../src/transports/http/node/listen-node.js';
import { resolveOptions } from '../../src/transports/options.js';
import type { Transport, TransportOptions } from '../../src/transports/transport.js';

export const textHead = ['content-type', 'text/plain'] as const;

/** Answers by path: /echo the body, /plain a text, /stream an open stream, and keeps what happened. */
export class TestApplication implements HttpApplication {
  readonly requests: string[] = [];
  readonly aborted: string[] = [];
  readonly errors: string[] = [];
  readonly streams: HttpStream[] = [];
  readonly transports: Transport[] = [];
  readonly waiting: HttpExchange[] = [];
  #waiters: { done: () => boolean; resolve: () => void }[] = [];

  onRequest(exchange: HttpExchange): void {
    this.requests.push(`${exchange.method} ${exchange.path}`);
    switch (exchange.path) {
      case '/echo':
        exchange.readBody();
        break;
      case '/small':
        exchange.readBody(10);
        break;
      case '/stream':
        this.streams.push(exchange.openStream(200, ['content-type', 'text/event-stream']));
        break;
      case '/wait':
        this.waiting.push(exchange);
        break;
      case '/throw':
        throw new Error('thrown by the application');
      case '/head':
        exchange.respond(200, textHead, this.#headText(exchange));
        break;
      default:
        exchange.respond(200, textHead, 'plain');
    }
    this.#check();
  }

  #headText(exchange: HttpExchange): string {
    const lines = [`secure ${exchange.isSecure}`, `query ${exchange.query}`];
    exchange.eachHeader((name, value) => lines.push(`${name}: ${value}`));
    return lines.join('\n');
  }

  onBody(exchange: HttpExchange, body: Buffer): void {
    exchange.respond(200, textHead, body);
  }

  onBodyError(exchange: HttpExchange, error: { code: string; message: string }): void {
    this.errors.push(error.code);
    const status = { FRAME_TOO_LARGE: 413, FRAME_INVALID: 400, CONFIG_INVALID: 415, DEADLINE_EXCEEDED: 408 };
    exchange.respond(status[error.code as keyof typeof status], textHead, error.message);
    this.#check();
  }

  onAbort(exchange: HttpExchange): void {
    this.aborted.push(exchange.path);
    this.#check();
  }

  onUpgrade(upgrade: HttpUpgrade): void {
    if (upgrade.path === '/refuse') {
      upgrade.refuse(403, textHead, 'no');
      return;
    }
    upgrade.accept(upgrade.protocols[0], (transport) => {
      this.transports.push(transport);
      transport.start({
        onFrame: (frame) => {
          transport.send(frame);
        },
        onClose: () => this.#check(),
      });
      this.#check();
    });
  }

  refusal(status: number, problem: string) {
    return { head: textHead, body: `${status} ${problem}` };
  }

  /** Resolves once something is true; looked at after each event. */
  until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ done, resolve }));
  }

  #check(): void {
    this.#waiters = this.#waiters.filter(({ done, resolve }) => {
      if (!done()) return true;
      resolve();
      return false;
    });
  }
}

export function serve(
  application: HttpApplication,
  options?: TransportOptions,
  url = 'http://127.0.0.1:0/',
): Promise<HttpListener> {
  const endpoint = parseListenEndpoint(url) as HttpListenEndpoint;
  return listenNode(endpoint, resolveOptions(options), application, 'asked for');
}

export function portOf(listener: HttpListener): number {
  return Number(new URL(listener.url).port);
}

/** A socket whose bytes are written by hand; `ended` is everything it was sent, once the server closed. */
export class RawClient {
  readonly socket: Socket;
  readonly ended: Promise<string>;
  text = '';
  #waiters: { done: (text: string) => boolean; resolve: () => void }[] = [];

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port });
    this.socket.on('error', () => {});
    this.socket.setEncoding('latin1');
    this.socket.on('data', (chunk: string) => {
      this.text += chunk;
      this.#waiters = this.#waiters.filter(({ done, resolve }) => {
        if (!done(this.text)) return true;
        resolve();
        return false;
      });
    });
    this.ended = new Promise((resolve) => this.socket.once('close', () => resolve(this.text)));
  }

  write(text: string | Buffer): this {
    this.socket.write(text);
    return this;
  }

  until(done: (text: string) => boolean): Promise<void> {
    if (done(this.text)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ done, resolve });
      void this.ended.then((text) => reject(new Error(`the server closed after ${JSON.stringify(text)}`)));
    });
  }
}
