// Packages that become part of dist instead of being installed beside it: what the workbench alone needs should cost
// users of the transports no installation. Their licences stand in NOTICE.
import { isAbsolute, resolve } from 'node:path';

export const bundledPackages = ['yaml', 'uplot', 'd3-flame-graph', 'd3-selection'];

/** yaml's file for Node is CommonJS, whose require() of built-in modules does not survive in a bundle that is a module. */
const files = new Map([['yaml', 'node_modules/yaml/browser/index.js']]);

const packageName = (specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)[0];

/** An esbuild plugin: all other packages stay outside. */
export function bundled() {
  return {
    name: 'bundled',
    setup(build) {
      // Neither a path nor '#…'.
      build.onResolve({ filter: /^[^./#]/ }, ({ path, importer, kind }) => {
        // A bundled package brings its own dependencies along.
        if (kind === 'entry-point' || isAbsolute(path) || importer.includes('node_modules')) return undefined;
        if (files.has(path)) return { path: resolve(files.get(path)) };
        if (bundledPackages.includes(packageName(path))) return undefined;
        return { path, external: true };
      });
    },
  };
}
