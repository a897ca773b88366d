/** Loses connections in every way there is, and waits until a client that goes on calling has a right answer. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type FailureClass,
  failureClasses,
  type ReconnectionRow,
  reconnectionFindings,
  reconnectionSection,
} from '../../analysis/analyses/reconnection.js';
import type { AnalysisResult } from './analysis-result.js';
import { type AnalyzerOptions, checkNotAborted } from './analyzer-options.js';
import { asRingwireError, EchoClient, EchoTexts, type Outcome } from './echo-client.js';
import { type EchoServer, startEchoServer } from './echo-server.js';
import { attempts, mean, pick } from './pace.js';
import { type ResetProxy, startResetProxy } from './reset-proxy.js';
import type { AnalyzedTransport } from './transports.js';

export interface ReconnectionOptions extends AnalyzerOptions {
  readonly short?: boolean;
  /** Default stdio, tcp, unix, http, ws; short: stdio, tcp, http. */
  readonly transports?: readonly ReconnectedTransport[];
  /** Default: all that can happen to the transport. */
  readonly failures?: readonly FailureClass[];
}

export type ReconnectedTransport = Exclude<AnalyzedTransport, 'memory'>;

export const reconnectedTransports: readonly ReconnectedTransport[] = ['stdio', 'tcp', 'unix', 'http', 'ws'];

/** Of each call: an unresponsive server is found out by nothing else. */
const callTimeoutMs = 500;
/** How long the server is away. */
const outageMs = 150;
/** After which an attempt counts as failed. */
const patienceMs = 10_000;

/** A child on stdio is not connected to, and a Unix socket has no reset. */
function happensTo(transport: ReconnectedTransport, failure: FailureClass): boolean {
  if (transport === 'stdio') return failure !== 'refused' && failure !== 'reset';
  return !(transport === 'unix' && failure === 'reset');
}

export async function reconnectionAnalysis(
  options: ReconnectionOptions = {},
): Promise<AnalysisResult<ReconnectionRow>> {
  const effort = { isShort: options.short === true };
  const { failures = failureClasses } = options;
  const transports = options.transports ?? pick(effort, ['stdio', 'tcp', 'http'], reconnectedTransports);
  const repeats = pick(effort, 1, 5);
  const rows: ReconnectionRow[] = [];
  for (const transport of transports)
    for (const failure of failures) {
      if (!happensTo(transport, failure)) continue;
      options.onProgress?.(`reconnection on ${transport} after ${failure}`);
      const tries: Attempt[] = [];
      for (let done = 0; done < repeats; done += 1) {
        checkNotAborted(options);
        tries.push(await attempt(transport, failure, options).catch(failed));
      }
      rows.push(rowOf(transport, failure, tries));
    }
  const findings = reconnectionFindings(rows);
  return { name: 'reconnection', rows, samples: [], findings, section: reconnectionSection(rows, findings) };
}

interface Attempt {
  readonly detectMs: number;
  readonly outageMs: number;
  /** Undefined where no right answer came. */
  readonly recoverMs?: number;
  readonly error?: string;
}

/** What could not even begin has not succeeded either. */
function failed(error: unknown): Attempt {
  return { detectMs: 0, outageMs: 0, error: asRingwireError(error).message };
}

function rowOf(transport: string, failure: FailureClass, tries: readonly Attempt[]): ReconnectionRow {
  const good = tries.filter(({ recoverMs }) => recoverMs !== undefined);
  const firstError = tries.find(
    ({ recoverMs, error }) => recoverMs === undefined && error !== undefined,
  )?.error;
  return {
    transport,
    failure,
    attempts: tries.length,
    recovered: good.length,
    ...(firstError !== undefined && { firstError }),
    outageMs: mean(tries.map((each) => each.outageMs)),
    detectMs: mean(tries.map(({ detectMs }) => detectMs)),
    recoverMs: mean(good.map(({ recoverMs = 0 }) => recoverMs)),
    afterReturnMs: mean(good.map((each) => Math.max(0, (each.recoverMs ?? 0) - each.outageMs))),
  };
}

async function attempt(
  transport: ReconnectedTransport,
  failure: FailureClass,
  { implementation }: AnalyzerOptions,
): Promise<Attempt> {
  const server = await startEchoServer(transport, { implementation });
  const proxy = failure === 'reset' ? await startResetProxy(server.target as string) : undefined;
  const caller = new Caller(proxy?.url ?? server.target);
  try {
    if (failure !== 'refused') await caller.begin();
    else await server.kill('SIGTERM');
    const pid = await caller.pid();
    const startedAt = performance.now();
    const damage: Damage = {};
    const struck = strike(failure, { server, proxy, pid }).then(
      () => {
        damage.overAt = performance.now();
      },
      (error: unknown) => {
        damage.error = asRingwireError(error).message;
      },
    );
    const [found] = await Promise.all([caller.untilAnswered(startedAt, damage), struck]);
    // A child on stdio is there again when it is asked for.
    const isStarted = transport === 'stdio' && failure !== 'unresponsive';
    return { ...found, outageMs: isStarted ? 0 : (damage.overAt ?? performance.now()) - startedAt };
  } finally {
    await caller.end();
    await proxy?.close();
    await server.stop();
  }
}

interface Damage {
  /** When the server was there again. */
  overAt?: number;
  /** Why it will not be. */
  error?: string;
}

interface Victim {
  readonly server: EchoServer;
  readonly proxy: ResetProxy | undefined;
  /** Of the process that answers. */
  readonly pid: number | undefined;
}

/** Does the damage at once; resolves when it is over. */
async function strike(failure: FailureClass, { server, proxy, pid }: Victim): Promise<void> {
  if (failure === 'reset') {
    proxy?.reset();
    return;
  }
  const onStdio = server.transport === 'stdio';
  if (failure === 'unresponsive') {
    if (pid !== undefined) await freeze(pid, callTimeoutMs + outageMs);
    return;
  }
  const name = failure === 'crash' ? 'SIGKILL' : 'SIGTERM';
  if (onStdio) {
    while (signal(pid, name)) await wait(2);
    return;
  }
  if (failure !== 'refused') await server.kill(name);
  await wait(outageMs);
  await server.start();
}

/** By a process of its own: what is stopped goes on even where this process is killed meanwhile. */
async function freeze(pid: number, ms: number): Promise<void> {
  const script = 'kill -STOP "$0" && sleep "$1"; kill -CONT "$0"';
  const shell = spawn('/bin/sh', ['-c', script, String(pid), String(ms / 1_000)], {
    stdio: 'ignore',
    // Ctrl-C is for us alone.
    detached: true,
  });
  await once(shell, 'exit');
}

/** False where there is no such process any more. */
function signal(pid: number | undefined, name: NodeJS.Signals): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Calls again and again; the client below it connects anew by itself. */
class Caller {
  readonly #target: EchoServer['target'];
  readonly #texts = new EchoTexts(64);
  #client: EchoClient | undefined;

  constructor(target: EchoServer['target']) {
    this.#target = target;
  }

  async begin(): Promise<void> {
    const { error } = await this.#call();
    if (error !== undefined) throw error;
  }

  async pid(): Promise<number | undefined> {
    return (await this.#client?.usage())?.pid;
  }

  async #call(): Promise<Outcome> {
    try {
      this.#client ??= await EchoClient.open(this.#target, {
        reconnect: true,
        timeoutMs: callTimeoutMs,
        transport: { connectTimeoutMs: 1_000, childExitGraceMs: 100 },
      });
    } catch (error) {
      return { ms: 0, error: asRingwireError(error) };
    }
    return this.#client.call(this.#texts.next());
  }

  /**
   * Until an answer is right after a call that failed, or after the damage is done: where the client mends it before a
   * call fails, it is noticed when the call is answered.
   */
  async untilAnswered(startedAt: number, damage: Damage): Promise<Omit<Attempt, 'outageMs'>> {
    let detectMs: number | undefined;
    let error: string | undefined;
    for await (const _ of attempts(patienceMs)) {
      if (damage.error !== undefined) break;
      const wasOver = damage.overAt !== undefined;
      const outcome = await this.#call();
      const now = performance.now() - startedAt;
      if (outcome.error !== undefined) {
        detectMs ??= now;
        error = outcome.error.message;
      } else if (detectMs !== undefined || wasOver)
        return { detectMs: detectMs ?? now, recoverMs: now, ...(error !== undefined && { error }) };
    }
    const reason = damage.error ?? error;
    return { detectMs: detectMs ?? patienceMs, ...(reason !== undefined && { error: reason }) };
  }

  async end(): Promise<void> {
    await this.#client?.close();
  }
}
