/** Serves what servers ask of the client: inside input_required results (modern), or as requests (legacy). */
import { RingwireError, RpcError, RpcErrorCode } from '../errors.js';
import type { Dispatcher } from '../rpc/dispatcher.js';
import type { Handler } from '../rpc/types.js';
import type { InputHandlers } from './client-options.js';
import type { CreateMessageParams, ElicitParams, InputRequest, InputRequiredResult } from './types.js';

/** Runs the handler a request of the server names. Throws -32601 where there is none. */
async function answerInput(
  handlers: InputHandlers,
  request: { readonly method: string; readonly params?: unknown },
  signal: AbortSignal,
): Promise<unknown> {
  const { onElicitation, onSampling, onRoots } = handlers;
  const params = request.params ?? {};
  if (request.method === 'elicitation/create' && onElicitation !== undefined)
    return onElicitation(params as ElicitParams, signal);
  if (request.method === 'sampling/createMessage' && onSampling !== undefined)
    return onSampling(params as CreateMessageParams, signal);
  if (request.method === 'roots/list' && onRoots !== undefined) return { roots: await onRoots(signal) };
  throw new RpcError(
    RpcErrorCode.MethodNotFound,
    `Method not found: ${request.method} (no handler in this client)`,
  );
}

/**
 * The requests a legacy server sends by itself. A modern one may send none (2026-07-28, basic/transports/stdio,
 * "Receiving Messages"), so nothing is done for those.
 */
export function installInputHandlers(
  dispatcher: Dispatcher,
  handlers: InputHandlers,
  isModern: () => boolean,
): void {
  const serve = (method: string, answer: Handler) =>
    dispatcher.method(method, (params, context) => {
      if (isModern()) throw new RpcError(RpcErrorCode.MethodNotFound, `Method not found: ${method}`);
      return answer(params, context);
    });
  for (const method of ['elicitation/create', 'sampling/createMessage', 'roots/list'])
    serve(method, (params, { signal }) => answerInput(handlers, { method, params }, signal));
  serve('ping', () => ({}));
}

/** The responses to an input_required result, and the state to send back untouched, as fields of the retry's params. */
export async function answerInputRequired(
  handlers: InputHandlers,
  result: InputRequiredResult,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const { inputRequests, requestState } = result;
  if (inputRequests === undefined && requestState === undefined)
    throw new RingwireError(
      'FRAME_INVALID',
      'The server answered input_required with neither inputRequests nor requestState.',
    );
  const answered = await Promise.all(
    Object.entries(inputRequests ?? {}).map(
      async ([key, request]: [string, InputRequest]) =>
        [key, await answerInput(handlers, request, signal)] as const,
    ),
  );
  return {
    ...(inputRequests !== undefined && { inputResponses: Object.fromEntries(answered) }),
    ...(requestState !== undefined && { requestState }),
  };
}
