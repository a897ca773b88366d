/** The folder the demo serves: reading and listing that never leave it. */
import { constants } from 'node:fs';
import { open, readdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';

/** Larger files are refused: a tool result is held in memory, quoted and sent as one frame. */
export const maxFileBytes = 1024 * 1024;
const maxListedFiles = 500;

/** Folders that are never looked into: large, generated, or private to a tool. */
export const skippedFolders = new Set(['node_modules', '.git', 'build', 'dist']);

export class Folder {
  /** @param {string} root as realpath() gives it */
  constructor(root) {
    this.root = root;
  }

  /** @param {string} path of an existing folder */
  static async open(path) {
    return new Folder(await realpath(path));
  }

  /**
   * The real path of something inside the folder. Links are resolved before the check, so that none leads out.
   * @param {string} path relative to the folder
   */
  async resolve(path) {
    if (path.includes('\0')) throw new Error('The path holds a NUL character.');
    if (isAbsolute(path))
      throw new Error(`"${path}" is absolute; give a path relative to the served folder.`);
    const wanted = join(this.root, path);
    if (!this.#contains(wanted)) throw new Error(`"${path}" is outside of the served folder.`);
    let real;
    try {
      real = await realpath(wanted);
    } catch {
      throw new Error(`There is no "${path}" in the served folder.`);
    }
    if (!this.#contains(real)) throw new Error(`"${path}" leads out of the served folder.`);
    return real;
  }

  /** @param {string} path relative to the folder */
  async read(path) {
    const real = await this.resolve(path);
    // The name was checked; O_NOFOLLOW refuses a link put in its place since, O_NONBLOCK a pipe that never answers.
    const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
    const file = await open(real, flags);
    try {
      const { size } = await checkFile(file, path);
      const buffer = Buffer.alloc(size);
      const { bytesRead } = await file.read(buffer, 0, size, 0);
      const text = buffer.subarray(0, bytesRead);
      if (text.includes(0)) throw new Error(`"${path}" is a binary file; only text is served.`);
      return text.toString('utf8');
    } finally {
      await file.close();
    }
  }

  /** Paths of the files, relative, sorted, at most maxListedFiles. */
  async list() {
    const files = [];
    const folders = [this.root];
    while (folders.length > 0 && files.length < maxListedFiles) {
      const folder = folders.shift();
      const entries = await readdir(folder, { withFileTypes: true });
      for (const entry of entries) {
        if (entry.isDirectory() && !skippedFolders.has(entry.name)) folders.push(join(folder, entry.name));
        if (entry.isFile()) files.push(relative(this.root, join(folder, entry.name)));
      }
    }
    return files.slice(0, maxListedFiles).sort();
  }

  #contains(path) {
    return path === this.root || path.startsWith(this.root.endsWith(sep) ? this.root : this.root + sep);
  }
}

async function checkFile(file, path) {
  const stat = await file.stat();
  if (!stat.isFile()) throw new Error(`"${path}" is not a file.`);
  if (stat.size > maxFileBytes) {
    throw new Error(`"${path}" has ${stat.size} bytes; at most ${maxFileBytes} are served.`);
  }
  return stat;
}
