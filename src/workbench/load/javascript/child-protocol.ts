/** What the generator's process and whoever started it say to each other over Node's IPC channel. */
import type { ErrorCode } from '../../../errors.js';
import type { LoadInterval, LoadPlan, LoadReport } from '../load-plan.js';

export type ToGenerator = { readonly plan: LoadPlan } | 'stop';

export type FromGenerator =
  | { readonly interval: LoadInterval }
  | { readonly report: LoadReport }
  | { readonly failure: { readonly code: ErrorCode; readonly message: string; readonly retryable: boolean } };
