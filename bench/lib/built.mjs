// Parts of the built package that are measured inside this process.
import { BenchError } from './errors.mjs';

/** Imports a module of dist by its path there; says what to do where it is missing. */
export async function importBuilt(path) {
  try {
    return await import(new URL(`../../dist/${path}`, import.meta.url).href);
  } catch (error) {
    throw new BenchError(`cannot load dist/${path}: ${error.message}\nBuild it with: npm run build`);
  }
}

/** The native addon, or a BenchError with the reason it does not load. */
export async function loadAddon() {
  const { requireAddon } = await importBuilt('binding/addon.js');
  try {
    return requireAddon();
  } catch (error) {
    throw new BenchError(`the native addon is needed here: ${error.message}`);
  }
}
