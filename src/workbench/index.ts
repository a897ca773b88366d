/** `ringwire/analysis`: measuring, explaining and reporting from a program. */

export type { BufferingRow } from '../analysis/analyses/buffering.js';
export type { CallFigures, ServerFigures } from '../analysis/analyses/call-figures.js';
export type { MemoryRow } from '../analysis/analyses/memory.js';
export type { FailureClass, ReconnectionRow } from '../analysis/analyses/reconnection.js';
export type { RestartRow } from '../analysis/analyses/restarts.js';
export type { RoutingRow } from '../analysis/analyses/routing.js';
export type { SwitchingRow } from '../analysis/analyses/switching.js';
export type {
  BreakingPoint,
  ConcurrentResult,
  ConcurrentRow,
  LatencyResult,
  Limit,
  ScalingResult,
  ScalingRow,
  StressResult,
  StressStep,
  ThroughputResult,
} from '../analysis/analyses/transport-tests.js';
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
export { type Difference, difference } from '../analysis/flame/difference.js';
export { parseFolded, printFolded } from '../analysis/flame/folded.js';
export type { FoldedStack, Frame, FrameKind, Recording } from '../analysis/flame/frame.js';
export { profileLayers } from '../analysis/flame/layers.js';
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
export { type SeedFigure, type SeedSource, seedFigures } from '../analysis/seed-figures.js';
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
export type { AnalysisName, AnalysisResult } from './analyzer/analysis-result.js';
export type { AnalyzerOptions } from './analyzer/analyzer-options.js';
export { BottleneckReport, type FullReport } from './analyzer/bottleneck-report.js';
export {
  type AnalyzerReport,
  PerformanceAnalyzer,
  type TransportResults,
} from './analyzer/performance-analyzer.js';
export {
  type AnalysisOptions,
  type AnalysisResults,
  type AnalysisRows,
  analyses,
} from './analyzer/six-analyses.js';
export type { StressOptions } from './analyzer/stress-test.js';
export type { ConcurrentOptions, ScalingOptions, ThroughputOptions } from './analyzer/transport-tests.js';
export { type AnalyzedTransport, analyzedTransports } from './analyzer/transports.js';
export { detectEra, type ServerFacts } from './load/era.js';
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
export { type LoadRequest, prepareLoad } from './load/prepare.js';
export { runLoad } from './load/run-load.js';
export type { Origin } from './machine.js';
export { type MonitorOptions, type MonitorSample, monitorResources } from './monitor/monitor-resources.js';
export { parseSamples } from './monitor/sample-file.js';
export { collectSamples, readSamples, type SampleSourceOptions } from './monitor/sample-source.js';
export { type WatchedLoad, type WatchLoadOptions, watchLoad } from './monitor/watch-load.js';
export { renderReport, writeReport } from './report/write-report.js';
export { appendRecords, readRecords, resultsFolder } from './results.js';
export type { Criterion, Verdict as CriterionVerdict } from './scenarios/criteria.js';
export { listScenarios, loadScenario } from './scenarios/find-scenario.js';
export { parseScenario } from './scenarios/parse-scenario.js';
export { scenarioPage } from './scenarios/report.js';
export {
  type BreakingPoint as ScenarioBreakingPoint,
  type RunResult,
  recordsOf,
  type ScenarioResult,
} from './scenarios/run-result.js';
export { runScenario, type ScenarioOptions, type ScenarioWatch } from './scenarios/run-scenario.js';
export type { Scenario, ScenarioLoad } from './scenarios/scenario.js';
export {
  type MeasuredServer,
  type MeasuredServerOptions,
  type MeasuredTransport,
  measuredTransports,
  type ServerUsage,
  startMeasuredServer,
} from './servers/measured-server.js';
export { stateFolder } from './state-folder.js';
