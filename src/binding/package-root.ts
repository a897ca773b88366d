/**
 * The folder of package.json. Every module lies two folders below it: src/<layer>/ in a clone, and dist/<layer>/ or
 * dist/chunks/ once built.
 */
export const packageRoot = new URL('../../', import.meta.url);
