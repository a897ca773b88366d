/**
 * Finds the handler of a call and runs the interceptors around it. A synchronous handler stays synchronous: no
 * promise is made here, because one promise per message costs about a tenth of the rate.
 */
import { RingwireError, RpcError, RpcErrorCode } from '../errors.js';
import type { Call, CallContext, Handler, Interceptor } from './types.js';

/** Serves what no handler is registered for. `context.id` is undefined for a notification. */
export type FallbackHandler = (
  method: string,
  params: unknown,
  context: CallContext,
) => unknown | Promise<unknown>;

type Next = (call: Call) => unknown | Promise<unknown>;

/** A handler and, once it was needed, the chain of interceptors that ends in it. */
interface Route {
  readonly handler: Handler;
  chain: Next | undefined;
}

/** JSON-RPC keeps these names for itself (https://www.jsonrpc.org/specification, section 8). */
const reservedPrefix = 'rpc.';

export class Dispatcher {
  readonly #methods = new Map<string, Route>();
  readonly #notifications = new Map<string, Route>();
  readonly #interceptors: Interceptor[] = [];
  readonly #methodListeners: ((name: string) => void)[] = [];
  #fallback: FallbackHandler | undefined;
  #fallbackChain: Next | undefined;

  /**
   * Serves requests of this name, replacing an earlier handler. It also receives notifications of the name unless
   * notification() registered another. Throws CONFIG_INVALID for an empty name and for names that begin `rpc.`.
   */
  method<Params = unknown, Result = unknown>(name: string, handler: Handler<Params, Result>): this {
    this.#methods.set(checkedName(name), { handler: handler as Handler, chain: undefined });
    for (const listener of this.#methodListeners) listener(name);
    return this;
  }

  /** Calls back with the name of each method registered from now on. */
  onMethod(listener: (name: string) => void): void {
    this.#methodListeners.push(listener);
  }

  /** Serves notifications of this name, replacing an earlier handler. What it returns is dropped. */
  notification<Params = unknown>(name: string, handler: Handler<Params>): this {
    this.#notifications.set(checkedName(name), { handler: handler as Handler, chain: undefined });
    return this;
  }

  /** Serves every name without a handler of its own, except reserved ones. undefined takes it away. */
  fallback(handler: FallbackHandler | undefined): this {
    this.#fallback = handler;
    this.#fallbackChain = undefined;
    return this;
  }

  /** Puts an interceptor around every call, also those to unknown names. The first one added is the outermost. */
  use(interceptor: Interceptor): this {
    this.#interceptors.push(interceptor);
    this.#fallbackChain = undefined;
    for (const route of this.#methods.values()) route.chain = undefined;
    for (const route of this.#notifications.values()) route.chain = undefined;
    return this;
  }

  /** Whether a request or notification of this name has a handler of its own. */
  has(name: string): boolean {
    return this.#methods.has(name) || this.#notifications.has(name);
  }

  /** Takes the handlers of this name away; false where there was none. */
  remove(name: string): boolean {
    const wasMethod = this.#methods.delete(name);
    return this.#notifications.delete(name) || wasMethod;
  }

  /** The names of the methods, in order of registration; notifications are not among them. */
  methods(): string[] {
    return [...this.#methods.keys()];
  }

  /** Runs a call. Throws (or rejects with) what the handler throws; -32601 where nothing serves the method. */
  invoke(call: Call): unknown | Promise<unknown> {
    return this.dispatch(call.method, call.params, call.context);
  }

  /** invoke() for callers that have no Call at hand; makes none unless there are interceptors. */
  dispatch(method: string, params: unknown, context: CallContext): unknown | Promise<unknown> {
    const route =
      (context.id === undefined ? this.#notifications.get(method) : undefined) ?? this.#methods.get(method);
    if (this.#interceptors.length === 0) {
      return route === undefined
        ? this.#serveUnknown(method, params, context)
        : route.handler(params, context);
    }
    return this.#chainOf(route)({ method, params, context });
  }

  #chainOf(route: Route | undefined): Next {
    if (route === undefined) {
      this.#fallbackChain ??= this.#compose((call) =>
        this.#serveUnknown(call.method, call.params, call.context),
      );
      return this.#fallbackChain;
    }
    const { handler } = route;
    route.chain ??= this.#compose((call) => handler(call.params, call.context));
    return route.chain;
  }

  #compose(innermost: Next): Next {
    return this.#interceptors.reduceRight<Next>(
      (next, interceptor) => (call) => interceptor(call, next),
      innermost,
    );
  }

  #serveUnknown(method: string, params: unknown, context: CallContext): unknown | Promise<unknown> {
    if (this.#fallback !== undefined && !method.startsWith(reservedPrefix)) {
      return this.#fallback(method, params, context);
    }
    // A notification nobody listens to is not an error: there is nobody to tell.
    if (context.id === undefined) return undefined;
    throw new RpcError(RpcErrorCode.MethodNotFound, `Method not found: ${method}`);
  }
}

function checkedName(name: string): string {
  if (typeof name !== 'string' || name === '') {
    throw new RingwireError('CONFIG_INVALID', 'A method name must be a string that is not empty.');
  }
  if (name.startsWith(reservedPrefix)) {
    throw new RingwireError(
      'CONFIG_INVALID',
      `"${name}" cannot be served: JSON-RPC reserves names that begin with "rpc.".`,
    );
  }
  return name;
}
