/** Loads two servers in turn, after seeing that they answer the same. */
import { isDeepStrictEqual } from 'node:util';
import type { CompareOptions } from '../../analysis/compare.js';
import { type Comparison, compareSides, type RoundFigures } from '../../analysis/comparison.js';
import { RingwireError, RpcError } from '../../errors.js';
import { Acquaintance } from '../load/era.js';
import type { LoadInterval, LoadOperation, LoadPlan, LoadReport, LoadTarget } from '../load/load-plan.js';
import { type LoadRequest, prepareLoad } from '../load/prepare.js';
import { runLoad } from '../load/run-load.js';
import { transportName } from '../load/transport-name.js';

export interface ComparisonSide {
  readonly target: LoadTarget;
  /** The process behind an address, for its CPU; of a command it is known. */
  readonly serverPid?: number;
}

export interface ComparisonRequest {
  readonly a: ComparisonSide;
  readonly b: ComparisonSide;
  /** The same for both; what is not said follows from the transport of A. */
  readonly load: Omit<LoadRequest, 'target' | 'serverPid' | 'cores'>;
  /** Of each side. */
  readonly rounds: number;
  readonly cores?: { readonly server: number; readonly generator: number };
  /** Compare although A and B answer differently. */
  readonly anyAnswer?: boolean;
  readonly statistics?: CompareOptions;
}

export interface ComparisonWatch {
  onInterval?(side: 'A' | 'B', round: number, interval: LoadInterval): void;
  readonly signal?: AbortSignal;
}

export interface ComparisonResult extends Comparison {
  readonly plans: { readonly a: LoadPlan; readonly b: LoadPlan };
  readonly reports: { readonly a: readonly LoadReport[]; readonly b: readonly LoadReport[] };
  /** Ended before its rounds were over. */
  readonly wasInterrupted: boolean;
}

/** What revisions of the protocol add to a result beside what was asked for. */
const envelopeKeys = new Set(['_meta', 'resultType', 'ttlMs', 'cacheScope']);

async function answerOf(server: Acquaintance, { method, params }: LoadOperation): Promise<unknown> {
  try {
    const result = await server.ask(method, params);
    return Object.fromEntries(Object.entries(result).filter(([key]) => !envelopeKeys.has(key)));
  } catch (error) {
    if (error instanceof RpcError) return { error: error.message };
    throw error;
  }
}

const excerpt = (value: unknown): string => JSON.stringify(value).slice(0, 160);

/** Rejects with CONFIG_INVALID where an operation of the load is answered differently, with both answers. */
async function checkAnswers(a: LoadPlan, b: LoadPlan, signal: AbortSignal | undefined): Promise<void> {
  const first = await Acquaintance.make(a.target, a.era, signal);
  try {
    const second = await Acquaintance.make(b.target, b.era, signal);
    try {
      for (const operation of a.operations) {
        if (operation.expect === 'subscription') continue;
        const [one, other] = [await answerOf(first, operation), await answerOf(second, operation)];
        if (isDeepStrictEqual(one, other)) continue;
        throw new RingwireError(
          'CONFIG_INVALID',
          `A and B answer "${operation.method}" differently, so they do not do the same work. A: ${excerpt(one)}; B: ${excerpt(other)}.`,
        );
      }
    } finally {
      await second.close();
    }
  } finally {
    await first.close();
  }
}

function settings(
  { target, serverPid }: ComparisonSide,
  cores: ComparisonRequest['cores'],
): Partial<LoadRequest> {
  const own = 'command' in target ? cores : cores && { generator: cores.generator };
  return { ...(serverPid === undefined ? {} : { serverPid }), ...(own === undefined ? {} : { cores: own }) };
}

async function plansOf(
  { a, b, load, cores }: ComparisonRequest,
  signal: AbortSignal | undefined,
): Promise<ComparisonResult['plans']> {
  const first = await prepareLoad({ ...load, target: a.target, ...settings(a, cores) }, signal);
  // B is asked for nothing but its era: it gets the requests that A gets, in the same shape.
  const [{ method }] = first.operations;
  const { connections, depth } = first;
  const shape = { ...load, connections, ...(depth === undefined ? {} : { depth }) };
  const { mix: _mix, tool: _tool, arguments: _arguments, resource: _uri, ...unmixed } = shape;
  const { text: _text, textBytes: _bytes, ...bare } = unmixed;
  const era = load.era === undefined || load.era === 'auto' ? await eraOf(b.target, signal) : load.era;
  const second = await prepareLoad(
    {
      ...bare,
      era,
      method,
      params: {},
      target: b.target,
      ...settings(b, cores),
    },
    signal,
  );
  return { a: first, b: { ...second, operations: first.operations } };
}

async function eraOf(target: LoadTarget, signal: AbortSignal | undefined): Promise<LoadPlan['era']> {
  const server = await Acquaintance.make(target, undefined, signal);
  await server.close();
  return server.facts.era;
}

const figuresOf = ({ rate, p99us, cpuUsPerMsg }: LoadReport): RoundFigures => ({
  rate,
  p99us,
  ...(cpuUsPerMsg === undefined ? {} : { cpuUsPerMsg }),
});

/** 'tcp, 8x16', or both transports where they differ. */
function nameOf({ a, b }: ComparisonResult['plans']): string {
  const { connections, depth, rate } = a;
  const transports = [...new Set([transportName(a.target), transportName(b.target)])].join(' and ');
  const shape =
    rate === undefined ? `${connections}x${depth}` : `${connections} connections, ${rate}/s wanted`;
  return `${transports}, ${shape}`;
}

/**
 * A B, B A, A B …: a drift of the machine hits both alike. Rejects as prepareLoad() and runLoad() do, and with
 * CONFIG_INVALID where the answers differ; with CANCELLED where it is aborted before the first round.
 */
export async function runComparison(
  request: ComparisonRequest,
  { onInterval, signal }: ComparisonWatch = {},
): Promise<ComparisonResult> {
  const plans = await plansOf(request, signal);
  if (request.anyAnswer !== true) await checkAnswers(plans.a, plans.b, signal);
  const reports: { a: LoadReport[]; b: LoadReport[] } = { a: [], b: [] };
  const isAborted = (): boolean => signal?.aborted === true;
  for (let round = 0; round < request.rounds && !isAborted(); round += 1)
    for (const side of round % 2 === 0 ? (['a', 'b'] as const) : (['b', 'a'] as const)) {
      const name = side === 'a' ? 'A' : 'B';
      const report = await runLoad(plans[side], {
        ...(signal === undefined ? {} : { signal }),
        onInterval: (interval) => onInterval?.(name, round + 1, interval),
      });
      // What was cut short is no round.
      if (isAborted()) break;
      reports[side].push(report);
    }
  const comparison = compareSides(
    nameOf(plans),
    reports.a.map(figuresOf),
    reports.b.map(figuresOf),
    request.statistics,
  );
  return { ...comparison, plans, reports, wasInterrupted: isAborted() };
}
