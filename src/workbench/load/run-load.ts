/** Runs a load plan with the generator that fits it. */
import { RingwireError } from '../../errors.js';
import { checkLoadPlan } from './check-plan.js';
import { runJavaScriptLoad } from './javascript/run-javascript-load.js';
import type { LoadPlan, LoadReport, LoadWatch } from './load-plan.js';
import { runNativeLoad } from './native-generator.js';
import { nativeProblem } from './native-plan.js';
import { nativeProgram } from './native-program.js';

/** Why runLoad() would not take the native generator for this plan, for people; undefined where it would. */
export function whyNotNative(plan: LoadPlan): string | undefined {
  if (plan.generator === 'javascript') return 'the plan asks for the generator in JavaScript';
  const problem = nativeProblem(plan);
  if (problem !== undefined) return problem;
  const program = nativeProgram();
  return 'problem' in program ? program.problem : undefined;
}

/**
 * Rejects with CONFIG_INVALID where the plan cannot be run as it is, and with what a connection failed with before the
 * first answer. Failures after it are counted as errors of the report. An abort before the load has begun rejects with
 * CANCELLED; later it ends the load early.
 */
export async function runLoad(plan: LoadPlan, watch: LoadWatch = {}): Promise<LoadReport> {
  checkLoadPlan(plan);
  const problem = whyNotNative(plan);
  if (problem === undefined) return runNativeLoad(plan, watch);
  if (plan.generator === 'native')
    throw new RingwireError('CONFIG_INVALID', `"generator" of a load cannot be "native" here: ${problem}.`);
  return runJavaScriptLoad(plan, watch);
}
