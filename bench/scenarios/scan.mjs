// Finding the envelope of a message against parsing all of it, per message of a batch that arrived in one buffer.
import { importBuilt, loadAddon } from '../lib/built.mjs';
import { BenchError } from '../lib/errors.mjs';
import { fixed, formatTable, humanRate } from '../lib/table.mjs';
import { timeInTurn } from '../lib/timing.mjs';

const sizes = [270, 1_000, 4_000, 16_000, 64_000, 256_000, 1_000_000];
const batchBytes = 64 * 1024;
const maxDepth = 64;
// What the arguments hold: one long string, which JSON.parse likes best, or many small members, which it likes least.
const shapes = {
  text: (bytes) => ({ text: 'hello world '.repeat(Math.ceil(bytes / 12)).slice(0, bytes) }),
  records: (bytes) => {
    const row = { id: 1, name: 'alpha', tags: ['a', 'b'], score: 0.5, active: true };
    const rowBytes = JSON.stringify(row).length + 1;
    return {
      rows: Array.from({ length: Math.max(0, Math.floor(bytes / rowBytes)) }, (_, id) => ({ ...row, id })),
    };
  },
};

function frameOf(shape, bytes) {
  const message = (args) =>
    JSON.stringify({
      jsonrpc: '2.0',
      id: 1234567,
      method: 'tools/call',
      params: {
        name: 'echo',
        arguments: args,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    });
  return message(shapes[shape](Math.max(0, bytes - message(shapes[shape](0)).length)));
}

function worksFor(frame, scanners, { count, startField, endField, okVerdict }) {
  const line = Buffer.from(`${frame}\n`);
  const perBatch = Math.max(1, Math.floor(batchBytes / line.length));
  const batch = Buffer.concat(Array.from({ length: perBatch }, () => line));
  const strings = Array.from({ length: perBatch }, () => frame);
  const records = new Int32Array(perBatch * count);
  const scan = (scanner) => () => {
    const scanned = scanner.scanLines(batch, batch.length, records);
    if (scanned !== perBatch || records[0] !== okVerdict)
      throw new BenchError('a scanner refused a valid frame');
    return scanned;
  };
  const parseStrings = () => {
    for (const text of strings) JSON.parse(text);
    return perBatch;
  };
  const parseBytes = () => {
    for (let start = 0; start < batch.length; start += line.length) {
      JSON.parse(batch.toString('utf8', start, start + line.length - 1));
    }
    return perBatch;
  };
  const works = [
    ...scanners.map(([name, scanner]) => [name, scan(scanner)]),
    ['json-parse-string', parseStrings],
    ['json-parse-bytes', parseBytes],
  ];
  // Both must have found the same frame before they are timed.
  for (const [, scanner] of scanners) {
    scan(scanner)();
    const [start, end] = [records[startField], records[endField]];
    if (batch.toString('utf8', start, end) !== frame) throw new BenchError('a scanner found another frame');
  }
  return works;
}

async function loadScanners() {
  const addon = await loadAddon();
  const { EnvelopeField, ScanVerdict } = await importBuilt('binding/constants.generated.js');
  const { TwinEnvelopeScanner } = await importBuilt('serialization/envelope-scanner.js');
  return {
    scanners: [
      ['scan-native', new addon.EnvelopeScanner(maxDepth)],
      ['scan-twin', new TwinEnvelopeScanner(maxDepth)],
    ],
    fields: {
      count: EnvelopeField.Count,
      startField: EnvelopeField.FrameStart,
      endField: EnvelopeField.FrameEnd,
      okVerdict: ScanVerdict.Ok,
    },
    simd: addon.buildInfo().simd,
  };
}

const columns = [
  ['contender', (row) => row.contender],
  ['ns/message', (row) => fixed(row.nanoseconds, 0)],
  ['msg/s', (row) => humanRate(row.rate)],
  ['GB/s', (row) => fixed(row.frameBytes / row.nanoseconds, 2)],
  ['x parse of bytes', (row) => fixed(row.speedup, 2)],
  ['x parse of string', (row) => fixed(row.speedupOverString, 2)],
];

export const scan = {
  title: 'envelope scan against JSON.parse, 270 B to 1 MB',
  async run({ options, record, progress, print }) {
    const { scanners, fields, simd } = await loadScanners();
    const { rounds, quick } = options;
    const records = [];
    for (const shape of Object.keys(shapes)) {
      for (const bytes of quick ? sizes.slice(0, 2) : sizes) {
        progress(`scan ${shape} ${bytes} B`);
        const frame = frameOf(shape, bytes);
        const times = timeInTurn(worksFor(frame, scanners, fields), { rounds, atLeastMs: quick ? 5 : 40 });
        // What arrives is bytes; json-parse-string leaves out what it takes to make them a string.
        const of = (name) => times.find((one) => one.name === name).nanoseconds;
        const over = (name, nanoseconds) => Number((of(name) / nanoseconds).toPrecision(4));
        const rows = times.map(({ name, nanoseconds }) =>
          record({
            scenario: 'scan',
            contender: name,
            shape,
            frameBytes: frame.length,
            nanoseconds,
            rate: Math.round(1e9 / nanoseconds),
            speedup: over('json-parse-bytes', nanoseconds),
            speedupOverString: over('json-parse-string', nanoseconds),
            rounds,
            errors: 0,
            simd,
          }),
        );
        records.push(...rows);
        print(`\nscan: ${shape}, ${frame.length} B`);
        print(formatTable(columns, rows));
      }
    }
    return records;
  },
};
