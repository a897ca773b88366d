/**
 * Who wants to hear of changes: subscriptions/listen requests of the modern era, and whole sessions of the legacy one.
 * Source: 2026-07-28, basic/patterns/subscriptions; 2025-11-25, server/{tools,resources,prompts}.
 */
import { RpcError, RpcErrorCode } from '../errors.js';
import { JsonText } from '../rpc/json-text.js';
import type { CallContext, Connection, IdText } from '../rpc/types.js';
import { MetaKey, maxSubscribedUris, maxSubscriptions } from './protocol.js';
import type { MetaObject, SubscriptionFilter } from './types.js';

export type ListKind = 'tools' | 'resources' | 'prompts';

/**
 * Sends notifications that say "look again". One of a kind waits at most while the transport is full: a peer that
 * does not read costs a bounded number of entries, and still learns of the last change.
 */
class ChangeSender {
  readonly #connection: Connection;
  readonly #waiting = new Map<string, string>();
  #draining = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  send(method: string, paramsText: string): void {
    if (!this.#draining && this.#offer(method, paramsText)) return;
    this.#waiting.set(paramsText + method, method);
    void this.#drain();
  }

  /** False when the transport is full. What a closed connection is told is lost, and rightly so. */
  #offer(method: string, paramsText: string): boolean {
    try {
      return this.#connection.notifyText(method, paramsText) !== 'full';
    } catch {
      return true;
    }
  }

  /** Ends with the connection, too: drained() resolves then, and what is offered to it is gone. */
  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    while (this.#waiting.size > 0) {
      await this.#connection.drained();
      for (const [key, method] of this.#waiting) {
        const paramsText = key.slice(0, key.length - method.length);
        if (!this.#offer(method, paramsText)) break;
        this.#waiting.delete(key);
      }
    }
    this.#draining = false;
  }
}

export interface Subscriber {
  listChanged(kind: ListKind): void;
  resourceUpdated(uri: string): void;
}

function listChangedMethod(kind: ListKind): string {
  return `notifications/${kind}/list_changed`;
}

/** One subscriptions/listen request. It is answered when the server ends it, not before. */
class ModernSubscription implements Subscriber {
  readonly #sender: ChangeSender;
  readonly #metaText: string;
  readonly #resultText: string;
  readonly #uris: ReadonlySet<string>;
  #end: ((result: JsonText) => void) | undefined;

  constructor(
    readonly connection: Connection,
    id: IdText,
    readonly filter: SubscriptionFilter,
    resultMeta: MetaObject | undefined,
  ) {
    this.#sender = new ChangeSender(connection);
    // As text, because an id may be a number that JavaScript cannot hold.
    const tag = `${JSON.stringify(MetaKey.SubscriptionId)}:${id}`;
    const others = resultMeta === undefined ? '' : `,${JSON.stringify(resultMeta).slice(1, -1)}`;
    this.#metaText = `"_meta":{${tag}}`;
    this.#resultText = `{"resultType":"complete","_meta":{${tag}${others}}}`;
    this.#uris = new Set(filter.resourceSubscriptions);
    this.#sender.send(
      'notifications/subscriptions/acknowledged',
      `{${this.#metaText},"notifications":${JSON.stringify(filter)}}`,
    );
  }

  listChanged(kind: ListKind): void {
    if (this.filter[`${kind}ListChanged`]) this.#sender.send(listChangedMethod(kind), `{${this.#metaText}}`);
  }

  resourceUpdated(uri: string): void {
    if (this.#uris.has(uri))
      this.#sender.send(
        'notifications/resources/updated',
        `{${this.#metaText},"uri":${JSON.stringify(uri)}}`,
      );
  }

  /** Resolves with the final result when end() is called. */
  ended(): Promise<JsonText> {
    return new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  end(): void {
    this.#end?.(new JsonText(this.#resultText));
  }
}

/** What an initialized legacy session hears: every list change, and updates of the URIs it subscribed to. */
export class LegacySubscriber implements Subscriber {
  readonly uris = new Set<string>();
  readonly #sender: ChangeSender;

  constructor(connection: Connection) {
    this.#sender = new ChangeSender(connection);
  }

  listChanged(kind: ListKind): void {
    this.#sender.send(listChangedMethod(kind), '');
  }

  resourceUpdated(uri: string): void {
    if (this.uris.has(uri)) this.#sender.send('notifications/resources/updated', JSON.stringify({ uri }));
  }

  /** Throws -32602 where the session watches too many URIs already. */
  subscribe(uri: string): void {
    if (this.uris.size >= maxSubscribedUris && !this.uris.has(uri))
      throw new RpcError(
        RpcErrorCode.InvalidParams,
        `A session may watch at most ${maxSubscribedUris} resources`,
      );
    this.uris.add(uri);
  }
}

export class SubscriptionHub {
  readonly #subscribers = new Set<Subscriber>();
  /** What ends each subscription of a connection with it. */
  readonly #open = new WeakMap<Connection, Set<() => void>>();

  get size(): number {
    return this.#subscribers.size;
  }

  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  listChanged(kind: ListKind): void {
    for (const subscriber of this.#subscribers) subscriber.listChanged(kind);
  }

  resourceUpdated(uri: string): void {
    for (const subscriber of this.#subscribers) subscriber.resourceUpdated(uri);
  }

  /**
   * Serves subscriptions/listen: acknowledged at once, answered at the end.
   * @param offered what this server can tell of; the rest of the client's filter is left out.
   * @param resultMeta what `_meta` of the final result has beside the subscription's id.
   */
  async listen(
    requested: unknown,
    offered: readonly ListKind[],
    resultMeta: MetaObject | undefined,
    context: CallContext,
  ): Promise<unknown> {
    const { connection, id } = context;
    if (id === undefined) return undefined;
    const filter = acceptedFilter(requested, offered);
    const open = this.#openOn(connection);
    if (open.size >= maxSubscriptions)
      throw new RpcError(
        RpcErrorCode.InvalidParams,
        `A connection may have at most ${maxSubscriptions} subscriptions open; end one, or ask for more in one`,
      );
    context.extendDeadline(Number.POSITIVE_INFINITY);
    const subscription = new ModernSubscription(connection, id, filter, resultMeta);
    let abandon = () => {};
    const abandoned = new Promise<undefined>((resolve) => {
      abandon = () => resolve(undefined);
      context.signal.addEventListener('abort', abandon, { once: true });
    });
    open.add(abandon);
    this.add(subscription);
    try {
      return await Promise.race([subscription.ended(), abandoned]);
    } finally {
      this.remove(subscription);
      open.delete(abandon);
    }
  }

  /** Disconnects abort calls only where the connection's options say so, so its end is watched, once for all. */
  #openOn(connection: Connection): Set<() => void> {
    let open = this.#open.get(connection);
    if (open === undefined) {
      const abandons = new Set<() => void>();
      open = abandons;
      this.#open.set(connection, abandons);
      void connection.closed.then(() => {
        for (const abandon of abandons) abandon();
      });
    }
    return open;
  }

  /** Ends every modern subscription of the connections that are meant with its final result. Default: all. */
  endAll(isMeant: (connection: Connection) => boolean = () => true): void {
    for (const subscriber of this.#subscribers)
      if (subscriber instanceof ModernSubscription && isMeant(subscriber.connection)) subscriber.end();
  }
}

function acceptedFilter(requested: unknown, offered: readonly ListKind[]): SubscriptionFilter {
  if (typeof requested !== 'object' || requested === null || Array.isArray(requested))
    throw new RpcError(RpcErrorCode.InvalidParams, 'params.notifications must be an object');
  const filter = requested as Record<string, unknown>;
  const accepted: Record<string, unknown> = {};
  for (const kind of offered)
    if (filter[`${kind}ListChanged`] === true) accepted[`${kind}ListChanged`] = true;
  const uris = filter.resourceSubscriptions;
  if (uris !== undefined) {
    if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === 'string'))
      throw new RpcError(
        RpcErrorCode.InvalidParams,
        'params.notifications.resourceSubscriptions must be an array of URIs',
      );
    if (uris.length > maxSubscribedUris)
      throw new RpcError(
        RpcErrorCode.InvalidParams,
        `params.notifications.resourceSubscriptions may hold at most ${maxSubscribedUris} URIs`,
      );
    if (offered.includes('resources')) accepted.resourceSubscriptions = uris;
  }
  return accepted as SubscriptionFilter;
}
