/** Serves connections that deliver one message at a time, in batches over all of them. */
import { requireAddon } from '../../binding/addon.js';
import { highWatermarkBytes, maxDepth } from '../../limits.js';
import type { CallMeter } from '../../observability/call-meter.js';
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

  /** Installs the routes; peerOptions are those of every connection. Throws ADDON_UNAVAILABLE. */
  constructor(routes: DirectRoutes, peerOptions: PeerOptions, meter: CallMeter) {
    const native = new (requireAddon().MessageBatch)(peerOptions.maxDepth ?? maxDepth);
    const table = new CallTable(native);
    this.#peerOptions = peerOptions;
    this.#replies = new MessageReplies(table);
    this.#engine = new MessageEngine(native, table, this.#replies);
    this.#direct = new DirectServer(this.#engine, this.#replies, routes.profiles, meter);
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

  /** Requests answered without a call: their answers never change. */
  get repliesWithoutCalls(): number {
    return this.#engine.repliesWithoutCalls;
  }

  close(): void {
    this.#direct.close();
  }
}
