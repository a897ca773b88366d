/** Every WHAT of `ringwire analyze WHAT`: its words, its options, and what it runs. */
import { concurrentSection, scalingSection, stressSection } from '../../analysis/analyses/transport-tests.js';
import type { Finding } from '../../analysis/finding.js';
import type { ReportPage } from '../../analysis/report/page.js';
import type { Sample } from '../../analysis/sample.js';
import { type AnalysisName, analysisNames } from '../../workbench/analyzer/analysis-result.js';
import type { AnalyzerReport, PerformanceAnalyzer } from '../../workbench/analyzer/performance-analyzer.js';
import { type AnalysisOptions, analyses } from '../../workbench/analyzer/six-analyses.js';
import { maxMessageBytes } from '../../workbench/analyzer/transports.js';
import type { Arguments } from './arguments.js';
import { breakingPointText, latencyText, sectionText, throughputText } from './show.js';

/** What came out, in all the forms that may be asked for. */
export interface Outcome {
  readonly text: string;
  /** Findings are added. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly findings: readonly Finding[];
  readonly samples: readonly Sample[];
  /** Of a report. */
  readonly page?: ReportPage;
  readonly html?: string;
  readonly markdown?: string;
}

export interface Kind {
  /** After WHAT. */
  readonly usage: string;
  readonly summary: string;
  /** Besides --json. */
  readonly options: readonly ('short' | 'html' | 'markdown' | 'samples')[];
  /** Reads the words; what it returns runs. */
  prepare(words: Arguments): (analyzer: PerformanceAnalyzer, options: AnalysisOptions) => Promise<Outcome>;
}

const throughput: Kind = {
  usage: 'TRANSPORT [MESSAGES] [BYTES]',
  summary: 'KB/s and messages/s of one connection, 1,000 messages of 1,024 bytes by default',
  options: ['samples'],
  prepare(words) {
    const transport = words.transport();
    const messages = words.whole('MESSAGES', 1, 100_000_000);
    const bytes = words.whole('BYTES', 1, maxMessageBytes);
    return async (analyzer) => {
      const result = await analyzer.runThroughputTest(transport, messages, bytes);
      return outcomeOf(throughputText(result), result);
    };
  },
};

const latency: Kind = {
  usage: 'TRANSPORT [MESSAGES] [BYTES]',
  summary: 'p50 to max of one message at a time, 1,000 messages of 64 bytes by default',
  options: ['samples'],
  prepare(words) {
    const transport = words.transport();
    const messages = words.whole('MESSAGES', 1, 100_000_000);
    const bytes = words.whole('BYTES', 1, maxMessageBytes);
    return async (analyzer) => {
      const result = await analyzer.runLatencyTest(transport, messages, bytes);
      return outcomeOf(latencyText(result), result);
    };
  },
};

const concurrent: Kind = {
  usage: 'TRANSPORT [CONNECTIONS,…] [MESSAGES]',
  summary: 'success by connections, 50 messages on each by default',
  options: ['samples'],
  prepare(words) {
    const transport = words.transport();
    const connections = words.wholes('CONNECTIONS', 1, 1_000);
    const messagesPerConnection = words.whole('MESSAGES', 1, 1_000_000);
    return async (analyzer) => {
      const result = await analyzer.runConcurrentTest(transport, connections, { messagesPerConnection });
      return outcomeOf(sectionText(concurrentSection([result])), result);
    };
  },
};

const stress: Kind = {
  usage: 'TRANSPORT [MS] [WORKERS]',
  summary: 'doubles the workers until something breaks, from 10 on and for 30,000 ms by default',
  options: ['samples'],
  prepare(words) {
    const transport = words.transport();
    const durationMs = words.whole('MS', 100, 86_400_000);
    const workers = words.whole('WORKERS', 1, 1_000);
    return async (analyzer) => {
      const result = await analyzer.runStressTest(transport, durationMs, workers);
      const { paragraphs: _, ...section } = stressSection([result]);
      return outcomeOf(`${sectionText(section)}\n\n${breakingPointText(result)}`, result);
    };
  },
};

const scaling: Kind = {
  usage: 'TRANSPORT [CONNECTIONS,…] [BYTES,…]',
  summary: 'rates over connections, and over sizes of messages',
  options: ['samples'],
  prepare(words) {
    const transport = words.transport();
    const connections = words.wholes('CONNECTIONS', 1, 1_000);
    const sizes = words.wholes('BYTES', 1, maxMessageBytes);
    return async (analyzer) => {
      const result = await analyzer.runScalingTest(transport, { connections, sizes });
      return outcomeOf(sectionText(scalingSection([result])), result);
    };
  },
};

interface TestResult {
  readonly findings: readonly Finding[];
  readonly samples: readonly Sample[];
}

function outcomeOf<Result extends TestResult>(text: string, result: Result): Outcome {
  const { samples, findings, ...rest } = result;
  return { text, json: rest, findings, samples };
}

const summaries: Record<AnalysisName, string> = {
  switching: 'time and failures of going from one transport to another',
  routing: 'calls/s and queues by registered tools, resources and methods, 1 to 10,000',
  buffering: 'overflow, watermarks and loss with readers that are fast and slow',
  reconnection: 'time until a failure is noticed and mended, by what failed',
  restarts: 'what restarts of children and workers cost, and whom they hurt',
  memory: 'peak, growth, leaks and collections under a steady load',
};

function analysis(name: AnalysisName): Kind {
  return {
    usage: '',
    summary: summaries[name],
    options: name === 'memory' ? ['short', 'samples'] : ['short'],
    prepare: () => async (_analyzer, options) => {
      const result = await analyses[name](options);
      return {
        text: sectionText(result.section),
        json: { analysis: name, rows: result.rows },
        findings: result.findings,
        samples: result.samples,
      };
    },
  };
}

const report: Kind = {
  usage: '',
  summary: 'every test and every analysis: ten minutes, with --short half a minute',
  options: ['short', 'html', 'markdown', 'samples'],
  prepare: () => async (analyzer, options) => {
    const found: AnalyzerReport = await analyzer.generateFullReport(options);
    const [, ...sections] = found.page.sections;
    return {
      text: sections.map(sectionText).join('\n\n'),
      json: JSON.parse(found.json) as Record<string, unknown>,
      findings: found.findings,
      samples: found.samples,
      page: found.page,
      html: found.html,
      markdown: found.markdown,
    };
  },
};

/** All but `resources` and `bottlenecks`, which start nothing. */
export const kinds: Readonly<Record<string, Kind>> = {
  throughput,
  latency,
  concurrent,
  stress,
  scaling,
  ...Object.fromEntries(analysisNames.map((name) => [name, analysis(name)])),
  report,
};
