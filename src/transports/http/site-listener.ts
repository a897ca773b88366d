/** The listener of a site: its engine's, with the health answers that follow its life. */
import type { Health } from './health.js';
import type { HttpCounters, HttpEngineName, HttpListener, TlsOptions } from './http-server.js';

export class SiteListener implements HttpListener {
  readonly #listener: HttpListener;
  readonly #health: Health | undefined;
  readonly #apart: { readonly listener: HttpListener; readonly health: Health } | undefined;
  #closing: Promise<void> | undefined;

  /** `health` is served on the listener, `apart` on one of its own. */
  constructor(
    listener: HttpListener,
    health: Health | undefined,
    apart: { readonly listener: HttpListener; readonly health: Health } | undefined,
  ) {
    this.#listener = listener;
    this.#health = health;
    this.#apart = apart;
  }

  get url(): string {
    return this.#listener.url;
  }

  get webSocketUrl(): string {
    return this.#listener.webSocketUrl;
  }

  /** Where health is served alone; undefined where it is not. */
  get healthUrl(): string | undefined {
    return this.#apart?.listener.url;
  }

  get connections(): number {
    return this.#listener.connections;
  }

  get refusedConnections(): number | undefined {
    return this.#listener.refusedConnections;
  }

  get notGranted(): readonly string[] | undefined {
    return this.#listener.notGranted;
  }

  get engine(): HttpEngineName {
    return this.#listener.engine;
  }

  get engineReason(): string {
    return this.#listener.engineReason;
  }

  get counters(): HttpCounters {
    return this.#listener.counters;
  }

  async reloadTls(tls?: TlsOptions): Promise<void> {
    await this.#listener.reloadTls?.(tls);
    await this.#apart?.listener.reloadTls?.(tls);
  }

  close(options?: { readonly drainTimeoutMs?: number }): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  /** Health is told first and closed last: whoever asks meanwhile learns that no new calls are taken. */
  async #close(options: { readonly drainTimeoutMs?: number } | undefined): Promise<void> {
    if (this.#health !== undefined) this.#health.isDraining = true;
    if (this.#apart !== undefined) this.#apart.health.isDraining = true;
    await this.#listener.close(options);
    await this.#apart?.listener.close({ drainTimeoutMs: 0 });
    this.#health?.stop();
    this.#apart?.health.stop();
  }
}
