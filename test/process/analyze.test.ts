/** The performance analyzer for real, in its shortest forms: on loaded machines only counts and outcomes are asserted. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { throughputSection } from '../../src/analysis/analyses/transport-tests.js';
import { createServer } from '../../src/mcp/server.js';
import { analysisNames } from '../../src/workbench/analyzer/analysis-result.js';
import { reportOf } from '../../src/workbench/analyzer/bottleneck-report.js';
import { bufferingAnalysis } from '../../src/workbench/analyzer/buffering.js';
import { EchoTexts } from '../../src/workbench/analyzer/echo-client.js';
import { memoryAnalysis } from '../../src/workbench/analyzer/memory.js';
import { PerformanceAnalyzer } from '../../src/workbench/analyzer/performance-analyzer.js';
import { reconnectionAnalysis } from '../../src/workbench/analyzer/reconnection.js';
import { restartAnalysis } from '../../src/workbench/analyzer/restarts.js';
import { routingAnalysis } from '../../src/workbench/analyzer/routing.js';
import type { AnalysisResults } from '../../src/workbench/analyzer/six-analyses.js';
import { switchingAnalysis } from '../../src/workbench/analyzer/switching.js';
import { analyzedTransports } from '../../src/workbench/analyzer/transports.js';
import { cli, Running } from './run.js';

const endings: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ringwire-analyze-'));
  endings.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe('PerformanceAnalyzer', () => {
  it.each(analyzedTransports)('[R62] compares every answer of a throughput test on %s', async (transport) => {
    const analyzer = await PerformanceAnalyzer.start();
    const { figures, samples } = await analyzer.runThroughputTest(transport, 200, 1_024);
    expect(figures).toMatchObject({ calls: 200, errors: 0, wrong: 0 });
    expect(figures.kilobytesPerSecond).toBeCloseTo(figures.callsPerSecond * 1.024, 3);
    expect(figures.latency.count).toBe(200);
    expect(figures.server?.rssBytes).toBeGreaterThan(10e6);
    expect(samples.reduce((sum, { calls }) => sum + (calls?.calls ?? 0), 0)).toBe(200);
  });

  it('finds out a server that answers wrongly, and one that fails', async () => {
    let calls = 0;
    const server = createServer({ name: 'liar', version: '1.0.0' }).tool('echo', ({ text }) => {
      calls += 1;
      if (calls % 10 === 5) throw new Error('out of order');
      return calls % 10 === 0 ? 'something else' : String(text);
    });
    const { url } = await server.listen('tcp://127.0.0.1:0');
    endings.push(() => server.close({ drainTimeoutMs: 0 }));
    const analyzer = await PerformanceAnalyzer.start({ servers: { tcp: url } });
    const { figures, findings } = await analyzer.runLatencyTest('tcp', 50);
    expect(figures).toMatchObject({ calls: 50, errors: 10, wrong: 10 });
    expect(findings.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['wrong-answer', 'error-rate']));
    expect(findings[0]).toMatchObject({ rule: 'wrong-answer', severity: 'critical' });
  });

  it('ramps workers until calls fail, and says so', async () => {
    const server = createServer({ name: 'weak', version: '1.0.0' });
    let open = 0;
    server.tool('echo', async ({ text }) => {
      open += 1;
      try {
        if (open > 6) throw new Error('too many');
        await new Promise((resolve) => setTimeout(resolve, 5));
        return String(text);
      } finally {
        open -= 1;
      }
    });
    const { url } = await server.listen('tcp://127.0.0.1:0');
    endings.push(() => server.close({ drainTimeoutMs: 0 }));
    const analyzer = await PerformanceAnalyzer.start({ servers: { tcp: url } });
    const { steps, breakingPoint } = await analyzer.runStressTest('tcp', 800, 2, { latencyMs: 10_000 });
    expect(breakingPoint).toMatchObject({ workers: 8, reason: 'errors' });
    expect(steps.map(({ workers }) => workers)).toEqual([2, 4, 8]);
  });

  it('tells success by connections, and rates by connections and sizes', async () => {
    const analyzer = await PerformanceAnalyzer.start();
    const concurrent = await analyzer.runConcurrentTest('unix', [1, 5], { messagesPerConnection: 3 });
    expect(concurrent.rows.map((row) => [row.connections, row.successShare, row.figures.calls])).toEqual([
      [1, 1, 3],
      [5, 1, 15],
    ]);
    const scaling = await analyzer.runScalingTest('memory', {
      connections: [1, 2],
      sizes: [64],
      durationMs: 30,
    });
    expect(scaling.rows.map((row) => [row.connections, row.bytesPerMessage, row.figures.errors])).toEqual([
      [1, 1_024, 0],
      [2, 1_024, 0],
      [1, 64, 0],
    ]);
  });

  it('watches resources, judges samples, and ends with stop()', async () => {
    const analyzer = await PerformanceAnalyzer.start();
    const samples = [];
    for await (const sample of analyzer.monitorResources(60, 20)) samples.push(sample);
    expect(samples.length).toBeGreaterThan(0);
    expect(samples[0].process?.rssBytes).toBeGreaterThan(0);
    const calls = { calls: 100, errors: 50 };
    expect(analyzer.analyzeBottlenecks([{ atMs: 1_000, intervalMs: 1_000, calls }])).toMatchObject([
      { rule: 'error-rate', severity: 'critical' },
    ]);
    analyzer.stop();
    await expect(analyzer.runLatencyTest('memory', 1_000_000)).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('names what is wrong with an argument', async () => {
    const analyzer = await PerformanceAnalyzer.start();
    await expect(analyzer.runThroughputTest('tpc' as 'tcp')).rejects.toThrow(
      /"transport" must be one of stdio/,
    );
    await expect(analyzer.runThroughputTest('tcp', 0)).rejects.toThrow(
      /"messages" must be a whole number from 1/,
    );
    await expect(analyzer.runStressTest('tcp', 1)).rejects.toThrow(/"durationMs"/);
    await expect(analyzer.runConcurrentTest('stdio', 33)).rejects.toThrow(/"connections".* to 32/);
  });

  it('sends no text twice', () => {
    const texts = new EchoTexts(8);
    const sent = Array.from({ length: 1_000 }, () => texts.next());
    expect(new Set(sent).size).toBe(1_000);
    expect(sent.every((text) => text.length === 8)).toBe(true);
    expect(new EchoTexts(1).next()).toHaveLength(1);
  });
});

describe('the six analyses', () => {
  it('[R63] switch between transports, idle and under load', async () => {
    const { rows, section } = await switchingAnalysis({ short: true, transports: ['tcp', 'http'] });
    expect(rows.map((row) => [row.from, row.to, row.isLoaded, row.failures])).toEqual([
      ['tcp', 'http', false, 0],
      ['http', 'tcp', false, 0],
      ['tcp', 'http', true, 0],
      ['http', 'tcp', true, 0],
    ]);
    expect(rows.every(({ meanMs }) => meanMs > 0)).toBe(true);
    expect(section.tables?.[0].columns).toContain('Seed (mean)');
  });

  it('[R63] route calls among few and many entries', async () => {
    const { rows } = await routingAnalysis({ short: true, entries: [1, 300] });
    expect(rows.map((row) => [row.registry, row.entries, row.errors])).toEqual([
      ['tools', 1, 0],
      ['tools', 300, 0],
      ['resources', 1, 0],
      ['resources', 300, 0],
      ['methods', 1, 0],
      ['methods', 300, 0],
    ]);
    expect(rows.every(({ callsPerSecond, meanMs }) => callsPerSecond > 0 && meanMs > 0)).toBe(true);
  });

  it('[R63] fill buffers and lose nothing', async () => {
    const { rows, findings } = await bufferingAnalysis({ short: true, transports: ['tcp', 'memory'] });
    for (const row of rows) {
      expect(row.received).toBe(row.accepted);
      expect(row.outOfOrder).toBe(0);
      expect(row.accepted + row.overflows).toBe(row.sends);
      expect(row.watermarkCrossings).toBeLessThanOrEqual(row.overflows);
    }
    const slow = rows.find((row) => row.transport === 'memory' && row.reader === 'slow');
    expect(slow?.overflows).toBeGreaterThan(0);
    expect(slow?.backpressureMs).toBeGreaterThan(0);
    expect(findings).toEqual([]);
  });

  it('[R63] come back after every failure', async () => {
    const { rows } = await reconnectionAnalysis({ short: true, transports: ['tcp'] });
    expect(rows.map((row) => [row.failure, row.recovered])).toEqual([
      ['refused', 1],
      ['reset', 1],
      ['shutdown', 1],
      ['unresponsive', 1],
      ['crash', 1],
    ]);
    for (const row of rows) expect(row.recoverMs).toBeGreaterThanOrEqual(row.detectMs);
    // Nothing but the timeout of a call tells of a peer that is there and does not answer.
    expect(rows[3].detectMs).toBeGreaterThan(400);
  });

  it('[R63] come back over HTTP when the server was shut down', async () => {
    const { rows } = await reconnectionAnalysis({
      short: true,
      transports: ['http'],
      failures: ['shutdown'],
    });
    expect(rows).toMatchObject([{ transport: 'http', failure: 'shutdown', attempts: 1, recovered: 1 }]);
  });

  it('[R63] restart children and workers beside others', async () => {
    const { rows } = await restartAnalysis({ short: true });
    expect(rows.map((row) => [row.unit, row.failures, row.hurtConnections])).toEqual([
      ['stdio child', 0, 0],
      ['process', 0, 0],
      ['worker', 0, 0],
      ['all workers', 0, 0],
    ]);
    expect(rows[0].firstAnswerMs).toBeGreaterThan(0);
  });

  it('[R65] look at the memory of a server under load', async () => {
    const { rows, samples } = await memoryAnalysis({ transports: ['tcp'], durationMs: 200 });
    expect(rows).toMatchObject([{ transport: 'tcp', errors: 0, isLeak: false }]);
    expect(rows[0].rssPeakBytes).toBeGreaterThan(10e6);
    expect(samples.length).toBeGreaterThan(2);
  });
});

describe('the report', () => {
  it('[R63] is Markdown, JSON and one page with charts', async () => {
    const analyzer = await PerformanceAnalyzer.start();
    const throughput = await analyzer.runThroughputTest('memory', 50);
    const buffering = await bufferingAnalysis({ short: true, transports: ['memory'] });
    const nothing = analysisNames.map((name) => [
      name,
      { name, rows: [], samples: [], findings: [], section: { title: name } },
    ]);
    const analyses = { ...Object.fromEntries(nothing), buffering } as AnalysisResults;
    const finding = { ...throughputFinding, evidence: [] };
    const report = reportOf(
      'Performance report',
      analyses,
      [throughputSection([throughput], [])],
      [finding],
      {},
      true,
    );
    expect(report.findings).toEqual([finding]);
    expect(report.markdown).toContain('Seed (throughput)');
    expect(report.markdown).toContain('made up');
    const json = JSON.parse(report.json) as { findings: unknown[]; analyses: { buffering: unknown[] } };
    expect(json.findings).toEqual([finding]);
    expect(json.analyses.buffering).toHaveLength(4);
    expect(report.html).toMatch(/^<!doctype html>/i);
    for (const id of ['chart-throughput', 'chart-buffering']) expect(report.html).toContain(id);
    expect(report.html).not.toMatch(/<(?:script|link)[^>]+(?:src|href)="http/);
  });
});

const throughputFinding = {
  rule: 'wrong-answer',
  component: 'memory',
  severity: 'critical',
  summary: 'made up',
  cause: 'a test',
  recommendation: 'none',
} as const;

describe('ringwire analyze', () => {
  it('prints what it measured beside the seed figures, and writes samples that it can judge', async () => {
    const file = join(await temporaryFolder(), 'samples.jsonl');
    const first = await new Running([cli, 'analyze', 'throughput', 'tcp', '100', '64', '--samples', file])
      .ended;
    expect(first.stderr).toBe('');
    expect(first.stdout).toMatch(/throughput +[\d,.]+ KB\/s, .*Seed: 500-2000 KB\/s/);
    expect(first.stdout).toContain('100 of 100 right');
    const second = await new Running([cli, 'analyze', 'bottlenecks', file, '--json']).ended;
    const { samples, findings } = JSON.parse(second.stdout) as { samples: number; findings: unknown[] };
    expect(samples).toBe((await readFile(file, 'utf8')).trim().split('\n').length);
    expect(Array.isArray(findings)).toBe(true);
  });

  it('ends with 1 where a finding is critical', async () => {
    const run = new Running([cli, 'analyze', 'bottlenecks', '-', '--json']);
    run.process.stdin.end('{"atMs":1000,"intervalMs":1000,"calls":{"calls":10,"errors":9}}\n');
    const { code, stdout } = await run.ended;
    expect(JSON.parse(stdout)).toMatchObject({ samples: 1, findings: [{ rule: 'error-rate' }] });
    expect(code).toBe(1);
  });

  it.each([
    [['analyze'], 'needs to know what'],
    [['analyze', 'thruput', 'tcp'], 'has no "thruput"'],
    [['analyze', 'throughput'], 'needs a transport'],
    [['analyze', 'throughput', 'tpc'], 'Did you mean tcp?'],
    [['analyze', 'stress', 'tcp', 'long'], 'MS must be a whole number between 100'],
    [['analyze', 'stress', 'tcp', '30000', '10', '5'], 'does not take "5"'],
    [['analyze', 'latency', 'tcp', '--html', 'x'], 'does nothing with --html'],
    [['analyze', 'resources', '--pid', '1', '--url', 'http://x'], 'not both'],
    [['analyze', 'bottlenecks'], 'needs samples'],
  ])('says what is wrong with %j', async (args, message) => {
    const { code, stderr } = await new Running([cli, ...args]).ended;
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
