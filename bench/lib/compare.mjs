// The heart of the comparison: start all contenders, see that they answer the same, then load them in turn
// (A B C A B C ...), so that a drift of the machine hits all alike.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { contenders } from './contenders.mjs';
import { BenchError } from './errors.mjs';
import { load, probe, requestOf } from './loadgen.mjs';
import { pinned, startServer } from './server-process.mjs';
import { median, medians, significant } from './statistics.mjs';

const medianFields = [
  [
    'rate',
    'p50us',
    'p90us',
    'p99us',
    'p999us',
    'p9999us',
    'meanUs',
    'cpuUsPerMsg',
    'serverCpu',
    'generatorCpu',
  ],
  ['firstReplyMs', 'rssBeforeMb', 'lateP99us', 'lateMaxUs'],
].flat();
// Marks the second run of the first contender in a round: A against A is the noise of this machine.
const again = 'again';

const echoTool = {
  name: 'echo',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
};

/** What every contender has to answer; a server may add fields beside the content. */
export function resultOf({ method, params }) {
  const resultType = 'complete';
  if (method === 'tools/list') return { resultType, tools: [echoTool], ttlMs: 0, cacheScope: 'public' };
  if (method === 'resources/read') {
    return { resultType, contents: [{ uri: params.uri, mimeType: 'text/plain', text: 'hello world' }] };
  }
  return { resultType, content: [{ type: 'text', text: params.arguments?.text ?? params.text }] };
}

const contentOf = (result) => result?.contents ?? result?.content ?? result?.tools;

/** Where a contender is to listen. */
export function listenUrl(transport, folder, name) {
  if (transport === 'unix') return `unix:${path.join(folder, `${name}.sock`)}`;
  if (transport === 'tcp') return 'tcp://127.0.0.1:0';
  return `${transport === 'ws' ? 'ws' : 'http'}://127.0.0.1:0/mcp`;
}

/** One contender ready to be loaded over one transport: { name, options, argv, stop, ended }. */
async function prepare(name, transport, { wanted, cores, folder }) {
  const contender = contenders[name];
  const missing = contender.missing?.();
  if (missing !== undefined) throw new BenchError(missing);
  const options = { handshake: contender.handshake, tool: contender.tool };
  const result = JSON.stringify(wanted);
  const list = wanted.tools === undefined ? [] : [result];
  if (transport === 'stdio') {
    const argv = pinned(contender.command({ url: 'stdio:', result, list }), cores.server);
    return { name, options, argv, stop: async () => {}, ended: () => undefined };
  }
  const where = listenUrl(transport, folder, name);
  const server = await startServer(contender.command({ url: where, result, list }), cores.server);
  const { url, pid, stop, ended } = server;
  return { name, options: { ...options, url, serverPid: pid }, stop, ended };
}

/** The contenders that start and answer as wanted; the others go to `fail` and take no part. */
async function prepareAll(names, transport, context, { shape, progress, label, fail, note }) {
  const all = [];
  for (const name of names) {
    progress(`${label}: starting ${name}`);
    const absence = contenders[name].absent?.();
    if (absence !== undefined) {
      note(`${label}: left out ${name}, ${absence}`);
      continue;
    }
    let ready;
    try {
      ready = await prepare(name, transport, context);
      const result = await checkAnswer(ready, shape, context.wanted);
      // The first says how a list is sent, so that all send the same number of bytes.
      if (shape.payload === 'list' && all.length === 0) context.wanted = result;
      all.push(ready);
    } catch (error) {
      await ready?.stop();
      if (!(error instanceof BenchError)) throw error;
      fail(`${label}: ${name}: ${error.message}`);
    }
  }
  return all;
}

/** Resolves to the result of the contender once it is what is wanted. */
export async function checkAnswer(ready, shape, result) {
  const reply = await probe({ ...ready.options, ...shape }, ready.argv);
  const wanted = contentOf(result);
  if (!isDeepStrictEqual(contentOf(reply.result), wanted)) {
    const excerpt = JSON.stringify(reply).slice(0, 300);
    throw new BenchError(`answers ${excerpt}, expected content ${JSON.stringify(wanted).slice(0, 300)}`);
  }
  return reply.result;
}

function summarize(name, rounds, shape, load_) {
  const errors = rounds.reduce((sum, round) => sum + round.errors, 0);
  return {
    contender: name,
    connections: load_.connections,
    depth: load_.depth,
    targetRate: load_.rate,
    payload: shape.payload ?? 'tool',
    text: shape.text ?? 'ascii',
    textBytes: shape.textBytes,
    ...medians(rounds, medianFields),
    rounds: rounds.length,
    seconds: significant(median(rounds.map((round) => round.seconds)), 4),
    rates: rounds.map((round) => significant(round.rate)),
    messages: rounds.reduce((sum, round) => sum + round.messages, 0),
    requestBytes: rounds[0].requestBytes,
    replyBytes: rounds[0].replyBytes,
    errors,
    firstError: rounds.find((round) => round.firstError !== undefined)?.firstError,
    rssMb: significant(median(rounds.map((round) => round.rssAfterMb ?? Number.NaN))),
    rssPeakMb: significant(Math.max(...rounds.map((round) => round.rssPeakMb ?? Number.NaN))),
  };
}

async function loadInTurn(all, { rounds, warmup, shape, load: load_, cores, progress, label }) {
  const results = new Map([...all.map((ready) => [ready.name, []]), [again, []]]);
  for (let round = 1; round <= rounds; round++) {
    // A/A needs two runs; one round of a smoke run has nothing to compare with.
    const order = rounds > 1 ? [...all, { ...all[0], key: again }] : all;
    for (const ready of order) {
      progress(`${label}: round ${round}/${rounds}, ${ready.name}`);
      const report = await load(
        {
          ...ready.options,
          ...shape,
          ...load_,
          warmup,
          cpu: cores.generator,
          ...(ready.argv === undefined ? {} : { childCpu: cores.server }),
        },
        ready.argv,
      ).catch((error) => {
        const reasons = [error.message, ready.ended()].filter(Boolean).join('; ');
        throw new BenchError(`${label}: ${ready.name}: ${reasons}`);
      });
      results.get(ready.key ?? ready.name).push(report);
    }
  }
  return results;
}

/** Percent between the medians of the first contender and of its second run; undefined without one. */
function noisePercent(results, first) {
  const rate = (key) => median(results.get(key).map((round) => round.rate));
  const [a, b] = [rate(first), rate(again)];
  return b === undefined ? undefined : significant((Math.abs(a - b) / Math.max(a, b)) * 100, 2);
}

/**
 * Compares `names` over one transport in one configuration.
 *   shape  payload, text, textBytes: what is sent
 *   load   connections, depth, rate, seconds, messages: how it is sent
 * Resolves to one summary per contender; one that does not start or answers otherwise is told to `fail` instead, one
 * that need not be there and is not, to `note`.
 */
export async function compare({
  names,
  transport,
  shape = {},
  load: load_,
  rounds,
  warmup,
  cores,
  progress,
  fail,
  note,
  label,
}) {
  const folder = mkdtempSync(path.join(tmpdir(), 'ringwire-bench-'));
  const wanted = resultOf(requestOf(shape));
  let all = [];
  try {
    all = await prepareAll(
      names,
      transport,
      { wanted, cores, folder },
      { shape, progress, label, fail, note },
    );
    if (all.length === 0) return [];
    const results = await loadInTurn(all, { rounds, warmup, shape, load: load_, cores, progress, label });
    const noise = noisePercent(results, all[0].name);
    return all.map(({ name }) => ({
      transport,
      ...summarize(name, results.get(name), shape, load_),
      noisePercent: noise,
      pinned: cores.server !== undefined,
    }));
  } finally {
    await Promise.all(all.map((ready) => ready.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}
