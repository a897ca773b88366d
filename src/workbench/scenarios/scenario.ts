/** A scenario: what is loaded, how, and what it must reach. Files of it are read by parse-scenario.ts. */
import type { LoadEra, LoadOperation } from '../load/load-plan.js';
import type { TextKind } from '../load/sample-arguments.js';
import type { MeasuredTransport } from '../servers/measured-server.js';
import type { Criterion } from './criteria.js';

/** Every key may be given in the file, in one of its forms and on the command line; the later one counts. */
export interface ScenarioLoad {
  /** Default 8; 32 over HTTP/1.1, which has one request in flight on each; 1 on stdio. */
  readonly connections?: number;
  /** Requests in flight on each connection. Default 16 in the closed loop, as many as it takes in the open one. */
  readonly depth?: number;
  /** Requests per second: the open loop. */
  readonly rate?: number;
  /** Default 10. */
  readonly seconds?: number;
  /** Seconds before the clock starts. Default 1. */
  readonly warmup?: number;
  /** 'mcp', 'echo', 'list', 'ping', or weights: 'read=0.7,call=0.2,subscribe=0.1'. Default: mcp. */
  readonly mix?: string;
  /** Bytes of text in each call. */
  readonly payload?: number;
  /** Bytes of text by their weight: calls of several sizes in one run. */
  readonly payloads?: Readonly<Record<number, number>>;
  /** What the text consists of. Default ascii. */
  readonly text?: TextKind;
  readonly tool?: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** URI that reads and subscriptions are for. */
  readonly resource?: string;
  /** Default 'auto': the server is asked. */
  readonly era?: LoadEra | 'auto';
  /** Word for word, in the place of a mix. */
  readonly operations?: readonly LoadOperation[];
  readonly generator?: 'auto' | 'native' | 'javascript';
}

/** One run for each combination. */
export interface Variation {
  readonly connections?: readonly number[];
  readonly depth?: readonly number[];
  readonly rate?: readonly number[];
  readonly payload?: readonly number[];
}

/** Open loops of rising rate, until a criterion is missed, a call fails or the generator is the limit. */
export interface Rise {
  /** Requests per second of the first step. */
  readonly from: number;
  /** Each step's rate over the one before. */
  readonly factor: number;
  readonly steps: number;
  /** Halvings between the last rate that held and the first that did not. */
  readonly refine: number;
}

export interface ScenarioForm extends ScenarioLoad {
  readonly vary?: Variation;
  readonly rise?: Partial<Rise>;
}

export const formNames = ['quick', 'short', 'long'] as const;
export type FormName = (typeof formNames)[number];

export interface Scenario {
  readonly name: string;
  /** One line. */
  readonly description: string;
  readonly transports: readonly MeasuredTransport[];
  readonly load: ScenarioLoad;
  readonly vary?: Variation;
  readonly rise?: Rise;
  /** What decides the exit code. */
  readonly criteria: readonly Criterion[];
  /** What is shown beside and decides nothing. */
  readonly targets: readonly Criterion[];
  readonly forms: Readonly<Partial<Record<FormName, ScenarioForm>>>;
}
