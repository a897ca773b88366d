/** The subscriptions of a client, in both eras, over lost connections. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, RingwireError } from '../errors.js';
import type { Peer } from '../rpc/peer.js';
import type { RequestOptions } from '../rpc/types.js';
import type { ClientSession } from './client-session.js';
import { changeMethods, Subscription } from './client-subscription.js';
import { MetaKey } from './protocol.js';
import type { SubscriptionFilter } from './types.js';

/** Codes that say a connection was lost, not that the request was wrong. */
const lostConnection: readonly string[] = [
  'CHILD_EXITED',
  'CONNECTION_CLOSED',
  'CONNECTION_RESET',
  'IO_ERROR',
  'SESSION_ENDED',
] satisfies ErrorCode[];

/** Over HTTP a lost stream is asked for again this often in a row. */
const maxStreamAttempts = 12;

/** Before a lost subscription is asked for again: 50 ms, 100 ms and so on up to 10 s. */
const firstDelayMs = 50;
const longestDelayMs = 10_000;

/** A subscription that was lost twice within this time did not live. */
const shortLifeMs = 2 * longestDelayMs;

interface Losses {
  readonly count: number;
  readonly lastAt: number;
}

export class ClientListener {
  readonly #session: ClientSession;
  /** By the id of the listen request; legacy ones by a key of their own. */
  readonly #subscriptions = new Map<string, Subscription>();
  /** What to call for subscriptions the server has not acknowledged yet. */
  readonly #acknowledgements = new Map<Subscription, () => void>();
  readonly #watched = new WeakSet<Peer>();
  /** Of subscriptions that were lost: how often in a row. */
  readonly #losses = new WeakMap<Subscription, Losses>();
  /** Of legacy ones: aborted when they are closed. */
  readonly #stops = new WeakMap<Subscription, AbortSignal>();
  #legacyCount = 0;

  constructor(session: ClientSession) {
    this.#session = session;
    const { dispatcher } = session;
    for (const method of changeMethods)
      dispatcher.notification(method, (params) => this.#changed(method, params));
    dispatcher.notification('notifications/subscriptions/acknowledged', (params) =>
      this.#acknowledged(params),
    );
    dispatcher.notification('notifications/cancelled', (params) => this.#endedByServer(params));
  }

  async listen(filter: SubscriptionFilter, options: RequestOptions): Promise<Subscription> {
    const { era } = await this.#session.usable('subscriptions/listen');
    return era === 'legacy' ? this.#listenLegacy(filter, options) : this.#listenModern(filter, options);
  }

  closeAll(): void {
    for (const subscription of [...this.#subscriptions.values()]) subscription.close();
  }

  async #listenModern(filter: SubscriptionFilter, options: RequestOptions): Promise<Subscription> {
    const stop = new AbortController();
    const subscription = new Subscription(filter, () => stop.abort());
    const signal =
      options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
    await this.#start(subscription, signal);
    return subscription;
  }

  /** Resolves at the acknowledgement; from then on the answer, whenever it comes, ends the subscription. */
  #start(subscription: Subscription, signal: AbortSignal): Promise<void> {
    let key = '';
    return new Promise((resolve, reject) => {
      this.#acknowledgements.set(subscription, resolve);
      const params = { notifications: subscription.requested };
      const options: RequestOptions = {
        signal,
        timeoutMs: Number.POSITIVE_INFINITY,
        onSend: (id) => {
          key = id;
          this.#subscriptions.set(id, subscription);
        },
      };
      this.#session.request('subscriptions/listen', params, options).then(
        () => {
          this.#subscriptions.delete(key);
          this.#acknowledgements.delete(subscription);
          resolve();
          subscription.end();
        },
        (error: RingwireError) => {
          this.#subscriptions.delete(key);
          const acknowledged = !this.#acknowledgements.delete(subscription);
          reject(error);
          if (acknowledged) this.#lost(subscription, signal, error);
        },
      );
    });
  }

  /** An acknowledged subscription whose request failed: asked for again after a lost connection, else over. */
  #lost(subscription: Subscription, signal: AbortSignal, error: RingwireError): void {
    const { canReconnect, isClosed } = this.#session;
    if (signal.aborted || isClosed) subscription.end();
    else if (!lostConnection.includes(error.code) || !canReconnect) subscription.end(error);
    else if (this.#session.current.peer.transport.kind === 'http')
      void this.#streamAgain(subscription, signal);
    else void this.#connectAgain(subscription, signal);
  }

  async #connectAgain(subscription: Subscription, signal: AbortSignal): Promise<void> {
    // The session drops the connection when its end is known, which may be a moment after its requests failed.
    await this.#session.current.peer.closed;
    await this.#patience(subscription, signal);
    if (signal.aborted) return subscription.end();
    try {
      await this.#start(subscription, signal);
      subscription.push({ type: 'reconnected' });
    } catch (error) {
      subscription.end(error as RingwireError);
    }
  }

  /** Over HTTP each subscription is a request of its own, and there is no connection whose end could be awaited. */
  async #streamAgain(subscription: Subscription, signal: AbortSignal): Promise<void> {
    const losses = this.#countLoss(subscription);
    for (let attempt = 0; ; attempt++) {
      await pause(losses + attempt, signal);
      if (signal.aborted || subscription.ended || this.#session.isClosed) return subscription.end();
      try {
        await this.#start(subscription, signal);
        return subscription.push({ type: 'reconnected' });
      } catch (error) {
        const isLasting = !(error instanceof RingwireError) || !error.retryable;
        if (isLasting || attempt + 1 >= maxStreamAttempts) return subscription.end(error as RingwireError);
      }
    }
  }

  /** Losses in a row before this one. */
  #countLoss(subscription: Subscription): number {
    const now = performance.now();
    const { count, lastAt } = this.#losses.get(subscription) ?? {
      count: 0,
      lastAt: Number.NEGATIVE_INFINITY,
    };
    const before = now - lastAt < shortLifeMs ? count : 0;
    this.#losses.set(subscription, { count: before + 1, lastAt: now });
    return before;
  }

  /** Waits where the server takes the subscription and drops it again and again. */
  async #patience(subscription: Subscription, signal: AbortSignal | undefined): Promise<void> {
    const losses = this.#countLoss(subscription);
    if (losses > 0) await pause(losses - 1, signal);
  }

  #acknowledged(params: unknown): void {
    const subscription = this.#subscriptionOf(params);
    if (subscription === undefined) return;
    subscription.accepted = (params as { notifications?: SubscriptionFilter }).notifications ?? {};
    this.#acknowledgements.get(subscription)?.();
    this.#acknowledgements.delete(subscription);
  }

  /** Other servers end a subscription with notifications/cancelled instead of its result. */
  #endedByServer(params: unknown): void {
    const id = String((params as { requestId?: unknown } | undefined)?.requestId);
    const subscription = this.#subscriptions.get(id);
    this.#subscriptions.delete(id);
    subscription?.close();
  }

  #subscriptionOf(params: unknown): Subscription | undefined {
    const id = (params as { _meta?: Record<string, unknown> } | undefined)?._meta?.[MetaKey.SubscriptionId];
    return id === undefined ? undefined : this.#subscriptions.get(String(id));
  }

  #changed(method: string, params: unknown): void {
    if (this.#session.current.era === 'modern') this.#subscriptionOf(params)?.deliver(method, params);
    else for (const subscription of this.#subscriptions.values()) subscription.deliver(method, params);
  }

  /** Legacy servers send list changes unasked; updates of resources are asked for one by one. */
  async #listenLegacy(filter: SubscriptionFilter, options: RequestOptions): Promise<Subscription> {
    const key = `legacy ${++this.#legacyCount}`;
    const stop = new AbortController();
    const subscription = new Subscription(filter, () => {
      stop.abort();
      this.#subscriptions.delete(key);
      if (!this.#session.isConnected) return;
      for (const uri of subscription.accepted.resourceSubscriptions ?? [])
        this.#session.request('resources/unsubscribe', { uri }).catch(() => {});
    });
    this.#subscriptions.set(key, subscription);
    this.#stops.set(subscription, stop.signal);
    try {
      await this.#subscribeLegacy(subscription, options);
    } catch (error) {
      subscription.close();
      throw error;
    }
    return subscription;
  }

  async #subscribeLegacy(subscription: Subscription, options: RequestOptions): Promise<void> {
    const { capabilities, peer, listening } = await this.#session.usable('resources/subscribe');
    await listening?.();
    const { tools, prompts, resources } = capabilities;
    const { requested } = subscription;
    const uris = resources?.subscribe ? (requested.resourceSubscriptions ?? []) : [];
    await Promise.all(uris.map((uri) => this.#session.request('resources/subscribe', { uri }, options)));
    // Any answer proves that the server has read notifications/initialized, from when on it tells of list changes.
    if (uris.length === 0) await this.#session.request('ping', {}, options);
    subscription.accepted = {
      ...(requested.toolsListChanged && tools?.listChanged && { toolsListChanged: true }),
      ...(requested.promptsListChanged && prompts?.listChanged && { promptsListChanged: true }),
      ...(requested.resourcesListChanged && resources?.listChanged && { resourcesListChanged: true }),
      ...(uris.length > 0 && { resourceSubscriptions: uris }),
    };
    this.#watch(peer);
  }

  /** One watch per connection, however many subscriptions come and go on it. */
  #watch(peer: Peer): void {
    if (this.#watched.has(peer)) return;
    this.#watched.add(peer);
    void peer.closed.then((error) => {
      for (const subscription of [...this.#subscriptions.values()]) this.#lostLegacy(subscription, error);
    });
  }

  #lostLegacy(subscription: Subscription, error: RingwireError | undefined): void {
    if (subscription.ended) return;
    if (this.#session.isClosed) this.#endLegacy(subscription);
    else if (this.#session.canReconnect)
      this.#patience(subscription, this.#stops.get(subscription))
        .then(() => (subscription.ended ? undefined : this.#subscribeLegacy(subscription, {})))
        .then(
          () => subscription.push({ type: 'reconnected' }),
          (again: RingwireError) => this.#endLegacy(subscription, again),
        );
    else
      this.#endLegacy(
        subscription,
        error ?? new RingwireError('CONNECTION_CLOSED', 'The server closed the connection.'),
      );
  }

  #endLegacy(subscription: Subscription, error?: RingwireError): void {
    subscription.end(error);
    for (const [key, each] of this.#subscriptions) if (each === subscription) this.#subscriptions.delete(key);
  }
}

/** The wait behind this many vain attempts. Half of it is chance: clients of one server must not come all at once. */
async function pause(attempts: number, signal: AbortSignal | undefined): Promise<void> {
  const delayMs = Math.min(firstDelayMs * 2 ** attempts, longestDelayMs);
  await sleep(delayMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
}
