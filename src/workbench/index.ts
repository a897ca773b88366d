/** `ringwire/analysis`: measuring, explaining and reporting from a program. */

export { analyzeBottlenecks, type BottleneckOptions, bottleneckRules } from '../analysis/bottlenecks.js';
export { type ChangePoint, type ChangePointOptions, changePoints } from '../analysis/change-points.js';
export {
  type CompareOptions,
  compareRounds,
  type Metric,
  type MetricComparison,
  type Verdict,
  worsening,
} from '../analysis/compare.js';
export type { Evidence, Finding, Severity } from '../analysis/finding.js';
export { severities } from '../analysis/finding.js';
export {
  detectGrowth,
  detectLeak,
  type GcPressure,
  type Growth,
  type GrowthOptions,
  type GrowthReason,
  gcPressure,
  type LeakVerdict,
  type MemoryPoint,
} from '../analysis/leak.js';
export type { BenchRecord, Machine } from '../analysis/record.js';
export type {
  Axis,
  Chart,
  ChartSeries,
  ReportPage,
  ReportSection,
  Table,
} from '../analysis/report/page.js';
export { renderMarkdown } from '../analysis/report/render-markdown.js';
export type {
  CallSample,
  GeneratorSample,
  LatencySummary,
  Layer,
  ProcessSample,
  Sample,
} from '../analysis/sample.js';
export { type Thresholds, thresholds } from '../analysis/thresholds.js';
export {
  type Estimate,
  fitScaling,
  parametersOf,
  type ScalingFit,
  type ScalingPoint,
  scalingRate,
  smallestN,
} from '../analysis/usl.js';
export { Histogram, type HistogramJson } from '../observability/histogram.js';
export { ProcessSampler } from '../observability/process-sampler.js';
export type { ProcessReading, ProcessTotals } from '../observability/process-totals.js';
export type { ConnectionRow, ServerTotals } from '../observability/server-totals.js';
export type {
  LoadEra,
  LoadInterval,
  LoadOperation,
  LoadPlan,
  LoadReport,
  LoadTarget,
  LoadWatch,
  OperationReport,
} from './load/load-plan.js';
export { runLoad } from './load/run-load.js';
export { type MonitorOptions, type MonitorSample, monitorResources } from './monitor/monitor-resources.js';
export { parseSamples } from './monitor/sample-file.js';
export { collectSamples, readSamples, type SampleSourceOptions } from './monitor/sample-source.js';
export { renderReport, writeReport } from './report/write-report.js';
export {
  type MeasuredServer,
  type MeasuredServerOptions,
  type MeasuredTransport,
  measuredTransports,
  type ServerUsage,
  startMeasuredServer,
} from './servers/measured-server.js';
export { stateFolder } from './state-folder.js';
