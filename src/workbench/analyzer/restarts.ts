/** Kills and starts again what serves, while clients of others go on calling. */
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { type RestartRow, restartFindings, restartSection } from '../../analysis/analyses/restarts.js';
import { RingwireError } from '../../errors.js';
import type { Target } from '../../mcp/client-options.js';
import type { AnalysisResult } from './analysis-result.js';
import { type AnalyzerOptions, checkNotAborted } from './analyzer-options.js';
import { type BackgroundCalls, callers } from './background.js';
import { asRingwireError, EchoClient, EchoTexts } from './echo-client.js';
import type { EchoAssignment, FromEcho } from './echo-protocol.js';
import { echoScript, startEchoServer } from './echo-server.js';
import { attempts, mean, pick } from './pace.js';

export interface RestartOptions extends AnalyzerOptions {
  readonly short?: boolean;
}

/** To each of those that are not restarted. */
const connectionsEach = 2;
/** A restart without a right answer in this time has failed. */
const patienceMs = 10_000;

/** What can be killed and started again. Both resolve when it is done. */
interface Unit {
  readonly target: Target;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const kinds = ['stdio child', 'process', 'worker'] as const;

export async function restartAnalysis(options: RestartOptions = {}): Promise<AnalysisResult<RestartRow>> {
  const effort = { isShort: options.short === true };
  const restarts = pick(effort, 1, 10);
  const unitCount = pick(effort, 2, 4);
  const rows: RestartRow[] = [];
  for (const kind of kinds) {
    const units: Unit[] = [];
    try {
      for (let made = 0; made < unitCount; made += 1) units.push(await startUnit(kind, options));
      options.onProgress?.(`restarts of a ${kind}`);
      rows.push(await restartOne(kind, units, restarts, options));
      if (kind === 'worker') {
        options.onProgress?.('restarts of all workers');
        rows.push(await restartAll(units, restarts, options));
      }
    } finally {
      await Promise.all(units.map((unit) => unit.stop()));
    }
  }
  const findings = restartFindings(rows);
  return { name: 'restarts', rows, samples: [], findings, section: restartSection(rows, findings) };
}

function startUnit(kind: (typeof kinds)[number], { implementation }: AnalyzerOptions): Promise<Unit> {
  if (kind === 'stdio child') return stdioUnit(implementation);
  return kind === 'worker' ? workerUnit(implementation) : processUnit(implementation);
}

async function processUnit(implementation: EchoAssignment['implementation']): Promise<Unit> {
  const server = await startEchoServer('tcp', { implementation });
  return {
    target: server.target,
    kill: () => server.kill('SIGKILL'),
    start: () => server.start(),
    stop: () => server.stop(),
  };
}

/** Lives as long as the connection to it: a restart is a new connection. */
async function stdioUnit(implementation: EchoAssignment['implementation']): Promise<Unit> {
  const { target } = await startEchoServer('stdio', { implementation });
  const open = (): Promise<EchoClient> => EchoClient.open(target, { transport: { childExitGraceMs: 100 } });
  let client = await open();
  return {
    target,
    kill: async () => {
      const pid = (await client.usage())?.pid;
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      await client.client.closed;
    },
    start: async () => {
      client = await open();
    },
    stop: () => client.close(),
  };
}

async function workerUnit(implementation: EchoAssignment['implementation']): Promise<Unit> {
  let assignment: EchoAssignment = { url: 'tcp://127.0.0.1:0', role: 'echo', implementation };
  let worker: Worker;
  const start = async (): Promise<void> => {
    worker = new Worker(echoScript, { workerData: assignment });
    const [message] = (await once(worker, 'message')) as [FromEcho];
    if (message.kind === 'failed')
      throw new RingwireError('IO_ERROR', `A worker did not start: ${message.message}`);
    assignment = { ...assignment, url: message.url };
  };
  const kill = async (): Promise<void> => void (await worker.terminate());
  await start();
  return {
    get target() {
      return assignment.url;
    },
    kill,
    start,
    stop: kill,
  };
}

interface Restarted {
  readonly firstAnswerMs: number;
  readonly downMs: number;
  readonly error?: string;
}

async function restart(units: readonly Unit[]): Promise<Restarted> {
  const texts = new EchoTexts(64);
  const killedAt = performance.now();
  await Promise.all(units.map((unit) => unit.kill()));
  const startedAt = performance.now();
  try {
    await Promise.all(units.map((unit) => unit.start()));
    for (const unit of units) await answerOf(unit, texts);
  } catch (error) {
    return { firstAnswerMs: 0, downMs: 0, error: asRingwireError(error).message };
  }
  const now = performance.now();
  return { firstAnswerMs: now - startedAt, downMs: now - killedAt };
}

/** Connects until an answer is right. */
async function answerOf({ target }: Unit, texts: EchoTexts): Promise<void> {
  let last: unknown;
  for await (const _ of attempts(patienceMs)) {
    let client: EchoClient | undefined;
    try {
      client = await EchoClient.open(target, { timeoutMs: patienceMs });
      const { error } = await client.call(texts.next());
      if (error === undefined) return;
      last = error;
    } catch (error) {
      last = error;
    } finally {
      await client?.close();
    }
  }
  throw last ?? new RingwireError('DEADLINE_EXCEEDED', `There was no right answer within ${patienceMs} ms.`);
}

async function restartOne(
  kind: string,
  [victim, ...others]: readonly Unit[],
  restarts: number,
  options: AnalyzerOptions,
): Promise<RestartRow> {
  const calling: BackgroundCalls[] = [];
  const done: Restarted[] = [];
  let hurt = 0;
  try {
    for (const { target } of others)
      for (let made = 0; made < connectionsEach; made += 1) calling.push(await callers(target, 1));
    for (let count = 0; count < restarts; count += 1) {
      checkNotAborted(options);
      await Promise.all(calling.map((each) => each.round()));
      for (const each of calling) each.failures();
      done.push(await restart([victim]));
      await Promise.all(calling.map((each) => each.round()));
      hurt += calling.filter((each) => each.failures() > 0).length;
    }
  } finally {
    await Promise.all(calling.map((each) => each.stop()));
  }
  return rowOf(kind, done, {
    ownConnections: 1,
    otherConnections: calling.length * restarts,
    hurtConnections: hurt,
  });
}

async function restartAll(
  units: readonly Unit[],
  restarts: number,
  options: AnalyzerOptions,
): Promise<RestartRow> {
  const done: Restarted[] = [];
  for (let count = 0; count < restarts; count += 1) {
    checkNotAborted(options);
    done.push(await restart(units));
  }
  return rowOf('all workers', done, {
    ownConnections: units.length,
    otherConnections: 0,
    hurtConnections: 0,
  });
}

function rowOf(
  unit: string,
  done: readonly Restarted[],
  connections: Pick<RestartRow, 'ownConnections' | 'otherConnections' | 'hurtConnections'>,
): RestartRow {
  const good = done.filter(({ error }) => error === undefined);
  const firstError = done.find(({ error }) => error !== undefined)?.error;
  return {
    unit,
    restarts: done.length,
    failures: done.length - good.length,
    ...(firstError !== undefined && { firstError }),
    firstAnswerMs: mean(good.map(({ firstAnswerMs }) => firstAnswerMs)),
    firstAnswerMaxMs: Math.max(0, ...good.map(({ firstAnswerMs }) => firstAnswerMs)),
    downMs: mean(good.map(({ downMs }) => downMs)),
    ...connections,
  };
}
