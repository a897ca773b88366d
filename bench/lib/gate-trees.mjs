// The two builds that the gate compares, each as a folder with bench/contenders/ringwire.mjs and the dist it imports.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchError, lastWords } from './errors.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const contender = 'bench/contenders/ringwire.mjs';

/** Nothing to compare with: no failure of the change, and no pass either. */
export class NoBase extends Error {}

function git(...args) {
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

const commitOf = (ref) => git('rev-parse', '--verify', '--quiet', `${ref}^{commit}`);

/** What the addon is made of, and what its build reads. */
const nativeInputs = ['native', 'binding.gyp', 'scripts/native-sources.mjs'];

/** Whether the files differ between a commit and this tree, files that are not yet committed included. */
function differs(commit, ...files) {
  if (git('diff', '--quiet', commit, '--', ...files) === undefined) return true;
  return git('ls-files', '--others', '--exclude-standard', '--', ...files) !== '';
}

/**
 * The commit this tree is compared with: `asked`, or where the branch left main; on main itself the commit before, or
 * HEAD where files of the product were changed since. Throws NoBase where the clone does not have it.
 */
export function findBase(asked) {
  if (asked !== undefined) {
    const commit = commitOf(asked);
    if (commit === undefined)
      throw new BenchError(`--base ${asked}: there is no such commit in this clone`, 2);
    return commit;
  }
  const head = commitOf('HEAD');
  if (head === undefined) throw new NoBase('this is no git clone, or one without commits');
  const main = ['origin/main', 'main'].find((name) => commitOf(name) !== undefined);
  const merged = main === undefined ? undefined : git('merge-base', 'HEAD', main);
  if (merged !== undefined && merged !== head) return merged;
  if (differs('HEAD', 'src', ...nativeInputs)) return head;
  const parent = commitOf('HEAD^1');
  if (parent !== undefined) return parent;
  const shallow = git('rev-parse', '--is-shallow-repository') === 'true';
  throw new NoBase(
    shallow
      ? 'the clone is shallow and ends at HEAD; with git fetch --deepen 50 there is a base'
      : 'HEAD is the first commit',
  );
}

function build(folder, file, args, what) {
  const made = spawnSync(file, args, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (made.status === 0) return;
  const reason = lastWords(`${made.stdout ?? ''}\n${made.stderr ?? ''}`) || made.error?.message;
  // It says nothing of the head: packages may be gone, or a compiler be newer than the base.
  throw new NoBase(`the base cannot be built here: ${what} failed: ${reason}`);
}

const typeScriptOnly = `
import { generateConstants } from './scripts/generate-constants.mjs';
import { buildTypeScript } from './scripts/build/typescript.mjs';
generateConstants();
process.exitCode = (await buildTypeScript({ quiet: true })) ? 0 : 1;
`;

/** Packages and addon of this tree serve the base too where they are made of the same; that saves a minute and more. */
export function buildBase(commit, folder, say) {
  if (git('worktree', 'add', '--detach', '--quiet', folder, commit) === undefined)
    throw new BenchError(`git worktree add failed for ${commit}`);
  if (differs(commit, 'package-lock.json')) {
    say('installing the packages of the base: package-lock.json differs');
    build(folder, 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], 'npm ci');
  } else symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  const addon = path.join(root, 'build/Release/ringwire.node');
  if (differs(commit, ...nativeInputs) || !existsSync(addon)) {
    say('building the addon of the base: native sources differ');
    build(folder, process.execPath, ['scripts/build.mjs', '--quiet'], 'npm run build');
  } else {
    mkdirSync(path.join(folder, 'build/Release'), { recursive: true });
    symlinkSync(addon, path.join(folder, 'build/Release/ringwire.node'));
    build(folder, process.execPath, ['--input-type=module', '-e', typeScriptOnly], 'compiling TypeScript');
  }
  return folder;
}

export function removeBase(folder) {
  git('worktree', 'remove', '--force', folder);
  git('worktree', 'prune');
}

/** A folder whose contender runs a dist that was built elsewhere. */
export function treeOfDist(dist, folder) {
  const index = path.join(dist, 'index.js');
  if (!existsSync(index))
    throw new BenchError(`${index} is missing: a dist folder is what npm run build makes`, 2);
  mkdirSync(path.join(folder, path.dirname(contender)), { recursive: true });
  copyFileSync(path.join(root, contender), path.join(folder, contender));
  symlinkSync(path.resolve(dist), path.join(folder, 'dist'));
  return folder;
}

/** The argv of a tree's server. */
export const serverOf = (tree, kind, url) => [process.execPath, path.join(tree, contender), kind, url];

/** { scenario: { cpuPercent, ratePercent } } from bench/budget.json or another file of that form. */
export function readBudget(file) {
  let budget;
  try {
    budget = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new BenchError(`cannot read the budget ${file}: ${error.message}`, 2);
  }
  for (const [name, limits] of Object.entries(budget))
    for (const key of ['cpuPercent', 'ratePercent'])
      if (!(limits?.[key] > 0))
        throw new BenchError(
          `${file}: ${name} needs ${key}, a number above 0, not ${JSON.stringify(limits?.[key])}`,
          2,
        );
  return budget;
}

export const homeTree = root;
