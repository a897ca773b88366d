/** Serves connections that deliver one message at a time, in batches over all of them. */
import { highWatermarkBytes } from '../../limits.js';
import { createScanner } from '../../serialization/envelope.js';
import type { Transport } from '../../transports/transport.js';
import { Peer } from '../peer.js';
import type { PeerOptions } from '../peer-options.js';
import { CallTable } from './call-table.js';
import { DirectServer } from './direct-server.js';
import { MessageEngine } from './message-engine.js';
import { MessageReplies } from './message-replies.js';
import type { DirectRoutes } from './routes.js';

export class MessageServer {
  readonly #peerOptions: PeerOptions;
  readonly #engine: MessageEngine;
  readonly #replies: MessageReplies;
  readonly #direct: DirectServer;

  /** Installs the routes; peerOptions are those of every connection. */
  constructor(routes: DirectRoutes, peerOptions: PeerOptions) {
    const table = new CallTable();
    this.#peerOptions = peerOptions;
    this.#replies = new MessageReplies(table);
    const scanner = peerOptions.scanner ?? createScanner({ maxDepth: peerOptions.maxDepth });
    this.#engine = new MessageEngine(scanner, table, this.#replies);
    this.#direct = new DirectServer(this.#engine, this.#replies, routes.profiles);
    routes.install(this.#direct);
  }

  /** Serves a connection, which was not started. `options` replace those of the constructor for its Peer. */
  attach(transport: Transport, options: PeerOptions = this.#peerOptions): Peer {
    const connection = this.#engine.open(transport, highWatermarkBytes);
    const peer = new Peer(connection, options);
    this.#replies.setPeer(connection.index, peer);
    this.#direct.attach(connection, peer);
    return peer;
  }

  close(): void {
    this.#direct.close();
  }
}
