// The scripts and styles inside of HTML reports: each a file that src/workbench/report/browser-asset.ts reads and a page
// carries whole, so that it opens from a disk with no network.
import { build } from 'esbuild';

/** Copies of packages travel inside of pages, and their notices with them. */
const notice = (packages) =>
  `/*! Contains ${packages}. The texts of these licenses are in the NOTICE file of the npm package ringwire. */`;

/** By the name of what becomes dist/browser/NAME.js and NAME.css. */
const assets = {
  charts: {
    source: 'src/workbench/report/browser/charts.ts',
    contains: 'uPlot, Copyright (c) 2022 Leon Sorokin, MIT License',
  },
  flame: {
    source: 'src/workbench/profile/browser/flame.ts',
    contains:
      'd3-flame-graph, Apache License 2.0, and D3, Copyright 2010-2026 Mike Bostock, ISC and BSD 3-Clause Licenses, ' +
      'of which d3-ease also Copyright 2001 Robert Penner',
  },
};

/** Writes below `${outdir}/browser`. */
export async function bundleBrowser(outdir) {
  for (const [name, { source, contains }] of Object.entries(assets)) {
    await build({
      entryPoints: [{ in: source, out: name }],
      outdir: `${outdir}/browser`,
      bundle: true,
      minify: true,
      format: 'iife',
      platform: 'browser',
      target: ['chrome109', 'firefox115', 'safari16'],
      legalComments: 'inline',
      banner: { js: notice(contains) },
      logLevel: 'warning',
    });
  }
}
