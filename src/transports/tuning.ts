/**
 * Four sets of socket options for four kinds of load. A profile sets only what differs from the kernel's own
 * behaviour; options given beside it win. What the kernel granted stands in Transport.grantedSocketOptions.
 */
import type { SocketOptions, TuningProfile } from './transport.js';

const kibibyte = 1024;

export const tuningProfiles: Readonly<Record<TuningProfile, SocketOptions>> = {
  /** Thousands of mostly idle peers: small kernel buffers, dead peers noticed within minutes. */
  low: {
    noDelay: true,
    keepAlive: true,
    keepAliveIdleSeconds: 120,
    keepAliveIntervalSeconds: 30,
    keepAliveProbes: 4,
    sendBufferBytes: 16 * kibibyte,
    receiveBufferBytes: 16 * kibibyte,
  },
  /** The usual service: 64 KiB buffers, a dead peer noticed within a minute. */
  medium: {
    noDelay: true,
    keepAlive: true,
    keepAliveIdleSeconds: 30,
    keepAliveIntervalSeconds: 10,
    keepAliveProbes: 3,
    userTimeoutMs: 30_000,
    sendBufferBytes: 64 * kibibyte,
    receiveBufferBytes: 64 * kibibyte,
  },
  /** Many requests in flight on few connections: larger buffers, little unsent data in the kernel, quick failure. */
  high: {
    noDelay: true,
    quickAck: true,
    keepAlive: true,
    keepAliveIdleSeconds: 10,
    keepAliveIntervalSeconds: 3,
    keepAliveProbes: 3,
    userTimeoutMs: 15_000,
    notSentLowatBytes: 128 * kibibyte,
    sendBufferBytes: 256 * kibibyte,
    receiveBufferBytes: 256 * kibibyte,
  },
  /** Bulk or lowest latency on a network of one's own; costs memory and, by busy polling, processor time. */
  extreme: {
    noDelay: true,
    quickAck: true,
    keepAlive: true,
    keepAliveIdleSeconds: 5,
    keepAliveIntervalSeconds: 1,
    keepAliveProbes: 5,
    userTimeoutMs: 10_000,
    notSentLowatBytes: 512 * kibibyte,
    sendBufferBytes: 1024 * kibibyte,
    receiveBufferBytes: 1024 * kibibyte,
    busyPollMicroseconds: 50,
  },
};
