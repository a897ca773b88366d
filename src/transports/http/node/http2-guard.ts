/**
 * Ends HTTP/2 connections whose clients make work that costs them nothing: requests taken back at once (rapid reset,
 * CVE-2023-44487), floods of SETTINGS and PING. nghttp2 bounds CONTINUATION frames and its queue of acknowledgements.
 */
import { constants, type ServerHttp2Session } from 'node:http2';
import { RingwireError } from '../../../errors.js';
import { http2WindowMs, maxHttp2ControlFrames, maxHttp2Resets } from '../../../limits.js';

export class Http2Guard {
  readonly #session: ServerHttp2Session;
  #resets = 0;
  #controlFrames = 0;
  #since = 0;

  constructor(session: ServerHttp2Session) {
    this.#session = session;
    const count = (): void => this.#control();
    session.on('remoteSettings', count);
    session.on('ping', count);
  }

  /** A stream was taken back before its answer was complete. */
  reset(): void {
    this.#roll();
    if (++this.#resets > maxHttp2Resets) this.#end('cancelled requests');
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
    // Says GOAWAY with this code and cuts.
    session.destroy(new RingwireError('OVERLOADED', text), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }
}
