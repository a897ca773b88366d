// Takes the pictures that the docs show of reports: opens HTML pages in Chromium and writes small PNGs.
//
//   node scripts/screenshots.mjs [options] PAGE.html…
//
//   --to FOLDER       where NAME.png of NAME.html goes (docs/images)
//   --element CSS     only this element, '#chart-latency' for instance; without it the page from its top
//   --width N         of the window in CSS pixels (1250)
//   --height N        most of the picture (1400)
//   --dark            as readers with a dark theme see it
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { palettePng } from './screenshots/palette-png.mjs';

const maxBytes = 150_000;
const root = fileURLToPath(new URL('../', import.meta.url));

function fail(message, code) {
  process.stderr.write(`screenshots: ${message}\n`);
  process.exit(code);
}

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        to: { type: 'string', default: path.join(root, 'docs/images') },
        element: { type: 'string' },
        width: { type: 'string', default: '1250' },
        height: { type: 'string', default: '1400' },
        dark: { type: 'boolean', default: false },
      },
    });
    const [width, height] = [values.width, values.height].map(Number);
    if (!(width >= 200 && width <= 4000 && height >= 100 && height <= 10_000))
      throw new Error('--width is 200 to 4000, --height 100 to 10000');
    if (positionals.length === 0) throw new Error('name at least one HTML page');
    const missing = positionals.find((file) => !existsSync(file));
    if (missing !== undefined) throw new Error(`there is no ${missing}`);
    return { ...values, width, height, pages: positionals };
  } catch (error) {
    return fail(error.message, 2);
  }
}

/** The tests' own way to drive Chromium, which is TypeScript. */
async function loadBrowser() {
  const outfile = path.join(root, `build/screenshots-${process.pid}.mjs`);
  const entry = path.join(root, 'test/process/chromium.ts');
  await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm' });
  try {
    return await import(pathToFileURL(outfile));
  } finally {
    rmSync(outfile);
  }
}

const options = readOptions();
const { chromium, openBrowser } = await loadBrowser();
if (chromium === undefined) fail('needs Chromium: apt-get install chromium', 1);
mkdirSync(options.to, { recursive: true });
const browser = await openBrowser();
try {
  for (const file of options.pages) {
    const page = await browser.open(path.resolve(file), options);
    const picture = path.join(options.to, `${path.basename(file, '.html')}.png`);
    await page.screenshot(picture, { selector: options.element, maxHeight: options.height });
    if (page.errors.length > 0) throw new Error(`${file}: ${page.errors.join('; ')}`);
    await page.close();
    const png = palettePng(readFileSync(picture));
    writeFileSync(picture, png);
    process.stdout.write(`${picture}: ${Math.round(png.length / 1000)} kB\n`);
    if (png.length > maxBytes)
      fail(
        `${picture} has ${png.length} bytes, more than ${maxBytes}: take less by --height or --element`,
        1,
      );
  }
} finally {
  await browser.close();
}
