/** Runs a load plan with the generator that fits it. */
import type { LoadPlan, LoadReport, LoadWatch } from './load-plan.js';

/**
 * Rejects with CONFIG_INVALID where the plan cannot be run as it is, and with what a connection failed with before the
 * first answer. Failures after it are counted as errors of the report.
 */
export async function runLoad(plan: LoadPlan, watch: LoadWatch = {}): Promise<LoadReport> {
  throw new Error(`not written yet: ${JSON.stringify(plan)} ${JSON.stringify(watch)}`);
}
