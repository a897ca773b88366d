/** The addon and its types say the same, and a failed load is a diagnosis. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addon, type LoadReport, loadReport, platformKey } from '../../src/binding/addon.js';
import { addonExports } from '../../src/binding/native.js';

const built = fileURLToPath(new URL('../../build/Release/ringwire.node', import.meta.url));
/** A Node-API addon that is not ours; a tool of development brings it on the commonest platform. */
const otherAddon = fileURLToPath(
  new URL('../../node_modules/@rollup/rollup-linux-x64-gnu/rollup.linux-x64-gnu.node', import.meta.url),
);
const loader = pathToFileURL(fileURLToPath(new URL('../../dist/binding/addon.js', import.meta.url)));

/** The report of a fresh process that is told to load `path`, under the environment given. */
function reportOf(env: Record<string, string>): LoadReport {
  const program = `import { loadReport } from ${JSON.stringify(loader.href)}; console.log(JSON.stringify(loadReport()));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, RINGWIRE_NO_ADDON: '', RINGWIRE_ADDON_PATH: '', ...env },
    encoding: 'utf8',
  });
  return JSON.parse(output) as LoadReport;
}

describe.skipIf(addon() === undefined)('the addon', () => {
  it('exports exactly what its types name', () => {
    expect(Object.keys(addon() ?? {}).sort()).toEqual([...addonExports].sort());
  });

  it('says what it is and which instruction set runs', () => {
    const info = addon()?.buildInfo();
    expect(info?.napi).toBe(9);
    expect(info?.simdSupported).toContain(info?.simd);
    expect(info?.simdjson).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

describe('a load', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringwire-binding-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('reports what serves', () => {
    const report = loadReport();
    expect(report.loaded).toBe(addon() !== undefined);
    expect(report.summary).toMatch(report.loaded ? /^Loaded / : /TypeScript serves/);
  });

  it('can be switched off', () => {
    expect(reportOf({ RINGWIRE_NO_ADDON: '1' })).toMatchObject({
      loaded: false,
      summary: expect.stringContaining('RINGWIRE_NO_ADDON=1'),
    });
  });

  it('of a file that is not there names the path', () => {
    const path = join(folder, 'absent.node');
    const report = reportOf({ RINGWIRE_ADDON_PATH: path });
    expect(report.attempts).toEqual([{ path, problem: 'no such file' }]);
    expect(report.summary).toContain(`No native addon for ${platformKey()}, Node ${process.version}`);
    expect(report.summary).toContain(path);
  });

  it('of a text file says that it is no binary', () => {
    const path = join(folder, 'text.node');
    writeFileSync(path, 'not a binary\n'.repeat(10));
    const report = reportOf({ RINGWIRE_ADDON_PATH: path });
    expect(report.loaded).toBe(false);
    if (process.platform === 'linux')
      expect(report.attempts[0].problem).toBe('not an ELF binary (130 bytes)');
    expect(report.summary).toContain('glibc 2.28');
  });

  // The dynamic loader itself would die of SIGBUS in most of these.
  it.skipIf(addon() === undefined || process.platform !== 'linux')('of a binary cut short survives', () => {
    const whole = readFileSync(built);
    const path = join(folder, 'truncated.node');
    for (const size of [0, 63, 64, 5_000, whole.length >> 1, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, size));
      const [{ problem }] = reportOf({ RINGWIRE_ADDON_PATH: path }).attempts;
      expect(problem).toMatch(
        size < 64 ? /^not an ELF binary/ : new RegExp(`^cut short: ${size} of at least `),
      );
    }
  });

  it.skipIf(addon() === undefined || process.platform !== 'linux')(
    'of another architecture keeps what the system said',
    () => {
      const path = join(folder, 'foreign.node');
      const foreign = readFileSync(built);
      foreign.writeUInt16LE(0xf3, 18); // e_machine: RISC-V
      writeFileSync(path, foreign);
      const report = reportOf({ RINGWIRE_ADDON_PATH: path });
      expect(report.attempts[0].problem).toContain(path);
      expect(report.summary).toContain(report.attempts[0].problem);
    },
  );

  it.skipIf(!existsSync(otherAddon))('of another addon names what it lacks', () => {
    const [{ problem }] = reportOf({ RINGWIRE_ADDON_PATH: otherAddon }).attempts;
    expect(problem).toBe(`built from other sources, lacks ${addonExports.join(', ')}: npm run build`);
  });
});
