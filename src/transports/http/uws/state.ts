/** What a listener, its exchanges and its WebSockets share. */

import type { ResolvedOptions } from '../../options.js';
import { AnswerCompressor } from '../content-coding.js';
import type { HttpApplication, HttpCounters } from '../http-server.js';
import { BodyPace } from './body-pace.js';
import { HeadReader, HeadTexts } from './head.js';
import { RequestCheck } from './request-check.js';

export interface MutableCounters extends HttpCounters {
  requests: number;
  responses: number[];
  aborted: number;
  refused: number;
  webSockets: number;
}

export class ListenerState {
  readonly options: ResolvedOptions;
  readonly application: HttpApplication;
  readonly isSecure: boolean;
  readonly head = new HeadReader();
  readonly check = new RequestCheck();
  readonly texts = new HeadTexts();
  readonly pace: BodyPace;
  readonly compressor: AnswerCompressor | undefined;
  readonly counters: MutableCounters = {
    requests: 0,
    responses: [0, 0, 0, 0, 0],
    aborted: 0,
    refused: 0,
    webSockets: 0,
  };
  /** Exchanges that are not answered to their end. */
  active = 0;
  isClosing = false;
  #check = (): void => {};

  constructor(options: ResolvedOptions, application: HttpApplication, isSecure: boolean) {
    this.options = options;
    this.application = application;
    this.isSecure = isSecure;
    this.pace = new BodyPace(options.http.minBodyBytesPerSecond);
    this.compressor =
      options.http.compression === false ? undefined : new AnswerCompressor(options.http.compression);
  }

  begin(): void {
    this.active++;
  }

  end(): void {
    this.active--;
    this.#check();
  }

  /** A WebSocket ended. */
  left(): void {
    this.#check();
  }

  /** Resolves when every exchange and every WebSocket has ended, or after this time. */
  idle(timeoutMs: number, webSockets: () => number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#check = () => {
        if (this.active > 0 || webSockets() > 0) return;
        clearTimeout(timer);
        resolve();
      };
      this.#check();
    });
  }
}
