/** Runs a handler that may need input, without a promise where the handler has none. */

import { RingwireError } from '../errors.js';
import type { McpCallContext } from './context.js';
import { InputRequired, InputRequiredSignal } from './input.js';
import { maxInputRounds } from './protocol.js';
import type { InputRequiredResult } from './types.js';

/** How a handler's value becomes a result, and its error a result or another error. */
export interface Finish<Result> {
  /** May be asynchronous where checking the value is. */
  value(value: unknown): Result | Promise<Result>;
  /** Returns a result to answer with, or throws. */
  error(error: unknown): Result;
}

type Served<Result> = Result | InputRequiredResult;

/**
 * Serves one call: handler, then finish. In the modern era a handler in need of input ends the call with an
 * InputRequiredResult; in the legacy era the input is fetched and the handler runs again.
 */
export function serveHandler<Result>(
  context: McpCallContext,
  run: () => unknown,
  finish: Finish<Result>,
  round = 1,
): Served<Result> | Promise<Served<Result>> {
  let value: unknown;
  try {
    value = run();
  } catch (error) {
    return failed(context, error, finish);
  }
  return isPromise(value)
    ? value.then(
        (settled) => succeeded(context, settled, run, finish, round),
        (error) => failed(context, error, finish),
      )
    : succeeded(context, value, run, finish, round);
}

/** serveHandler() from where the handler has returned `value` (not a promise). */
export function succeeded<Result>(
  context: McpCallContext,
  value: unknown,
  run: () => unknown,
  finish: Finish<Result>,
  round = 1,
): Served<Result> | Promise<Served<Result>> {
  // A handler that caught the signal and answered something else still waits for its input.
  const wanted = context.openedInput?.pending ?? asInputRequired(value);
  context.finish();
  if (wanted === undefined) return finish.value(value);
  const answer = context.input.answer(wanted);
  if (!isPromise(answer)) return answer;
  if (round >= maxInputRounds)
    throw new RingwireError('OVERLOADED', `The handler asked for input ${maxInputRounds} times in one call.`);
  return answer.then(
    () => {
      context.restart();
      return serveHandler(context, run, finish, round + 1);
    },
    (error) => finish.error(error),
  );
}

/** serveHandler() from where the handler has thrown, or its promise was rejected. */
export function failed<Result>(
  context: McpCallContext,
  error: unknown,
  finish: Finish<Result>,
): Served<Result> {
  const pending = context.openedInput?.pending;
  context.finish();
  if (pending !== undefined) return context.input.answer(pending) as InputRequiredResult;
  if (error instanceof InputRequiredSignal)
    throw new RingwireError('INTERNAL', error.message, { cause: error });
  return finish.error(error);
}

function asInputRequired(value: unknown): InputRequired | undefined {
  if (value instanceof InputRequired) return value;
  if (typeof value !== 'object' || value === null || !('resultType' in value)) return undefined;
  if (value.resultType !== 'input_required') return undefined;
  const { inputRequests, requestState } = value as InputRequiredResult;
  return new InputRequired(inputRequests, requestState);
}

export function isPromise(value: unknown): value is Promise<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as Promise<unknown>).then === 'function'
  );
}
