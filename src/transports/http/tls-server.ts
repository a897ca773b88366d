/** A TLS server whose certificates can be changed while it serves. Sockets are given to it as 'connection' events. */

import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { TlsOptions } from './http-server.js';
import {
  contextFor,
  fingerprintOfFiles,
  loadServerMaterial,
  refuseExpired,
  type ServerMaterial,
} from './tls-material.js';

export interface TlsServerHooks {
  /** A handshake is done. */
  readonly onSecure: (socket: TLSSocket) => void;
  /** A handshake failed; its socket is gone. */
  readonly onFailed: (error: Error, socket: TLSSocket) => void;
}

export class TlsServer {
  readonly #server: Server;
  #options: TlsOptions;
  #material: ServerMaterial;
  #watcher: NodeJS.Timeout | undefined;
  #seen: string;

  private constructor(
    options: TlsOptions,
    material: ServerMaterial,
    seen: string,
    protocols: readonly string[] | undefined,
    handshakeTimeoutMs: number,
    { onSecure, onFailed }: TlsServerHooks,
  ) {
    this.#options = options;
    this.#material = material;
    this.#seen = seen;
    this.#server = createServer({
      ...material.base,
      allowHalfOpen: true,
      handshakeTimeout: handshakeTimeoutMs,
      requestCert: options.clientCertificates === 'request' || options.clientCertificates === 'require',
      rejectUnauthorized: options.clientCertificates === 'require',
      ALPNProtocols: protocols === undefined ? undefined : [...protocols],
      SNICallback: (name, done) => done(null, contextFor(this.#material.hosts, name)),
    });
    this.#server.on('secureConnection', onSecure);
    this.#server.on('tlsClientError', onFailed);
    for (const { subject, validTo, daysLeft } of material.facts) {
      if (daysLeft < 0)
        process.emitWarning(`The certificate "${subject}" expired on ${validTo.toISOString()}.`);
    }
    const { watchIntervalMs = 0 } = options;
    if (watchIntervalMs > 0) this.#watcher = setInterval(() => void this.#look(), watchIntervalMs).unref();
  }

  /** `protocols` are offered by ALPN. Rejects with CONFIG_INVALID where the certificates cannot be used. */
  static async create(
    options: TlsOptions | undefined,
    protocols: readonly string[] | undefined,
    handshakeTimeoutMs: number,
    hooks: TlsServerHooks,
  ): Promise<TlsServer> {
    const material = await loadServerMaterial(options);
    const tls = options as TlsOptions;
    const seen = await fingerprintOfFiles(tls);
    return new TlsServer(tls, material, seen, protocols, handshakeTimeoutMs, hooks);
  }

  /** Begins the handshake on a socket. */
  accept(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  /**
   * Takes certificates anew, from the options' files or from `options`. Connections that are open keep theirs. Rejects
   * with CONFIG_INVALID and changes nothing where the new ones cannot be used or have expired. Whether clients need
   * certificates, and the lowest version, stay as they were at the beginning.
   */
  async reload(options: TlsOptions = this.#options): Promise<void> {
    const merged: TlsOptions = {
      ...options,
      clientCertificates: this.#options.clientCertificates,
      minVersion: this.#options.minVersion,
    };
    const material = await loadServerMaterial(merged);
    refuseExpired(material.facts);
    const seen = await fingerprintOfFiles(merged);
    this.#server.setSecureContext(material.base);
    this.#material = material;
    this.#options = merged;
    this.#seen = seen;
  }

  /** Stops looking for changed files. */
  close(): void {
    clearInterval(this.#watcher);
  }

  async #look(): Promise<void> {
    const seen = await fingerprintOfFiles(this.#options);
    if (seen === this.#seen) return;
    // A certificate and its key are written one after the other: what does not fit yet is tried again.
    await this.reload().catch((error: Error) => {
      process.emitWarning(`Certificates changed and are not used: ${error.message}`);
    });
  }
}
