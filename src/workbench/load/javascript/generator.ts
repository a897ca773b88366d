/** Runs a load plan in this process: opens the connections, asks each kind once, loads, waits for the rest, reports. */
import { RingwireError } from '../../../errors.js';
import { defaultTimeoutMs } from '../../../limits.js';
import { aborted } from '../../../transports/system-errors.js';
import { checkLoadPlan } from '../check-plan.js';
import type { LoadPlan, LoadReport, LoadWatch } from '../load-plan.js';
import { isHttp, transportName } from '../transport-name.js';
import { AnswerShapes } from './answers.js';
import { Conversation, initialize } from './conversation.js';
import { Lane, type LaneContext, type Outcome } from './lane.js';
import type { Link } from './link.js';
import { bytesOf, requestMessage } from './message.js';
import { openLink } from './open-link.js';
import { LoadRun } from './run.js';
import { Tally } from './tally.js';
import { WeightedDraw } from './weighted-draw.js';

/** How long a load waits where nobody says how long. */
export interface Patience {
  /** For the answer to the first request of each kind, in milliseconds. */
  readonly firstAnswerMs: number;
  /** For what is in flight when the window is over, in milliseconds. */
  readonly drainMs: number;
}

const usualPatience: Patience = { firstAnswerMs: defaultTimeoutMs, drainMs: 10_000 };

/** Connections that are made at once: more would overrun the backlog of an ordinary listener. */
const openedAtOnce = 64;

/** A server that fails now and then is worth a load; one that fails each time is not. */
const firstAttempts = 5;

/** In the open loop of a byte stream requests do not wait for each other, up to this many of them. */
const openWindow = 4_096;

/** Streams that servers usually grant one HTTP/2 connection. */
const http2Window = 100;

/** The same mix in every run. */
const seed = 20_261_122;

function windowOf({ depth, rate, target }: LoadPlan, transport: string): number {
  if (depth !== undefined) return depth;
  if (rate === undefined || transport === 'http' || transport === 'https') return 1;
  return 'url' in target && target.http2 === true ? http2Window : openWindow;
}

/** A connection on which the server was greeted as its era wants. */
async function openGreeted(
  plan: LoadPlan,
  window: number,
  patience: Patience,
  signal: AbortSignal | undefined,
): Promise<Link> {
  const link = await openLink(plan.target, window, plan.cores?.server);
  if (plan.era !== 'legacy') return link;
  const conversation = new Conversation(link, signal);
  try {
    const greeting = await initialize(conversation, isHttp(plan.target), patience.firstAnswerMs);
    if ('problem' in greeting)
      throw new RingwireError('PROTOCOL_VERSION', `The server refused initialize: ${greeting.problem}`);
    conversation.release();
    return link;
  } catch (error) {
    await conversation.close();
    throw error;
  }
}

/** One answer to the operation, or DEADLINE_EXCEEDED, or CANCELLED. */
async function firstAnswer(
  plan: LoadPlan,
  lane: Lane,
  index: number,
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const { name, method } = plan.operations[index];
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => {};
  const late = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(aborted('The load', signal as AbortSignal));
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort);
    timer = setTimeout(() => {
      const text = `The server did not answer the first "${name}" (${method}) within ${limitMs} ms.`;
      reject(new RingwireError('DEADLINE_EXCEEDED', text));
    }, limitMs);
  });
  return Promise.race([lane.once(index), late]).finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  });
}

/** Asks for each kind until it is answered well, so that a load begins with a server that works. */
async function tryOperations(
  plan: LoadPlan,
  lane: Lane,
  patience: Patience,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const [index, { name, method }] of plan.operations.entries()) {
    let outcome: Outcome = 'good';
    for (let attempt = 1; attempt <= firstAttempts; attempt += 1) {
      outcome = await firstAnswer(plan, lane, index, patience.firstAnswerMs, signal);
      if (outcome === 'good') break;
      if (outcome.isLost) throw new RingwireError('CONNECTION_CLOSED', outcome.problem);
    }
    if (outcome === 'good') continue;
    const text = `The server does not answer "${name}" (${method}) with what a load needs: ${outcome.problem}`;
    throw new RingwireError('RPC_ERROR', text);
  }
}

async function openLanes(plan: LoadPlan, context: LaneContext, signal?: AbortSignal): Promise<Lane[]> {
  const lanes: Lane[] = [];
  try {
    while (lanes.length < plan.connections) {
      if (signal?.aborted) throw aborted('The load', signal);
      const count = Math.min(openedAtOnce, plan.connections - lanes.length);
      const links = await Promise.allSettled(Array.from({ length: count }, () => context.open()));
      for (const result of links)
        if (result.status === 'fulfilled') lanes.push(new Lane(lanes.length, context, result.value));
      const failed = links.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    }
  } catch (error) {
    await Promise.all(lanes.map((lane) => lane.close()));
    throw error;
  }
  return lanes;
}

/**
 * Rejects with CONFIG_INVALID, with what a connection failed with before the load began, and with CANCELLED where it was
 * aborted before. Aborted later, the load ends early and is reported.
 */
export async function generateLoad(
  plan: LoadPlan,
  watch: LoadWatch = {},
  patience: Patience = usualPatience,
): Promise<LoadReport> {
  checkLoadPlan(plan);
  const { operations, era, rate, connections } = plan;
  const transport = transportName(plan.target);
  const window = windowOf(plan, transport);
  const messages = operations.map(({ method, params }) => requestMessage(method, params, era));
  const tally = new Tally(operations, messages.map(bytesOf), rate !== undefined);
  let run: LoadRun | undefined;
  const context: LaneContext = {
    operations,
    messages,
    shapes: new AnswerShapes(operations),
    draw: new WeightedDraw(
      operations.map(({ weight }) => weight),
      seed,
    ),
    tally,
    window,
    // A load that was begun ends with a report.
    open: () => openGreeted(plan, window, patience, run === undefined ? watch.signal : undefined),
    schedule:
      rate === undefined
        ? undefined
        : (lane, count) => (run?.startedAt ?? 0) + ((count * connections + lane) * 1000) / rate,
  };
  const lanes = await openLanes(plan, context, watch.signal);
  try {
    await tryOperations(plan, lanes[0], patience, watch.signal);
    if (watch.signal?.aborted) throw aborted('The load', watch.signal);
    run = new LoadRun(plan, { lanes, tally, window, transport, drainMs: patience.drainMs }, watch);
    return await run.run();
  } finally {
    tally.phase = 'over';
    await Promise.all(lanes.map((lane) => lane.close()));
  }
}
