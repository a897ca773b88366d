/** Runs a scenario: starts what is to be measured, loads it, judges what was seen. */
import { RingwireError } from '../../errors.js';
import type { Implementation } from '../../transports/transport.js';
import type { LoadInterval, LoadPlan, LoadReport, LoadTarget } from '../load/load-plan.js';
import { runLoad } from '../load/run-load.js';
import { allowedCores, describeOrigin } from '../machine.js';
import {
  type MeasuredServer,
  type MeasuredTransport,
  type ServerUsage,
  startMeasuredServer,
} from '../servers/measured-server.js';
import { type Criterion, formatFigure, judge, metrics, type Verdict } from './criteria.js';
import { expand, type ResolvedLoad } from './expand.js';
import { figuresOf } from './figures.js';
import { findBreakingPoint, type StepVerdict } from './rise.js';
import type { BreakingPoint, RunResult, RunSubject, ScenarioResult } from './run-result.js';
import { contenderOf, schemeOf, subjectOf } from './run-subject.js';
import type { FormName, Rise, Scenario, ScenarioLoad } from './scenario.js';
import { planRun } from './subject.js';

export interface ScenarioOptions {
  readonly form?: FormName;
  /** Counts before what the scenario says. */
  readonly load?: ScenarioLoad;
  /** Counts before the scenario's. */
  readonly transports?: readonly MeasuredTransport[];
  /** Takes the place of those of the scenario that are of the same figure. */
  readonly criteria?: readonly Criterion[];
  /** Loaded in the place of servers of ours. */
  readonly target?: LoadTarget;
  /** The process behind `target`, for its processor time and memory. */
  readonly serverPid?: number;
  readonly implementation?: 'auto' | Implementation;
  readonly engine?: 'auto' | 'uws' | 'node';
  /** Whether a server of ours and the generator get a core each, where there are two. Default true. */
  readonly pin?: boolean;
}

export interface ScenarioWatch {
  onRun?(run: RunSubject, seconds: { readonly warmup: number; readonly measured: number }): void;
  onInterval?(run: RunSubject, interval: LoadInterval): void;
  onRunEnd?(result: RunResult): void;
  readonly signal?: AbortSignal;
}

/**
 * Runs every run of the scenario, one after the other. Rejects with CONFIG_INVALID where it cannot be run as it is, and
 * with what the only run failed with, or the first one of an address; of several runs a failed one is told in its result.
 */
export async function runScenario(
  scenario: Scenario,
  options: ScenarioOptions = {},
  watch: ScenarioWatch = {},
): Promise<ScenarioResult> {
  const origin = await describeOrigin();
  const run = new ScenarioRun(scenario, options, watch);
  const transports = options.target === undefined ? (options.transports ?? scenario.transports) : [undefined];
  const plans = transports.map((transport) => ({
    transport,
    ...expand(scenario, transport ?? schemeOf(options.target), options.load, options.form),
  }));
  run.isAlone = plans.length === 1 && plans[0].loads.length === 1 && plans[0].rise === undefined;
  for (const { transport, loads, rise } of plans) {
    if (rise === undefined) for (const load of loads) await run.measure(transport, load);
    else await run.climb(transport, loads[0], rise);
  }
  const { runs, breakingPoints } = run;
  return {
    scenario: scenario.name,
    description: scenario.description,
    ...(options.form === undefined ? {} : { form: options.form }),
    origin,
    runs,
    breakingPoints,
    wasInterrupted: watch.signal?.aborted === true,
    passed: run.passed,
  };
}

class ScenarioRun {
  readonly runs: RunResult[] = [];
  readonly breakingPoints: BreakingPoint[] = [];
  isAlone = false;
  readonly #scenario: Scenario;
  readonly #options: ScenarioOptions;
  readonly #watch: ScenarioWatch;
  readonly #criteria: readonly Criterion[];

  constructor(scenario: Scenario, options: ScenarioOptions, watch: ScenarioWatch) {
    this.#scenario = scenario;
    this.#options = options;
    this.#watch = watch;
    const own = options.criteria ?? [];
    this.#criteria = [
      ...scenario.criteria.filter(({ metric }) => !own.some((each) => each.metric === metric)),
      ...own,
    ];
  }

  get passed(): boolean {
    const decides = ({ criterion }: Verdict): boolean =>
      this.#options.form !== 'quick' || criterion.metric === 'errors';
    const missed = (verdicts: readonly Verdict[]): boolean =>
      verdicts.some((each) => each.verdict === 'missed' && decides(each));
    if (this.runs.some(({ error }) => error !== undefined)) return false;
    // A rise goes on until something is missed: it is judged by where.
    if (this.#scenario.rise !== undefined)
      return (
        this.#options.form === 'quick' ||
        this.breakingPoints.every(({ rate, verdicts }) => rate > 0 && !missed(verdicts))
      );
    return this.runs.every(({ verdicts }) => !missed(verdicts));
  }

  /** Undefined where the scenario was ended before. */
  async measure(
    transport: MeasuredTransport | undefined,
    load: ResolvedLoad,
  ): Promise<RunResult | undefined> {
    if (this.#watch.signal?.aborted === true) return undefined;
    const result = await this.#tried(transport, load);
    if (result === undefined) return undefined;
    this.runs.push(result);
    this.#watch.onRunEnd?.(result);
    return result;
  }

  async climb(transport: MeasuredTransport | undefined, load: ResolvedLoad, rise: Rise): Promise<void> {
    let reason = `held at every rate up to the last of ${rise.steps} steps`;
    const { held, brokeAt, generatorWasLimit } = await findBreakingPoint(rise, async (rate) => {
      const result = await this.measure(transport, { ...load, rate });
      // A run that was ended early says nothing of the rate.
      if (result === undefined || this.#watch.signal?.aborted === true) {
        reason = 'interrupted';
        return undefined;
      }
      const why = brokenBy(result);
      if (why !== undefined) reason = why.reason;
      return why?.verdict ?? 'held';
    });
    const name = transport ?? this.runs.at(-1)?.transport ?? '';
    this.breakingPoints.push({
      transport: name,
      rate: held,
      ...(brokeAt === undefined ? {} : { brokeAt }),
      // A sentence of its own, or what an error said.
      reason: reason.replace(/\.$/, ''),
      generatorWasLimit,
      verdicts: judge(this.#criteria, { breakingRate: held }, name).filter(
        ({ criterion }) => criterion.metric === 'breakingRate',
      ),
    });
  }

  async #tried(transport: MeasuredTransport | undefined, load: ResolvedLoad): Promise<RunResult | undefined> {
    const subject = subjectOf(transport, this.#options.target, load);
    try {
      return await this.#run(subject, transport, load);
    } catch (error) {
      // Ended before it had measured anything.
      if (this.#watch.signal?.aborted === true) return undefined;
      // A server of somebody else's that the first run cannot load is not there, or does not do what is asked for.
      const isHopeless = this.isAlone || (this.#options.target !== undefined && this.runs.length === 0);
      if (isHopeless || !(error instanceof RingwireError) || error.code === 'CONFIG_INVALID') throw error;
      const { code, message } = error;
      return { ...subject, error: { code, message }, figures: {}, verdicts: [], targets: [] };
    }
  }

  async #run(
    subject: RunSubject,
    transport: MeasuredTransport | undefined,
    load: ResolvedLoad,
  ): Promise<RunResult> {
    const { implementation, engine, serverPid, target } = this.#options;
    const cores = transport === undefined || this.#options.pin === false ? undefined : coresToPin();
    const server =
      transport === undefined
        ? undefined
        : await startMeasuredServer({
            transport,
            implementation,
            ...(hasEngine(transport) ? { engine } : {}),
            core: cores?.server,
          });
    try {
      const loaded = server?.target ?? (target as LoadTarget);
      const pid = server?.pid ?? serverPid;
      const settings = {
        ...(pid === undefined ? {} : { serverPid: pid }),
        ...(cores === undefined
          ? {}
          : { cores: 'command' in loaded ? cores : { generator: cores.generator } }),
      };
      const plan = await planRun(loaded, load, settings, this.#watch.signal);
      return await this.#load(subject, plan, server);
    } finally {
      await server?.stop();
    }
  }

  async #load(subject: RunSubject, plan: LoadPlan, server: MeasuredServer | undefined): Promise<RunResult> {
    this.#watch.onRun?.(subject, { warmup: plan.warmupSeconds, measured: plan.seconds });
    const before = await server?.usage();
    const startedAt = performance.now();
    const seen = await runLoad(plan, {
      onInterval: (interval) => this.#watch.onInterval?.(subject, interval),
      signal: this.#watch.signal,
    });
    const after = await server?.usage();
    const report = withUsage(seen, before, after, performance.now() - startedAt);
    const run: RunSubject = {
      ...subject,
      transport: server?.transport ?? report.transport,
      contender: contenderOf(subject, after),
    };
    const figures = figuresOf(report);
    const judged = (criteria: readonly Criterion[]): Verdict[] =>
      judge(
        criteria.filter(({ metric }) => metric !== 'breakingRate'),
        figures,
        run.transport,
      );
    return {
      ...run,
      report,
      figures,
      verdicts: judged(this.#criteria),
      targets: judged(this.#scenario.targets),
    };
  }
}

/** Why the rate of a step did not hold; undefined where it did. */
function brokenBy({
  report,
  error,
  verdicts,
}: RunResult): { readonly verdict: StepVerdict; readonly reason: string } | undefined {
  if (report === undefined) return { verdict: 'broke', reason: error?.message ?? 'the run failed' };
  const missed = verdicts.filter(({ verdict }) => verdict === 'missed');
  if (missed.length === 0) return undefined;
  if (report.saturation !== undefined && missed.every((each) => isOfGenerator(each, report)))
    return { verdict: 'generator', reason: report.saturation };
  const reasons = missed.map(({ criterion: { metric, text }, value }) => {
    const first = metric === 'errors' && report.firstError !== undefined ? ` (${report.firstError})` : '';
    return `${metrics[metric].label} ${formatFigure(metric, value ?? 0)}, wanted ${text}${first}`;
  });
  return { verdict: 'broke', reason: reasons.join('; ') };
}

/** Whether a criterion was missed for the delay of a generator that is at its end, and not for the server's. */
function isOfGenerator({ criterion, value = 0 }: Verdict, report: LoadReport): boolean {
  const lateMs = (report.lateP99us ?? 0) / 1000;
  if (metrics[criterion.metric].kind === 'time') return value - lateMs <= criterion.limit;
  // Nobody was late where calls fail; a rate is not reached by whoever takes longer.
  return criterion.metric === 'rateReached' && report.p99us / 1000 - lateMs <= Math.max(lateMs, 1);
}

/** What the kernel did not tell of the server's process, as on other systems than Linux, the server told itself. */
function withUsage(
  report: LoadReport,
  before: ServerUsage | undefined,
  after: ServerUsage | undefined,
  elapsedMs: number,
): LoadReport {
  if (report.serverCpu !== undefined || before === undefined || after === undefined) return report;
  // Warm-up included: the rate was the same.
  const serverCpu = (after.cpuUs - before.cpuUs) / 1000 / elapsedMs;
  const rssMb = after.rssBytes / 2 ** 20;
  return {
    ...report,
    serverCpu,
    cpuUsPerMsg: report.rate > 0 ? (serverCpu * 1e6) / report.rate : undefined,
    rssMb,
    rssPeakMb: Math.max(rssMb, before.rssBytes / 2 ** 20),
  };
}

function coresToPin(): { readonly server: number; readonly generator: number } | undefined {
  // Elsewhere nobody tells which cores there are.
  const [server, generator] = allowedCores();
  return generator === undefined ? undefined : { server, generator };
}

function hasEngine(transport: MeasuredTransport): boolean {
  return transport === 'http' || transport === 'http2' || transport === 'ws';
}
