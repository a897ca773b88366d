/** Reads what scripts/build/browser.mjs made for the inside of pages. */
import { readFileSync } from 'node:fs';
import type { BrowserAsset } from '../../analysis/report/html-document.js';
import { packageRoot } from '../../binding/package-root.js';
import { RingwireError } from '../../errors.js';

const loaded = new Map<string, BrowserAsset>();

function textOf(name: string): string {
  return readFileSync(new URL(`dist/browser/${name}`, packageRoot), 'utf8');
}

/** Throws where the package is not built: only builds of a clone can lack the files. */
export function browserAsset(name: 'charts' | 'flame'): BrowserAsset {
  let asset = loaded.get(name);
  if (asset === undefined) {
    try {
      asset = { script: textOf(`${name}.js`), style: textOf(`${name}.css`) };
    } catch (cause) {
      const message = `dist/browser/${name}.js and ${name}.css, the browser side of reports, are missing; npm run build makes them`;
      throw new RingwireError('IO_ERROR', message, { cause, retryable: false });
    }
    loaded.set(name, asset);
  }
  return asset;
}
