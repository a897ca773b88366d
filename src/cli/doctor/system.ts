import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { listenBacklog, maxConnections } from '../../limits.js';
import { couldBeBetter, type Finding, ok } from './check.js';

/** Descriptors beside the connections: the program's own files, pipes and libraries. */
const spareDescriptors = 100;
/** TCP buffers below this cap the rate of large frames on a long path: 1 MiB covers 1 Gbit/s at 8 ms. */
const largeBufferBytes = 1024 * 1024;

/** What the kernel grants; nothing on systems without /proc. */
export function systemFindings(): Finding[] {
  if (process.platform !== 'linux') return [cores()];
  return [cores(), descriptors(), backlog(), ...tcpBuffers(), congestion(), ports()].filter(
    (finding) => finding !== undefined,
  );
}

function readSetting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim();
  } catch {
    return undefined; // not visible in this container or kernel
  }
}

function cores(): Finding {
  const count = availableParallelism();
  const found = `${count} usable`;
  if (count > 1) return ok('cores', found);
  return couldBeBetter('cores', found, 'give the process two cores: the kernel serves sockets on the second');
}

function descriptors(): Finding | undefined {
  let limits: string;
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return undefined;
  }
  const match = /^Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)/m.exec(limits);
  if (match === null) return undefined;
  const soft = match[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(match[1]);
  const wanted = maxConnections + spareDescriptors;
  if (soft >= wanted) return ok('descriptors', `${match[1]} open files`);
  return couldBeBetter(
    'descriptors',
    `${match[1]} open files; ${maxConnections} connections need ${wanted}`,
    `ulimit -n ${wanted}   (systemd: LimitNOFILE=${wanted})`,
  );
}

function backlog(): Finding | undefined {
  const text = readSetting('net.core.somaxconn');
  if (text === undefined) return undefined;
  const found = `net.core.somaxconn = ${text}`;
  if (Number(text) >= listenBacklog) return ok('backlog', found);
  return couldBeBetter(
    'backlog',
    `${found}; a listener asks for ${listenBacklog} waiting connections`,
    `sudo sysctl -w net.core.somaxconn=${listenBacklog * 4}`,
  );
}

function tcpBuffers(): Finding[] {
  const findings: Finding[] = [];
  for (const [name, setting] of [
    ['receive buffer', 'net.ipv4.tcp_rmem'],
    ['send buffer', 'net.ipv4.tcp_wmem'],
  ]) {
    const text = readSetting(setting);
    if (text === undefined) continue;
    const [least, initial, most] = text.split(/\s+/);
    const found = `${setting} = ${least} ${initial} ${most}`;
    if (Number(most) >= largeBufferBytes) {
      findings.push(ok(name, found));
    } else {
      const change = `sudo sysctl -w ${setting}="${least} ${initial} ${4 * largeBufferBytes}"`;
      findings.push(
        couldBeBetter(name, `${found}; large frames on a long path want ${largeBufferBytes}`, change),
      );
    }
  }
  return findings;
}

function congestion(): Finding | undefined {
  const current = readSetting('net.ipv4.tcp_congestion_control');
  if (current === undefined) return undefined;
  const available = readSetting('net.ipv4.tcp_available_congestion_control') ?? current;
  const found = `${current} (available: ${available})`;
  if (current === 'cubic' || current === 'bbr') return ok('congestion', found);
  return couldBeBetter('congestion', found, 'sudo sysctl -w net.ipv4.tcp_congestion_control=cubic');
}

function ports(): Finding | undefined {
  const text = readSetting('net.ipv4.ip_local_port_range');
  if (text === undefined) return undefined;
  const [first, last] = text.split(/\s+/).map(Number);
  const found = `${last - first + 1} local ports for outgoing connections`;
  if (last - first + 1 >= maxConnections) return ok('ports', found);
  return couldBeBetter('ports', found, 'sudo sysctl -w net.ipv4.ip_local_port_range="32768 60999"');
}
