// What /proc says of a server, where the load generator does not look itself.
import { readFileSync } from 'node:fs';

const ticksPerSecond = 100;

/** CPU seconds of a process with all its threads, user and system. */
export function cpuSeconds(pid) {
  // The command name may hold spaces and parentheses: the fields are counted from the last one.
  const [, rest] = /\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  const fields = rest.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Resident megabytes. */
export function residentMb(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) / 1024;
}
