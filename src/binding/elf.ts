/** A look at a Linux binary before it is loaded: the dynamic loader dies of SIGBUS in a file that is cut short. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Bytes of the header of a 64-bit ELF file, which are all the architectures we build for. */
const headerBytes = 64;

/** Byte 5 of the file (EI_DATA): 2 is big-endian, for instance s390x. */
function isBigEndian(header: Buffer): boolean {
  return header[5] === 2;
}

/**
 * Where the section header table ends; linkers write it last, so a shorter file has lost something.
 * e_shoff is at byte 40, e_shentsize at 58, e_shnum at 60 (System V ABI, ELF-64 object file format).
 */
function completeBytes(header: Buffer): number {
  const view = new DataView(header.buffer, header.byteOffset, headerBytes);
  const little = !isBigEndian(header);
  return Number(view.getBigUint64(40, little)) + view.getUint16(58, little) * view.getUint16(60, little);
}

/** What is wrong with the file as a 64-bit ELF binary, or undefined. Throws what the file system throws. */
export function elfProblem(path: string): string | undefined {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const header = Buffer.alloc(headerBytes);
    const read = readSync(file, header, 0, headerBytes, 0);
    if (read < headerBytes || header.toString('latin1', 0, 4) !== '\x7fELF')
      return `not an ELF binary (${size} bytes)`;
    // 32-bit: not ours, and the dynamic loader says so itself.
    if (header[4] !== 2) return undefined;
    const complete = completeBytes(header);
    return size < complete ? `cut short: ${size} of at least ${complete} bytes` : undefined;
  } finally {
    closeSync(file);
  }
}
