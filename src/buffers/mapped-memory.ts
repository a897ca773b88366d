/** Memory that several processes map, with the descriptors that wake them. Linux with the addon only. */
import { closeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { requireAddon } from '../binding/addon.js';
import { RingStatus } from '../binding/constants.generated.js';
import type { RingOutcome } from '../binding/native.js';
import { RingwireError } from '../errors.js';
import { corrupt } from './ring-memory.js';

/** The descriptors of a ring between processes; pass all three to the other process, in child_process by `stdio`. */
export interface RingDescriptors {
  /** The memory: a sealed memfd, mode 0600. */
  readonly fd: number;
  /** An eventfd that wakes a waiting reader. */
  readonly readableFd: number;
  /** An eventfd that wakes a waiting writer. */
  readonly writableFd: number;
}

function check(outcome: RingOutcome, what: string): void {
  if (outcome.status === RingStatus.Ok) return;
  if (outcome.status === RingStatus.Unsupported)
    throw new RingwireError('IO_ERROR', `${what}: this platform shares no memory with other processes`, {
      retryable: false,
    });
  if (outcome.status === RingStatus.NotARing)
    throw corrupt(`${what}: not a sealed memory file of a ring's size`);
  throw new RingwireError('IO_ERROR', `${what}: ${getSystemErrorName(-outcome.errno)}`);
}

export function closeDescriptors({ fd, readableFd, writableFd }: RingDescriptors): void {
  for (const descriptor of [fd, readableFd, writableFd]) closeSync(descriptor);
}

/** Creates a memory file of `bytes` zeros and two eventfds; leaves none open when it throws. */
export function createDescriptors(bytes: number): RingDescriptors {
  const native = requireAddon();
  const opened: number[] = [];
  try {
    for (const make of [
      () => native.ringMemoryCreate(bytes),
      native.ringEventCreate,
      native.ringEventCreate,
    ]) {
      const outcome = make();
      check(outcome, 'Creating a ring between processes');
      opened.push(outcome.fd);
    }
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw error;
  }
  const [fd, readableFd, writableFd] = opened;
  return { fd, readableFd, writableFd };
}

/** Maps a memory file; it stays mapped until the ArrayBuffer is collected. */
export function mapMemory(fd: number): ArrayBuffer {
  const outcome = requireAddon().ringMemoryMap(fd);
  check(outcome, `Mapping descriptor ${fd}`);
  return outcome.buffer!;
}
