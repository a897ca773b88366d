/** What Linux tells of a process below /proc. Elsewhere, and for a process that is gone, there is nothing. */
import { readdirSync, readFileSync, statSync } from 'node:fs';

/** Totals since the process began, unless they say otherwise. What the kernel does not let us read is undefined. */
export interface ProcFigures {
  readonly cpuSeconds: number;
  /** The main thread was ready and got no processor. */
  readonly processorWaitMs: number | undefined;
  /** Now. */
  readonly rssBytes: number;
  readonly threads: number;
  readonly descriptors: number | undefined;
  readonly descriptorLimit: number | undefined;
  /** Storage, not what the page cache served. */
  readonly diskBytes: { readonly read: number; readonly written: number } | undefined;
  /** Of all interfaces but the loopback, of everything in its network namespace. */
  readonly networkBytes: { readonly received: number; readonly sent: number } | undefined;
}

/** Clock ticks per second in /proc: the kernel fixes it for all user space on every architecture Node.js runs on. */
const ticksPerSecond = 100;
const pageBytes = 4096;

/** Undefined where there is no such process, or no /proc. */
export function readProc(pid: number | 'self'): ProcFigures | undefined {
  const folder = `/proc/${pid}`;
  const stat = text(`${folder}/stat`);
  if (stat === undefined) return undefined;
  // The name stands in parentheses and may hold anything, parentheses and spaces too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie has ended: only its parent has not looked yet.
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  const status = text(`${folder}/status`);
  const resident = status === undefined ? undefined : /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    processorWaitMs: processorWaitMs(folder),
    rssBytes: resident === undefined ? Number(fields[21]) * pageBytes : Number(resident) * 1_024,
    threads: Number(fields[17]),
    descriptors: countDescriptors(folder),
    descriptorLimit: descriptorLimit(folder),
    diskBytes: diskBytes(folder),
    networkBytes: networkBytes(folder),
  };
}

function text(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

function processorWaitMs(folder: string): number | undefined {
  const wait = text(`${folder}/schedstat`)?.split(' ')[1];
  return wait === undefined ? undefined : Number(wait) / 1e6;
}

function countDescriptors(folder: string): number | undefined {
  try {
    // Since Linux 6.2 the size of the folder is their number; before, ten thousand of them have to be listed.
    const { size } = statSync(`${folder}/fd`);
    return size > 0 ? size : readdirSync(`${folder}/fd`).length;
  } catch {
    return undefined;
  }
}

function descriptorLimit(folder: string): number | undefined {
  const limit = /^Max open files\s+(\d+)/m.exec(text(`${folder}/limits`) ?? '')?.[1];
  return limit === undefined ? undefined : Number(limit);
}

function diskBytes(folder: string): ProcFigures['diskBytes'] {
  const io = text(`${folder}/io`);
  if (io === undefined) return undefined;
  const read = /^read_bytes: (\d+)/m.exec(io)?.[1];
  const written = /^write_bytes: (\d+)/m.exec(io)?.[1];
  if (read === undefined || written === undefined) return undefined;
  return { read: Number(read), written: Number(written) };
}

function networkBytes(folder: string): ProcFigures['networkBytes'] {
  const lines = text(`${folder}/net/dev`)?.split('\n');
  if (lines === undefined) return undefined;
  let [received, sent] = [0, 0];
  for (const line of lines) {
    const [name, figures] = line.split(':');
    if (figures === undefined || name.trim() === 'lo') continue;
    const columns = figures.trim().split(/\s+/);
    received += Number(columns[0]);
    sent += Number(columns[8]);
  }
  return { received, sent };
}
