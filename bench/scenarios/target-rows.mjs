// What has to be reached, computed from the records of one run. Ratios are inside one interleaved comparison.
import { significant } from '../lib/statistics.mjs';
import { divide, pick } from './target-pick.mjs';
import { webChecks } from './target-rows-web.mjs';

const megabyte = 1_000_000;

/** How many times the rate of `other` `contender` reaches in one configuration. */
function rateRatio(records, configuration, contender, other) {
  const of = (name) => pick(records, { ...configuration, contender: name })?.rate;
  return divide(of(contender), of(other));
}

function streamChecks(records) {
  const tcp = (depth, text) => ({ scenario: 'tcp', payload: 'tool', depth, text });
  const resource = { ...tcp(64, 'ascii'), payload: 'resource' };
  const stdio = (depth) => ({ scenario: 'stdio', depth, text: 'ascii' });
  const tcpRatio = (depth, text, contender, other) => rateRatio(records, tcp(depth, text), contender, other);
  const stdioRatio = (depth, other) => rateRatio(records, stdio(depth), 'ringwire-native', other);
  const plain = 'x node-batched';
  return [
    ['T1', 'TCP 32x64, ASCII', 4.5, plain, tcpRatio(64, 'ascii', 'ringwire-native', 'node-batched')],
    ['T1', 'TCP 32x64, UTF-8', 3.5, plain, tcpRatio(64, 'utf8', 'ringwire-native', 'node-batched')],
    ['T1', 'TCP 32x64, escapes', 3.5, plain, tcpRatio(64, 'escapes', 'ringwire-native', 'node-batched')],
    ['T2', 'TCP 32x1', 2, plain, tcpRatio(1, 'ascii', 'ringwire-native', 'node-batched')],
    ['T2', 'TCP 32x1', 0.75, 'x epoll-cpp', tcpRatio(1, 'ascii', 'ringwire-native', 'epoll-cpp')],
    [
      'T3',
      'TCP 32x64, native reply',
      8,
      plain,
      rateRatio(records, resource, 'ringwire-reply', 'node-batched'),
    ],
    [
      'T4',
      'asynchronous handler',
      0.85,
      'x synchronous',
      tcpRatio(64, 'ascii', 'ringwire-async', 'ringwire-native'),
    ],
    ['T5', 'stdio, 64 in flight', 10, 'x sdk1', stdioRatio(64, 'sdk1')],
    ['T5', 'stdio, 64 in flight', 1.3, plain, stdioRatio(64, 'node-batched')],
    ['T5', 'stdio, 64 in flight', 1.3, 'x node-naive', stdioRatio(64, 'node-naive')],
    ['T5', 'stdio, 1,024 in flight', 4, 'x sdk1-transport', stdioRatio(1024, 'sdk1-transport')],
  ].map(([id, work, atLeast, unit, reached]) => ({ id, work, atLeast, unit, reached }));
}

function largeChecks(records, transport, ours = 'ringwire-native') {
  const at = (megabytes, contender = ours) =>
    pick(records, { scenario: 'large', transport, contender, textBytes: megabytes * megabyte });
  const idle = pick(records, { scenario: 'coldstart', transport, contender: ours })?.rssMb;
  const over = ours === 'ringwire-native' ? transport : `${transport}, ${ours}`;
  // A 1 MB message in a 45 MB process says nothing about copies; 10 MB counts above idle, 50 MB as it stands.
  const peak = at(10)?.rssPeakMb;
  const above = idle === undefined || peak === undefined ? undefined : (peak - idle) / 10;
  const checks = [
    [`50 MB over ${over}, time`, 6, 'x 10 MB', divide(at(50)?.p50us, at(10)?.p50us)],
    [`10 MB over ${over}, peak RSS above idle`, 6, 'x payload', above],
    [`50 MB over ${over}, peak RSS`, 6, 'x payload', divide(at(50)?.rssPeakMb, 50)],
  ].map(([work, atMost, unit, reached]) => ({ id: 'T6', work, atMost, unit, reached }));
  if (transport !== 'stdio') return checks;
  const reached = divide(at(50, 'sdk1')?.p50us, at(50)?.p50us);
  return [
    ...checks,
    { id: 'T6', work: '50 MB over stdio, time', atLeast: 15, unit: 'x faster than sdk1', reached },
  ];
}

function startChecks(records) {
  return [
    ['stdio', 'ringwire-native'],
    ['tcp', 'ringwire-native'],
    ['http', 'ringwire-uws'],
    ['http', 'ringwire-node'],
  ].flatMap(([transport, contender]) => {
    const start = pick(records, { scenario: 'coldstart', transport, contender });
    const over = transport === 'http' ? `http, ${contender}` : transport;
    return [
      {
        id: 'T15',
        work: `spawn to first answer, ${over}`,
        atMost: 150,
        unit: 'ms',
        reached: start?.firstReplyMs,
      },
      { id: 'T15', work: `idle RSS, ${over}`, atMost: 60, unit: 'MB', reached: start?.rssMb },
    ];
  });
}

function scanChecks(records) {
  const native = records.filter(
    ({ scenario, contender }) => scenario === 'scan' && contender === 'scan-native',
  );
  const small = native.find(({ shape, frameBytes }) => shape === 'text' && frameBytes === 270)?.speedup;
  const slowest = native.length === 0 ? undefined : Math.min(...native.map(({ speedup }) => speedup));
  return [
    { id: 'T18', work: 'envelope scan, 270 B in a batch', atLeast: 8, unit: 'x JSON.parse', reached: small },
    {
      id: 'T18',
      work: 'envelope scan, worst size to 1 MB',
      atLeast: 1,
      unit: 'x JSON.parse',
      reached: slowest,
    },
  ];
}

function ringChecks(records) {
  const of = (contender) => pick(records, { scenario: 'ring', contender });
  const millions = (record) => divide(record?.rate, 1e6);
  return [
    [
      'ring between C++ threads, 270 B',
      { atLeast: 30, unit: 'M msg/s', reached: millions(of('ring-cpp-spsc')) },
    ],
    [
      'ring from JavaScript, with copies',
      { atLeast: 5, unit: 'M msg/s', reached: millions(of('ring-js-spsc-copy')) },
    ],
    ['ring round trip, spinning', { atMost: 1.5, unit: 'µs', reached: of('ring-cpp-roundtrip-spin')?.p50us }],
  ].map(([work, check]) => ({ id: 'T19', work, ...check }));
}

function verdictOf({ atLeast, atMost, reached }) {
  if (reached === undefined) return 'not measured';
  return (atLeast === undefined || reached >= atLeast) && (atMost === undefined || reached <= atMost)
    ? 'met'
    : 'missed';
}

/** One row per check: { id, work, wanted, reached, unit, verdict, atLeast | atMost }. */
export function targetRows(records) {
  const checks = [
    ...streamChecks(records),
    ...largeChecks(records, 'stdio'),
    ...largeChecks(records, 'tcp'),
    ...largeChecks(records, 'http', 'ringwire-uws'),
    ...largeChecks(records, 'http', 'ringwire-node'),
    ...webChecks(records),
    ...startChecks(records),
    ...scanChecks(records),
    ...ringChecks(records),
  ];
  const number = ({ id }) => Number(id.slice(1));
  checks.sort((a, b) => number(a) - number(b));
  return checks.map((check) => ({
    ...check,
    wanted:
      check.atLeast === undefined ? `<= ${check.atMost} ${check.unit}` : `>= ${check.atLeast} ${check.unit}`,
    reached: significant(check.reached, 3),
    verdict: verdictOf(check),
  }));
}
