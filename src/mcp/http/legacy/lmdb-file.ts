/**
 * Looks at an LMDB file before it is mapped: LMDB trusts its pages, and reading one that is missing ends the process
 * with SIGBUS.
 *
 *     offset  meta page (0 and 1)
 *         24  magic
 *         48  page size
 *        144  number of the last page in use
 *        152  transaction number: the higher one of the two counts
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const magic = 0xbeefc0de;
const metaBytes = 160;

/** What keeps the file from being used; undefined for a good one, one that is empty and one that is not there. */
export function lmdbFileProblem(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    return size === 0 ? undefined : metaProblem(file, size);
  } finally {
    closeSync(file);
  }
}

function metaProblem(file: number, size: number): string | undefined {
  const first = readMeta(file, 0);
  const pageBytes = first?.readUInt32LE(48) ?? 0;
  if (first === undefined || pageBytes < 512 || pageBytes > 65_536 || (pageBytes & (pageBytes - 1)) !== 0)
    return 'it does not begin with a page of LMDB';
  const second = readMeta(file, pageBytes);
  if (second === undefined) return 'its second page is none of LMDB';
  const newest = first.readBigUInt64LE(152) > second.readBigUInt64LE(152) ? first : second;
  const needed = (newest.readBigUInt64LE(144) + 1n) * BigInt(pageBytes);
  return needed > BigInt(size) ? `it has ${size} bytes of ${needed}` : undefined;
}

function readMeta(file: number, position: number): Buffer | undefined {
  const meta = Buffer.alloc(metaBytes);
  const read = readSync(file, meta, 0, metaBytes, position);
  return read === metaBytes && meta.readUInt32LE(24) === magic ? meta : undefined;
}
