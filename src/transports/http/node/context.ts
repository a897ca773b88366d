/** What the parts of one node listener share. */
import type { ResolvedOptions } from '../../options.js';
import type { AnswerCompressor } from '../content-coding.js';
import type { HttpApplication } from '../http-server.js';

export interface MutableCounters {
  requests: number;
  readonly responses: number[];
  aborted: number;
  refused: number;
  webSockets: number;
}

export interface EngineContext {
  readonly application: HttpApplication;
  readonly options: ResolvedOptions;
  readonly counters: MutableCounters;
  /** Undefined where answers are sent plainly. */
  readonly compressor: AnswerCompressor | undefined;
  /** While it is true, every answer is the last of its connection. */
  isDraining: boolean;
}

export function newCounters(): MutableCounters {
  return { requests: 0, responses: [0, 0, 0, 0, 0], aborted: 0, refused: 0, webSockets: 0 };
}
