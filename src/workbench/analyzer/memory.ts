/** Loads a server for each transport, and looks at what it holds. */
import { type MemoryRow, memoryFindings, memoryRow, memorySection } from '../../analysis/analyses/memory.js';
import type { Sample } from '../../analysis/sample.js';
import type { AnalysisResult } from './analysis-result.js';
import { type AnalyzerOptions, checkNotAborted, withServer } from './analyzer-options.js';
import { pick } from './pace.js';
import { loadOf } from './transport-tests.js';
import { type AnalyzedTransport, checkWhole } from './transports.js';

export interface MemoryOptions extends AnalyzerOptions {
  readonly short?: boolean;
  /** Default stdio, tcp, unix, http, ws (short: stdio, tcp, http): in memory there is no process to look at. */
  readonly transports?: readonly Exclude<AnalyzedTransport, 'memory'>[];
  /** Of the load on each transport. Default 15,000; short: 800, which is too short to find a slow leak. */
  readonly durationMs?: number;
}

const bytes = 1_024;
const connections = 2;
const callers = 16;
/** A run gives so many samples. */
const samplesEach = 60;

export async function memoryAnalysis(options: MemoryOptions = {}): Promise<AnalysisResult<MemoryRow>> {
  const effort = { isShort: options.short === true };
  const transports =
    options.transports ?? pick(effort, ['stdio', 'tcp', 'http'], ['stdio', 'tcp', 'unix', 'http', 'ws']);
  const usual = pick(effort, 800, 15_000);
  const durationMs = checkWhole('durationMs', options.durationMs ?? usual, 100, 24 * 3_600_000);
  const rows: MemoryRow[] = [];
  const samples: Sample[] = [];
  for (const transport of transports) {
    options.onProgress?.(`memory under load on ${transport}`);
    const found = await withServer(transport, options, (target) =>
      loadOf(transport, options, {
        target,
        bytes,
        connections,
        callers,
        durationMs,
        warmupCalls: 0,
        intervalMs: Math.max(20, durationMs / samplesEach),
      }),
    );
    checkNotAborted(options);
    samples.push(...found.samples);
    rows.push(memoryRow(transport, found.samples));
  }
  const findings = memoryFindings(samples);
  return { name: 'memory', rows, samples, findings, section: memorySection(rows, samples, findings) };
}
