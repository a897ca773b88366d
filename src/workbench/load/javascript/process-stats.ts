/** Processor time and memory of a process, from /proc. */
import { readFileSync } from 'node:fs';

export interface ProcessStats {
  readonly cpuSeconds: number;
  readonly rssMb: number;
  /** The most there was since the process started. */
  readonly rssPeakMb: number;
}

/** /proc counts in this unit on every Linux, whatever the kernel's own (USER_HZ, proc(5)). */
const ticksPerSecond = 100;

function megabytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024;
}

/** undefined where there is no /proc, or no such process in it. */
export function processStats(pid: number | undefined): ProcessStats | undefined {
  if (pid === undefined) return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    // The name may hold spaces and parentheses: fields are counted behind the last one. utime and stime are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
      rssMb: megabytes(status, 'VmRSS'),
      rssPeakMb: megabytes(status, 'VmHWM'),
    };
  } catch {
    return undefined;
  }
}
