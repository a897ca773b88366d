// Parts alone, with the benchmark package: what one scan, one ring message, one serialised reply, one native call costs.
import Benchmark from 'benchmark';
import { importBuilt, loadAddon } from '../lib/built.mjs';
import { BenchError } from '../lib/errors.mjs';
import { significant } from '../lib/statistics.mjs';
import { fixed, formatTable, humanRate } from '../lib/table.mjs';

const maxDepth = 64;
const text = 'hello world';
const request = JSON.stringify({
  jsonrpc: '2.0',
  id: 1234567,
  method: 'tools/call',
  params: {
    name: 'echo',
    arguments: { text },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'load', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
});
const frame = Buffer.from(request);
const result = { resultType: 'complete', content: [{ type: 'text', text }] };

async function scannerGroup() {
  const addon = await loadAddon();
  const { EnvelopeField } = await importBuilt('binding/constants.generated.js');
  const { TwinEnvelopeScanner } = await importBuilt('serialization/envelope-scanner.js');
  const [native, twin] = [new addon.EnvelopeScanner(maxDepth), new TwinEnvelopeScanner(maxDepth)];
  const record = new Int32Array(EnvelopeField.Count);
  return {
    'scan one frame, native': () => native.scan(frame, record),
    'scan one frame, twin': () => twin.scan(frame, record),
    'JSON.parse of its bytes': () => JSON.parse(frame.toString()),
    'JSON.parse of its string': () => JSON.parse(request),
  };
}

async function ringGroup() {
  const { RingBuffer } = await importBuilt('buffers/ring-buffer.js');
  const capacityBytes = 256 * 1024;
  const ring = RingBuffer.create({ capacityBytes });
  const many = RingBuffer.create({ capacityBytes, kind: 'mpsc' });
  const ignore = () => {};
  return {
    'write and read a copy': () => {
      ring.tryWrite(frame);
      ring.tryRead();
    },
    'claim, commit, read in place': () => {
      ring.tryClaim(frame.length).set(frame);
      ring.commit();
      ring.readBatch(ignore, 1);
    },
    'many writers: write and read a copy': () => {
      many.tryWrite(frame);
      many.tryRead();
    },
  };
}

async function serializerGroup() {
  const { resultText } = await importBuilt('rpc/json-text.js');
  const addon = await loadAddon();
  const plain = 'a text of forty characters, nothing else.';
  const mixed = 'ein Text mit "Anführung", Zeile\nund 你好 🌍';
  return {
    'reply by resultText': () => resultText('1234567', result),
    'reply by JSON.stringify': () => JSON.stringify({ jsonrpc: '2.0', id: 1234567, result }),
    'escape ASCII, native': () => addon.escapeText(plain),
    'escape ASCII, JSON.stringify to bytes': () => Buffer.from(JSON.stringify(plain)),
    'escape UTF-8, native': () => addon.escapeText(mixed),
    'escape UTF-8, JSON.stringify to bytes': () => Buffer.from(JSON.stringify(mixed)),
  };
}

async function nativeCallGroup() {
  const addon = await loadAddon();
  const { EnvelopeField } = await importBuilt('binding/constants.generated.js');
  const scanner = new addon.EnvelopeScanner(maxDepth);
  const record = new Int32Array(EnvelopeField.Count);
  const nothing = Buffer.alloc(0);
  const script = (_frame, into) => into.length;
  return {
    'native call with two typed arrays': () => scanner.scan(nothing, record),
    'native call that makes a string': () => addon.decodeText(frame),
    'Buffer.toString of the same bytes': () => frame.toString(),
    'JavaScript call': () => script(nothing, record),
  };
}

const groups = {
  scanner: scannerGroup,
  ring: ringGroup,
  serializer: serializerGroup,
  'native call': nativeCallGroup,
};

const columns = [
  ['', (row) => row.contender],
  ['ops/s', (row) => humanRate(row.rate)],
  ['ns/op', (row) => fixed(row.nanoseconds, 1)],
  ['± %', (row) => fixed(row.rmePercent, 1)],
];

function runGroup(works, { quick, seconds }) {
  const suite = new Benchmark.Suite();
  for (const [name, work] of Object.entries(works)) {
    suite.add(name, work, quick ? { maxTime: 0.02, minSamples: 2 } : { maxTime: seconds });
  }
  suite.run({ async: false });
  return Array.from(suite, (one) => {
    if (one.error) throw new BenchError(`${one.name}: ${one.error.message}`);
    return {
      contender: one.name,
      rate: significant(one.hz),
      nanoseconds: significant(1e9 / one.hz, 4),
      rmePercent: significant(one.stats.rme, 3),
      rounds: one.stats.sample.length,
      errors: 0,
    };
  });
}

export const micro = {
  title: 'scanner, ring, serializer and native calls one at a time',
  async run({ options, record, progress, fail, print }) {
    const records = [];
    for (const [group, prepare] of Object.entries(groups)) {
      progress(`micro: ${group}`);
      try {
        const rows = runGroup(await prepare(), options).map((row) => record({ group, ...row }));
        records.push(...rows);
        print(`\nmicro: ${group}\n${formatTable(columns, rows)}`);
      } catch (error) {
        if (!(error instanceof BenchError)) throw error;
        fail(`micro ${group}: ${error.message}`);
      }
    }
    return records;
  },
};
