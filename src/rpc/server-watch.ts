/** Watches what a server serves while somebody asks for it: its calls, and the connections that last. */
import { performance } from 'node:perf_hooks';
import { timedEvery } from '../observability/call-meter.js';
import type { CallTotals, ConnectionRow, SendTotals } from '../observability/server-totals.js';
import type { ServerWatch as Watch } from '../transports/http/http-server.js';
import type { PeerInfo } from '../transports/transport.js';
import type { Peer } from './peer.js';
import type { RpcServer } from './server.js';

/** Connections are looked at so often for whether their peers read. */
const lookIntervalMs = 250;
/** And so many of them each time, so that ten thousand cost no more. */
const maxLooks = 1_000;
/** The document lists so many connections. */
const maxRows = 100;

export class ServerWatch implements Watch {
  readonly #server: RpcServer;
  /** Who had bytes waiting when they were looked at last, and when that was. */
  readonly #waiting = new Map<Peer, number>();
  #timer: NodeJS.Timeout | undefined;
  #users = 0;
  #backpressureMs = 0;
  #watermarkCrossings = 0;
  /** Where the next look goes on. */
  #next = 0;

  constructor(server: RpcServer) {
    this.#server = server;
  }

  get meter() {
    return this.#server.meter;
  }

  /** Begins to count; each start() wants a stop(). */
  start(): void {
    this.#users += 1;
    if (this.#users > 1) return;
    this.meter.isOn = true;
    this.#timer = setInterval(() => this.#look(), lookIntervalMs);
    this.#timer.unref();
  }

  stop(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.meter.isOn = false;
    clearInterval(this.#timer);
    this.#waiting.clear();
  }

  /** `inFlight` are the calls of HTTP, which its application knows; `refused` those it took no part of. */
  calls(inFlight: number, refused: number): CallTotals {
    const { calls, errors, latency } = this.meter;
    let atWork = inFlight;
    for (const peer of this.#lasting()) atWork += peer.inFlight;
    return {
      total: calls + this.#server.repliesWithoutCalls,
      errors: errors + refused,
      inFlight: atWork,
      latency: latency.toJSON(),
      latencyEvery: timedEvery,
    };
  }

  sends(): SendTotals {
    let queuedBytes = 0;
    for (const peer of this.#server.connections) queuedBytes += peer.unsentBytes;
    return {
      queuedBytes,
      backpressureMs: this.#backpressureMs,
      watermarkCrossings: this.#watermarkCrossings,
    };
  }

  /** Those whose peers do not read first, then those that asked for most. */
  rows(): readonly ConnectionRow[] {
    const now = performance.now();
    const rows = [...this.#lasting()].map((peer) => ({
      transport: peer.transport.kind,
      peer: peerName(peer.transport.peer),
      ageSeconds: Math.round((now - peer.openedAt) / 100) / 10,
      calls: peer.calls.count,
      inFlight: peer.inFlight,
      bufferedBytes: peer.unsentBytes,
    }));
    rows.sort((a, b) => b.bufferedBytes - a.bufferedBytes || b.calls - a.calls);
    return rows.slice(0, maxRows);
  }

  get connections(): number {
    let count = 0;
    for (const listener of this.#server.listeners) count += listener.connections;
    return count;
  }

  /** An exchange of HTTP is a connection to the server for as long as its call is at work. */
  *#lasting(): Generator<Peer> {
    for (const peer of this.#server.connections) if (peer.transport.kind !== 'http') yield peer;
  }

  /** A connection that has bytes waiting at two looks in a row waited all the time between. */
  #look(): void {
    const peers = [...this.#server.connections];
    const now = performance.now();
    const count = Math.min(peers.length, maxLooks);
    let longestMs = 0;
    for (let looked = 0; looked < count; looked += 1) {
      const peer = peers[(this.#next + looked) % peers.length];
      const since = this.#waiting.get(peer);
      if (peer.unsentBytes === 0) {
        if (since !== undefined) this.#waiting.delete(peer);
        continue;
      }
      if (since === undefined) this.#watermarkCrossings += 1;
      else longestMs = Math.max(longestMs, now - since);
      this.#waiting.set(peer, now);
    }
    // Time in which anybody waited, not the sum of all who did: hundreds that wait for a moment each are no slow reader.
    this.#backpressureMs += longestMs;
    this.#next = peers.length === 0 ? 0 : (this.#next + count) % peers.length;
    for (const peer of this.#waiting.keys()) if (!peer.isOpen) this.#waiting.delete(peer);
  }
}

function peerName({ address, port, pid }: PeerInfo): string {
  if (address === undefined) return pid === undefined ? '' : `process ${pid}`;
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
