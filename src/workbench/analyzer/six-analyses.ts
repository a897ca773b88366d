/** The six analyses by name. */
import type { BufferingRow } from '../../analysis/analyses/buffering.js';
import type { MemoryRow } from '../../analysis/analyses/memory.js';
import type { ReconnectionRow } from '../../analysis/analyses/reconnection.js';
import type { RestartRow } from '../../analysis/analyses/restarts.js';
import type { RoutingRow } from '../../analysis/analyses/routing.js';
import type { SwitchingRow } from '../../analysis/analyses/switching.js';
import type { AnalysisName, AnalysisResult } from './analysis-result.js';
import type { AnalyzerOptions } from './analyzer-options.js';
import { bufferingAnalysis } from './buffering.js';
import { memoryAnalysis } from './memory.js';
import { reconnectionAnalysis } from './reconnection.js';
import { restartAnalysis } from './restarts.js';
import { routingAnalysis } from './routing.js';
import { switchingAnalysis } from './switching.js';

export interface AnalysisRows {
  readonly switching: SwitchingRow;
  readonly routing: RoutingRow;
  readonly buffering: BufferingRow;
  readonly reconnection: ReconnectionRow;
  readonly restarts: RestartRow;
  readonly memory: MemoryRow;
}

export interface AnalysisOptions extends AnalyzerOptions {
  /** Fewer repeats and shorter loads: seconds instead of minutes. Default false. */
  readonly short?: boolean;
}

type Analyses = {
  readonly [Name in AnalysisName]: (options: AnalysisOptions) => Promise<AnalysisResult<AnalysisRows[Name]>>;
};

export const analyses: Analyses = {
  switching: switchingAnalysis,
  routing: routingAnalysis,
  buffering: bufferingAnalysis,
  reconnection: reconnectionAnalysis,
  restarts: restartAnalysis,
  memory: memoryAnalysis,
};

export type AnalysisResults = { readonly [Name in AnalysisName]: AnalysisResult<AnalysisRows[Name]> };

/** One after the other: they would disturb each other. */
export async function runAllAnalyses(options: AnalysisOptions): Promise<AnalysisResults> {
  return {
    switching: await analyses.switching(options),
    routing: await analyses.routing(options),
    buffering: await analyses.buffering(options),
    reconnection: await analyses.reconnection(options),
    restarts: await analyses.restarts(options),
    memory: await analyses.memory(options),
  };
}
