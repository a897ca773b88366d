/** Finds the descriptor of a listening socket that uWebSockets.js made, to set options that its connections inherit. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { addon } from '../../../binding/addon.js';
import { listenBacklog } from '../../../limits.js';
import { applySocketOptions, effectiveSocketOptions } from '../../native/socket-options.js';
import type { ResolvedOptions } from '../../options.js';

/** The state of a listening socket in /proc/net/tcp. */
const listening = '0A';

/** The sockets of this process that are open now, by inode; empty where the system does not tell. */
export function openSockets(): ReadonlyMap<string, number> {
  const sockets = new Map<string, number>();
  let names: readonly string[] = [];
  try {
    names = readdirSync('/proc/self/fd');
  } catch {
    // Not Linux.
  }
  for (const name of names) {
    const inode = /^socket:\[(\d+)\]$/.exec(linkOf(name))?.[1];
    if (inode !== undefined) sockets.set(inode, Number(name));
  }
  return sockets;
}

/** The descriptor that listens on this port and was not open before. */
export function listeningDescriptor(before: ReadonlyMap<string, number>, port: number): number | undefined {
  const inodes = listeningInodes(port);
  for (const [inode, fd] of openSockets()) if (!before.has(inode) && inodes.has(inode)) return fd;
  return undefined;
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

function listeningInodes(port: number): ReadonlySet<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = new Set<string>();
  for (const table of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
    let text = '';
    try {
      text = readFileSync(table, 'latin1');
    } catch {
      // No IPv6 here.
    }
    for (const line of text.split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(suffix) && fields[3] === listening) inodes.add(fields[9]);
    }
  }
  return inodes;
}

/**
 * Sets the socket options on a listening socket; Linux gives them to the connections it accepts. Returns the names of
 * those that were asked for and that the connections do not have.
 */
export function tuneListeningSocket(
  find: () => number | undefined,
  options: ResolvedOptions,
): readonly string[] {
  const asked = Object.keys(options.socket).filter(
    (name) => name !== 'reusePort' && options.socket[name as keyof typeof options.socket] !== undefined,
  );
  // uWebSockets.js has 512 connections wait to be accepted.
  if (options.backlog !== listenBacklog) asked.push('backlog');
  if (Object.keys(effectiveSocketOptions(options)).length === 0) return asked;
  const fd = addon() === undefined || process.platform !== 'linux' ? undefined : find();
  if (fd === undefined) return asked;
  const refused = new Set(applySocketOptions(fd, 'tcp', options));
  if (asked.includes('backlog')) refused.add('backlog');
  // A state of each connection, which none inherits.
  if (options.socket.quickAck !== undefined) refused.add('quickAck');
  // uWebSockets.js turns the algorithm of Nagle off on every connection.
  if (options.socket.noDelay === false) refused.add('noDelay');
  return [...refused];
}
