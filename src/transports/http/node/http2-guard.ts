/**
 * Ends HTTP/2 connections whose clients make work that costs them nothing: requests taken back at once (rapid reset,
 * CVE-2023-44487), floods of SETTINGS and PING. nghttp2 bounds CONTINUATION frames and its queue of acknowledgements.
 */
import { constants, type ServerHttp2Session } from 'node:http2';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { RingwireError } from '../../../errors.js';
import { http2WindowMs, maxHttp2ControlFrames, maxHttp2Resets } from '../../../limits.js';

export class Http2Guard {
  readonly #session: ServerHttp2Session;
  readonly #stream: Duplex;
  #resets = 0;
  #controlFrames = 0;
  #since = 0;

  /** `stream` is what the session is spoken on. */
  constructor(session: ServerHttp2Session, stream: Duplex) {
    this.#session = session;
    this.#stream = stream;
    const count = (): void => this.#control();
    session.on('remoteSettings', count);
    session.on('ping', count);
  }

  /** A stream was taken back before its answer was complete. */
  reset(): void {
    this.#roll();
    // Not from within nghttp2's own callback that told of the stream's end: ended there, the session writes for ever and
    // memory grows by 250 MB a second (Node 20.20).
    if (++this.#resets > maxHttp2Resets) setImmediate(() => this.#end('cancelled requests'));
  }

  #control(): void {
    this.#roll();
    if (++this.#controlFrames > maxHttp2ControlFrames) this.#end('SETTINGS and PING frames');
  }

  #roll(): void {
    const now = Date.now();
    if (now - this.#since < http2WindowMs) return;
    this.#since = now;
    this.#resets = 0;
    this.#controlFrames = 0;
  }

  #end(what: string): void {
    const session = this.#session;
    if (session.destroyed) return;
    const text = `An HTTP/2 client exceeded its budget of ${what} within ${http2WindowMs} ms.`;
    const error = new RingwireError('OVERLOADED', text);
    // Says GOAWAY with this code and cuts. On a stream that is no socket, node fails an assertion of its own
    // where that comes while another write is under way.
    if (this.#stream instanceof Socket) session.destroy(error, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    else this.#stream.destroy(error);
  }
}
