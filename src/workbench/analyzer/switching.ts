/** Goes from each transport to each other one: closes, connects, and waits for the first answer that is right. */
import { performance } from 'node:perf_hooks';
import { type SwitchingRow, switchingFindings, switchingSection } from '../../analysis/analyses/switching.js';
import type { AnalysisResult } from './analysis-result.js';
import { type AnalyzerOptions, checkNotAborted } from './analyzer-options.js';
import { callers } from './background.js';
import { asRingwireError, EchoClient, EchoTexts } from './echo-client.js';
import { type EchoServer, startEchoServer } from './echo-server.js';
import { mean, pick } from './pace.js';
import type { AnalyzedTransport } from './transports.js';

export interface SwitchingOptions extends AnalyzerOptions {
  /** Default false: more switches of each pair. */
  readonly short?: boolean;
  /** Default stdio, tcp, unix, http, ws; short: stdio, tcp, http. */
  readonly transports?: readonly AnalyzedTransport[];
}

/** A switch that took longer is none. */
const patienceMs = 5_000;
const textBytes = 256;
/** Calls in flight on the connection that is switched, and of others on both ends, where it is loaded. */
const loadCallers = 4;

export async function switchingAnalysis(
  options: SwitchingOptions = {},
): Promise<AnalysisResult<SwitchingRow>> {
  const effort = { isShort: options.short === true };
  const transports =
    options.transports ?? pick(effort, ['stdio', 'tcp', 'http'], ['stdio', 'tcp', 'unix', 'http', 'ws']);
  const repeats = pick(effort, 1, 5);
  const servers = new Map<AnalyzedTransport, EchoServer>();
  const rows: SwitchingRow[] = [];
  try {
    for (const transport of transports)
      servers.set(transport, await startEchoServer(transport, { implementation: options.implementation }));
    for (const isLoaded of [false, true])
      for (const from of transports)
        for (const to of transports) {
          if (from === to) continue;
          checkNotAborted(options);
          options.onProgress?.(`switching from ${from} to ${to}${isLoaded ? ' under load' : ''}`);
          const ends = [servers.get(from), servers.get(to)] as [EchoServer, EchoServer];
          rows.push(await pairOf(ends, isLoaded, repeats));
        }
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
  }
  const findings = switchingFindings(rows);
  return { name: 'switching', rows, samples: [], findings, section: switchingSection(rows, findings) };
}

async function pairOf(
  ends: [EchoServer, EchoServer],
  isLoaded: boolean,
  repeats: number,
): Promise<SwitchingRow> {
  // Others' calls to a child on stdio would be to a child of theirs.
  const loaded = isLoaded ? ends.filter(({ transport }) => transport !== 'stdio') : [];
  const load = await Promise.all(loaded.map(({ target }) => callers(target, loadCallers)));
  const times: number[] = [];
  let failures = 0;
  let firstError: string | undefined;
  try {
    for (let done = 0; done < repeats; done += 1) {
      const { ms, error } = await switchOnce(ends, isLoaded);
      if (error === undefined) times.push(ms);
      else {
        failures += 1;
        firstError ??= error.message;
      }
    }
  } finally {
    await Promise.all(load.map((each) => each.stop()));
  }
  return {
    from: ends[0].transport,
    to: ends[1].transport,
    isLoaded,
    switches: repeats,
    failures,
    ...(firstError !== undefined && { firstError }),
    meanMs: mean(times),
    maxMs: Math.max(0, ...times),
  };
}

/** Calls that are in flight on the old connection are waited for: a switch that loses them has failed. */
async function switchOnce([from, to]: [EchoServer, EchoServer], isLoaded: boolean) {
  const texts = new EchoTexts(textBytes);
  let client: EchoClient | undefined;
  try {
    const old = await EchoClient.open(from.target, { timeoutMs: patienceMs });
    client = old;
    const { error } = await old.call(texts.next());
    if (error !== undefined) return { ms: 0, error };
    const inFlight = Array.from({ length: isLoaded ? loadCallers : 0 }, () => old.call(texts.next()));
    const startedAt = performance.now();
    const lost = (await Promise.all(inFlight)).find((outcome) => outcome.error !== undefined);
    await old.close();
    client = await EchoClient.open(to.target, { timeoutMs: patienceMs });
    const outcome = await client.call(texts.next());
    return { ms: performance.now() - startedAt, error: outcome.error ?? lost?.error };
  } catch (error) {
    return { ms: 0, error: asRingwireError(error) };
  } finally {
    await client?.close();
  }
}
