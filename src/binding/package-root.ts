import { createRequire } from 'node:module';

/**
 * The folder of package.json. Every module lies two folders below it: src/<layer>/ in a clone, and dist/<layer>/ or
 * dist/chunks/ once built.
 */
export const packageRoot = new URL('../../', import.meta.url);

/** The version in package.json. */
export function packageVersion(): string {
  return (createRequire(packageRoot)('./package.json') as { readonly version: string }).version;
}
