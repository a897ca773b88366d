/**
 * Input a handler needs from the client's side: a form, a model's answer, the roots. One call in the handler serves
 * both eras. Modern: the call ends with a result of type input_required and runs again, from its beginning, when the
 * client retries with the responses. Legacy: the server asks over the connection and the handler goes on.
 * Source: 2026-07-28, basic/patterns/mrtr; 2025-11-25, client/{elicitation,sampling,roots}.
 */
import { randomUUID } from 'node:crypto';
import { RingwireError, RpcError, RpcErrorCode } from '../errors.js';
import type { Connection, RequestOptions } from '../rpc/types.js';
import type { RequestStateSigner, StateBinding } from './request-state.js';
import type {
  ClientCapabilities,
  CreateMessageResult,
  ElicitResult,
  InputRequest,
  InputRequests,
  InputRequiredResult,
  InputResponses,
  ListRootsResult,
} from './types.js';

/** The response that belongs to an input request. */
export type InputResponseOf<R> = R extends { readonly method: 'elicitation/create' }
  ? ElicitResult
  : R extends { readonly method: 'sampling/createMessage' }
    ? CreateMessageResult
    : R extends { readonly method: 'roots/list' }
      ? ListRootsResult
      : unknown;

/**
 * Returned by a handler instead of a result: ask the client for these inputs, then call me again with
 * context.inputResponses and context.inputState. At least one of the two must be given.
 */
export class InputRequired {
  readonly requests: InputRequests | undefined;
  readonly state: unknown;

  constructor(requests: InputRequests | undefined, state?: unknown) {
    if (requests === undefined && state === undefined)
      throw new RingwireError('CONFIG_INVALID', 'inputRequired needs requests, a state, or both');
    this.requests = requests;
    this.state = state;
  }
}

/** See InputRequired. `state` must survive JSON and is readable by the client (signed, not encrypted). */
export function inputRequired(requests: InputRequests | undefined, state?: unknown): InputRequired {
  return new InputRequired(requests, state);
}

/** Ends a modern handler that waits for input. Handlers that catch errors should let it pass. */
export class InputRequiredSignal extends Error {
  override readonly name = 'InputRequiredSignal';
  constructor() {
    super('The handler needs input from the client; the call goes on when the client retries with it.');
  }
}

/** Where a handler's input comes from, by era. */
export interface InputSource {
  /** Responses the handler has so far, by key. */
  readonly responses: InputResponses;
  /** What the handler kept for itself in the round before. */
  readonly state: unknown;
  /** Inputs asked for and not there; set only in the modern era. */
  readonly pending: InputRequired | undefined;
  require(requests: InputRequests, options?: RequestOptions): Promise<InputResponses>;
  /** Turns what a handler wants into the result that asks for it; undefined: it was answered, run the handler again. */
  answer(wanted: InputRequired): InputRequiredResult | Promise<undefined>;
}

/** A capability as declared; clients send what they like, and null declares nothing. */
function declaredPart(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return isObject(value) ? value : undefined;
}

/** The capability an input request needs, where the client did not declare it. */
function missingCapability(
  request: InputRequest,
  declared: ClientCapabilities,
): ClientCapabilities | undefined {
  switch (request.method) {
    case 'roots/list':
      return declaredPart(declared.roots) === undefined ? { roots: {} } : undefined;
    case 'sampling/createMessage': {
      const sampling = declaredPart(declared.sampling);
      if (sampling === undefined) return { sampling: {} };
      const needsTools = request.params.tools !== undefined || request.params.toolChoice !== undefined;
      return needsTools && sampling.tools === undefined ? { sampling: { tools: {} } } : undefined;
    }
    case 'elicitation/create': {
      const elicitation = declaredPart(declared.elicitation);
      if (request.params.mode === 'url')
        return elicitation?.url === undefined ? { elicitation: { url: {} } } : undefined;
      // An empty object means form mode (client/elicitation, "Capabilities").
      const form =
        elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
      return form ? undefined : { elicitation: { form: {} } };
    }
  }
}

function requireCapabilities(requests: InputRequests, declared: ClientCapabilities): void {
  for (const request of Object.values(requests)) {
    const missing = missingCapability(request, declared);
    if (missing !== undefined)
      throw new RpcError(
        RpcErrorCode.MissingRequiredClientCapability,
        `${request.method} needs a client capability that was not declared: ${JSON.stringify(missing)}`,
        { requiredCapabilities: missing },
      );
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const primitiveChecks: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  array: Array.isArray,
};

/** Forms hold primitive properties only, so their answers are checked here without a schema validator. */
function formProblem(schema: Record<string, unknown>, content: unknown): string | undefined {
  if (!isObject(content)) return 'content must be an object';
  const required = Array.isArray(schema.required) ? (schema.required as string[]) : [];
  const absent = required.find((name) => content[name] === undefined);
  if (absent !== undefined) return `content.${absent} is required`;
  for (const [name, property] of Object.entries((schema.properties ?? {}) as Record<string, unknown>)) {
    const value = content[name];
    if (value === undefined || !isObject(property)) continue;
    const check = primitiveChecks[String(property.type)];
    if (check !== undefined && !check(value)) return `content.${name} must be ${property.type}`;
    if (Array.isArray(property.enum) && property.type === 'string' && !property.enum.includes(value))
      return `content.${name} must be one of ${JSON.stringify(property.enum)}`;
  }
  return undefined;
}

function responseProblem(request: InputRequest, response: unknown): string | undefined {
  if (!isObject(response)) return 'must be an object';
  switch (request.method) {
    case 'roots/list':
      return Array.isArray(response.roots) ? undefined : 'roots must be an array';
    case 'sampling/createMessage':
      return isObject(response.content) || Array.isArray(response.content) ? undefined : 'content is missing';
    case 'elicitation/create':
      if (!['accept', 'decline', 'cancel'].includes(response.action as string))
        return 'action must be accept, decline or cancel';
      return response.action === 'accept' && request.params.mode !== 'url'
        ? formProblem(request.params.requestedSchema, response.content)
        : undefined;
  }
}

function checkResponse(key: string, request: InputRequest, response: unknown): void {
  const problem = responseProblem(request, response);
  if (problem !== undefined)
    throw new RpcError(RpcErrorCode.InvalidParams, `Input response ${JSON.stringify(key)}: ${problem}`);
}

/** What requestState carries: answers of earlier rounds, and what the handler kept. */
interface SealedInput {
  readonly answers?: InputResponses;
  readonly state?: unknown;
}

/** Input of one modern request: answers come with it, questions leave as its result. */
export class ModernInput implements InputSource {
  readonly responses: InputResponses;
  readonly state: unknown;
  #pending: InputRequired | undefined;

  /** Throws -32602 where the client sent a state that is not ours, not fresh, or not of this request. */
  constructor(
    params: Readonly<Record<string, unknown>>,
    private readonly binding: StateBinding,
    private readonly signer: RequestStateSigner,
    private readonly capabilities: () => ClientCapabilities,
  ) {
    const { inputResponses, requestState } = params;
    if (inputResponses !== undefined && !isObject(inputResponses))
      throw new RpcError(RpcErrorCode.InvalidParams, 'params.inputResponses must be an object');
    let sealed: SealedInput = {};
    if (requestState !== undefined) {
      const opened = typeof requestState === 'string' ? signer.open(requestState, binding) : undefined;
      if (opened === undefined)
        throw new RpcError(
          RpcErrorCode.InvalidParams,
          'params.requestState is not valid for this request: altered, expired, or issued for another',
        );
      sealed = opened.payload as SealedInput;
    }
    this.responses = { ...sealed.answers, ...inputResponses };
    this.state = sealed.state;
  }

  get pending(): InputRequired | undefined {
    return this.#pending;
  }

  require(requests: InputRequests): Promise<InputResponses> {
    const missing = Object.entries(requests).filter(([key]) => !Object.hasOwn(this.responses, key));
    if (missing.length === 0) {
      for (const [key, request] of Object.entries(requests)) checkResponse(key, request, this.responses[key]);
      return Promise.resolve(this.responses);
    }
    this.#pending = new InputRequired(
      { ...this.#pending?.requests, ...Object.fromEntries(missing) },
      this.state,
    );
    return Promise.reject(new InputRequiredSignal());
  }

  answer(wanted: InputRequired): InputRequiredResult {
    requireCapabilities(wanted.requests ?? {}, this.capabilities());
    const sealed: SealedInput = { answers: this.responses, state: wanted.state };
    return {
      resultType: 'input_required',
      ...(wanted.requests === undefined ? {} : { inputRequests: wanted.requests }),
      requestState: this.signer.seal(sealed, this.binding),
    };
  }
}

/** In 2025-11-25 a URL elicitation has an id of its own (client/elicitation, "URL Mode"). */
function legacyParams(request: InputRequest): object {
  if (request.method !== 'elicitation/create' || request.params.mode !== 'url') return request.params ?? {};
  return { elicitationId: randomUUID(), ...request.params };
}

/** Input of a legacy call: the server asks over the connection while the handler waits. */
export class LegacyInput implements InputSource {
  responses: InputResponses = {};
  state: unknown;
  readonly pending = undefined;

  constructor(
    private readonly connection: Connection,
    private readonly signal: AbortSignal,
    private readonly capabilities: () => ClientCapabilities,
  ) {}

  async require(requests: InputRequests, options: RequestOptions = {}): Promise<InputResponses> {
    try {
      requireCapabilities(requests, this.capabilities());
    } catch (cause) {
      // -32021 is a modern code; a legacy client learns it as the tool's failure.
      throw new RingwireError('CAPABILITY_MISSING', (cause as Error).message, { cause });
    }
    const answered = await Promise.all(
      Object.entries(requests).map(async ([key, request]) => {
        const response = await this.connection.request(request.method, legacyParams(request), {
          signal: this.signal,
          ...options,
        });
        checkResponse(key, request, response);
        return [key, response] as const;
      }),
    );
    this.responses = { ...this.responses, ...Object.fromEntries(answered) };
    return this.responses;
  }

  async answer(wanted: InputRequired): Promise<undefined> {
    if (wanted.requests !== undefined) await this.require(wanted.requests);
    this.state = wanted.state;
    return undefined;
  }
}
