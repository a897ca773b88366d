import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { listenBacklog, maxConnections } from '../../limits.js';
import { tuningProfiles } from '../../transports/tuning.js';
import { broken, couldBeBetter, type Finding, ok } from './check.js';

/** Descriptors beside the connections: the program's own files, pipes and libraries. */
const spareDescriptors = 100;
/** TCP buffers below this cap the rate of large frames on a long path: 1 MiB covers 1 Gbit/s at 8 ms. */
const largeBufferBytes = 1024 * 1024;
/** Clocks that are a device and not a register of the processor. */
const slowClocks = ['hpet', 'acpi_pm', 'jiffies', 'refined-jiffies', 'xen'];

/** What the kernel grants; nothing on systems without /proc. */
export function systemFindings(): Finding[] {
  if (process.platform !== 'linux') return [cores()];
  return [
    cores(),
    descriptors(),
    backlog(),
    ...tcpBuffers(),
    ...socketBuffers(),
    tcpMemory(),
    congestion(),
    ports(),
    clock(),
    governor(),
    perf(),
  ].filter((finding) => finding !== undefined);
}

function readSetting(name: string): string | undefined {
  return readText(`/proc/sys/${name.replaceAll('.', '/')}`);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
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

/** What a socket may ask for: the profiles of ours ask for a mebibyte at most. */
function socketBuffers(): Finding[] {
  const wanted = tuningProfiles.extreme.sendBufferBytes ?? 0;
  const findings: Finding[] = [];
  for (const setting of ['net.core.rmem_max', 'net.core.wmem_max']) {
    const text = readSetting(setting);
    if (text === undefined) continue;
    const found = `${setting} = ${text}`;
    // The kernel doubles what is asked for, after it has looked at the limit.
    if (Number(text) >= wanted) findings.push(ok('socket buffers', found));
    else
      findings.push(
        couldBeBetter(
          'socket buffers',
          `${found}; the profile "extreme" asks for ${wanted}`,
          `sudo sysctl -w ${setting}=${wanted}`,
        ),
      );
  }
  return findings;
}

/** All sockets of the machine together. Beyond the second figure the kernel cuts windows, beyond the third it fails. */
function tcpMemory(): Finding | undefined {
  const text = readSetting('net.ipv4.tcp_mem');
  const used = Number(/^TCP: .*\bmem (\d+)/m.exec(readText('/proc/net/sockstat') ?? '')?.[1]);
  if (text === undefined || !Number.isFinite(used)) return undefined;
  const [least, pressure, most] = text.split(/\s+/).map(Number);
  const found = `net.ipv4.tcp_mem = ${least} ${pressure} ${most} pages, ${used} used`;
  const change = `sudo sysctl -w net.ipv4.tcp_mem="${most} ${most * 2} ${most * 3}"`;
  if (used >= most)
    return broken('tcp memory', `${found}: the kernel drops what sockets want to send`, change);
  if (used < pressure) return ok('tcp memory', found);
  return couldBeBetter('tcp memory', `${found}: the kernel makes every window smaller`, change);
}

/** Every latency is told by this clock: by a slow one each look at the time is a trip to a device. */
function clock(): Finding | undefined {
  const folder = '/sys/devices/system/clocksource/clocksource0';
  const current = readText(`${folder}/current_clocksource`);
  if (current === undefined) return undefined;
  const available = readText(`${folder}/available_clocksource`) ?? current;
  if (!slowClocks.includes(current)) return ok('clock', current);
  const better = available.split(/\s+/).find((name) => !slowClocks.includes(name));
  if (better === undefined) return ok('clock', `${current}, slow, and the machine has no other`);
  return couldBeBetter(
    'clock',
    `${current}; looking at the time takes microseconds`,
    `echo ${better} | sudo tee ${folder}/current_clocksource`,
  );
}

function governor(): Finding | undefined {
  const path = '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor';
  const current = readText(path);
  if (current === undefined) return undefined;
  if (current !== 'powersave') return ok('cpu frequency', current);
  return couldBeBetter(
    'cpu frequency',
    `${current}: a core that was idle answers slowly`,
    `echo performance | sudo tee ${path.replace('cpu0', 'cpu*')}`,
  );
}

/** Only profiles need it. */
function perf(): Finding {
  const paranoid = Number(readSetting('kernel.perf_event_paranoid'));
  const isThere = (process.env.PATH ?? '')
    .split(delimiter)
    .some((folder) => folder !== '' && existsSync(join(folder, 'perf')));
  if (!isThere) return ok('perf', 'not installed; only profiles with native frames need it');
  const mayKernel = process.getuid?.() === 0 || paranoid <= 1;
  if (mayKernel) return ok('perf', 'profiles show native and kernel frames');
  return couldBeBetter(
    'perf',
    `kernel.perf_event_paranoid = ${paranoid}: profiles show no kernel frames`,
    'sudo sysctl -w kernel.perf_event_paranoid=1',
  );
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
