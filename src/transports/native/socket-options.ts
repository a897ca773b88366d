/** Sets socket options through the addon, and reads back what the kernel granted. */
import { requireAddon } from '../../binding/addon.js';
import { SocketOption } from '../../binding/constants.generated.js';
import type { TcpInfo } from '../../binding/native.js';
import type { ResolvedOptions } from '../options.js';
import type { SocketOptions } from '../transport.js';
import { tuningProfiles } from '../tuning.js';

type NumberedOption = Exclude<keyof SocketOptions, 'congestion'>;

const optionNumbers: Readonly<Record<NumberedOption, number>> = {
  noDelay: SocketOption.NoDelay,
  quickAck: SocketOption.QuickAck,
  userTimeoutMs: SocketOption.UserTimeoutMs,
  notSentLowatBytes: SocketOption.NotSentLowatBytes,
  sendBufferBytes: SocketOption.SendBufferBytes,
  receiveBufferBytes: SocketOption.ReceiveBufferBytes,
  keepAlive: SocketOption.KeepAlive,
  keepAliveIdleSeconds: SocketOption.KeepAliveIdleSeconds,
  keepAliveIntervalSeconds: SocketOption.KeepAliveIntervalSeconds,
  keepAliveProbes: SocketOption.KeepAliveProbes,
  busyPollMicroseconds: SocketOption.BusyPollMicroseconds,
  reusePort: SocketOption.ReusePort,
};

/** What a Unix socket knows of them. */
const unixOptions = new Set<string>(['sendBufferBytes', 'receiveBufferBytes']);

const noneRefused: readonly string[] = [];

/** The profile's options with those given on top. */
export function effectiveSocketOptions(options: ResolvedOptions): SocketOptions {
  return options.profile === undefined
    ? options.socket
    : { ...tuningProfiles[options.profile], ...options.socket };
}

/**
 * Sets the options on a socket. Returns the names of those asked for by the caller that could not be set; a profile's
 * own options that a kind of socket does not have are passed over.
 */
export function applySocketOptions(
  fd: number,
  kind: 'tcp' | 'unix',
  options: ResolvedOptions,
): readonly string[] {
  const wanted = effectiveSocketOptions(options);
  const names = Object.keys(wanted) as (keyof SocketOptions)[];
  if (names.length === 0) return noneRefused;
  const addon = requireAddon();
  const refused: string[] = [];
  for (const name of names) {
    const value = wanted[name];
    // reusePort belongs to the listening socket, where it is set before bind().
    if (value === undefined || name === 'reusePort') continue;
    const isKnown = kind === 'tcp' || unixOptions.has(name);
    const status = !isKnown
      ? -1
      : name === 'congestion'
        ? addon.setCongestionControl(fd, value as string)
        : addon.setSocketOption(fd, optionNumbers[name], Number(value));
    if (status !== 0 && options.socket[name] !== undefined) refused.push(name);
  }
  return refused;
}

/** A socket's options as the kernel reports them now; absent are those it does not know. */
export function readSocketOptions(fd: number): SocketOptions {
  const addon = requireAddon();
  const granted: Record<string, number | boolean | string> = {};
  for (const [name, number] of Object.entries(optionNumbers)) {
    const value = addon.getSocketOption(fd, number);
    if (value === undefined) continue;
    const isFlag = name === 'noDelay' || name === 'quickAck' || name === 'keepAlive' || name === 'reusePort';
    granted[name] = isFlag ? value !== 0 : value;
  }
  const congestion = addon.getCongestionControl(fd);
  if (congestion !== undefined) granted.congestion = congestion;
  return granted;
}

/** What the kernel measured on a TCP connection: round-trip time, retransmits, window. */
export function readTcpInfo(fd: number): TcpInfo | undefined {
  return requireAddon().tcpInfo(fd);
}
