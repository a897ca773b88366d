/**
 * Tells whether a file is as it was closed. LMDB trusts its pages: one that is missing or damaged can end the process
 * (SIGBUS, SIGSEGV), so a file is opened only where its hash stands beside it, in a seal that is taken away while the
 * file is open.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';

/** What keeps the file from being used; undefined for a good one and for one that is not there. */
export async function sealProblem(path: string): Promise<string | undefined> {
  const file = await stat(path).catch(absent);
  if (file === undefined || file.size === 0) return undefined;
  const seal = await readFile(sealPath(path), 'utf8').catch(absent);
  if (seal === undefined) return 'its last user did not close it';
  return seal === (await hash(path)) ? undefined : 'it is not as its last user left it';
}

export async function breakSeal(path: string): Promise<void> {
  await rm(sealPath(path), { force: true });
}

export async function sealFile(path: string): Promise<void> {
  const next = `${sealPath(path)}.next`;
  await writeFile(next, await hash(path));
  await rename(next, sealPath(path));
}

function sealPath(path: string): string {
  return `${path}.seal`;
}

async function hash(path: string): Promise<string> {
  const sum = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) sum.update(chunk);
  return sum.digest('hex');
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
