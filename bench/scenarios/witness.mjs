// Whether generators that nobody here wrote see the rate that ours sees: wrk and h2load, in turn with it.
import { listenUrl } from '../lib/compare.mjs';
import { contenders } from '../lib/contenders.mjs';
import { BenchError } from '../lib/errors.mjs';
import { load } from '../lib/loadgen.mjs';
import { startServer } from '../lib/server-process.mjs';
import { median, significant } from '../lib/statistics.mjs';
import { fixed, formatTable, humanRate } from '../lib/table.mjs';
import { h2load, isInstalled, wrk } from '../lib/witness.mjs';

const names = ['raw-uws', 'ringwire-uws', 'raw-node-http'];
const connections = 64;
/** Two generators that differ by more do not measure the same thing. */
const tolerance = 0.1;

const witnesses = {
  wrk: (options) => wrk(options),
  h2load: (options) => h2load({ ...options, isHttp1: true }),
};

function chosenNames({ only, quick }) {
  const chosen = names.filter((name) => only?.includes(name) ?? true);
  const foreign = only?.find((name) => !names.includes(name));
  if (foreign !== undefined)
    throw new BenchError(`${foreign} has no part in witness; those that have are ${names.join(', ')}`, 2);
  // wrk and h2load take a second at least: a quick run shows that they run.
  return quick ? chosen.slice(0, 1) : chosen;
}

/** Rates of each generator, in turns. */
async function ratesOf(name, tools, { options, cores, progress }) {
  const server = await startServer(contenders[name].command({ url: listenUrl('http') }), cores.server);
  const rates = new Map(['loadgen', ...tools].map((tool) => [tool, []]));
  const { seconds, rounds, warmup } = options;
  const ours = { url: server.url, connections, warmup, cpu: cores.generator };
  const theirs = { url: server.url, connections, cpu: cores.generator };
  try {
    // The compiler's share belongs to nobody.
    await load({ ...ours, seconds: options.quick ? 0.1 : 1 });
    for (let round = 1; round <= rounds; round++) {
      for (const [tool, seen] of rates) {
        progress(`witness: round ${round}/${rounds}, ${name}, ${tool}`);
        const run = tool === 'loadgen' ? load({ ...ours, seconds }) : witnesses[tool]({ ...theirs, seconds });
        const { rate, errors } = await run;
        if (errors > 0) throw new BenchError(`witness: ${name}: ${errors} errors under ${tool}`);
        seen.push(significant(rate));
      }
    }
  } finally {
    await server.stop();
  }
  return rates;
}

function summarize(name, rates, { options, cores }) {
  const own = rates.get('loadgen');
  const summary = {
    contender: name,
    transport: 'http',
    connections,
    depth: 1,
    payload: 'tool',
    text: 'ascii',
  };
  const seen = {};
  for (const [tool, all] of rates)
    if (tool !== 'loadgen') {
      seen[`${tool}Rate`] = significant(median(all));
      seen[`${tool}Rates`] = all;
      // Round by round, because the machine is as fast as it was a second ago, not as it was a minute ago.
      seen[`${tool}Ratio`] = significant(median(all.map((rate, round) => rate / own[round])), 4);
    }
  const { rounds, seconds } = options;
  const pinned = cores.server !== undefined;
  return {
    ...summary,
    rate: significant(median(own)),
    rates: own,
    ...seen,
    rounds,
    seconds,
    errors: 0,
    pinned,
  };
}

/** What each tool saw of a contender that ours saw otherwise; empty where they agree. */
const disagreements = (record, tools) =>
  tools
    .filter((tool) => Math.abs(record[`${tool}Ratio`] - 1) > tolerance)
    .map((tool) => `${record.contender}: ${tool} saw ${record[`${tool}Ratio`]} of the rate that loadgen saw`);

export const witness = {
  title: 'whether wrk and h2load see the rate that our generator sees',
  async run(context) {
    const { options, record, note, fail, print } = context;
    const taking = chosenNames(options);
    const tools = Object.keys(witnesses).filter(isInstalled);
    for (const tool of Object.keys(witnesses))
      if (!tools.includes(tool)) note(`left out ${tool}, not installed: apt-get install wrk nghttp2-client`);
    if (tools.length === 0) return [];
    const records = [];
    for (const name of taking)
      records.push(record(summarize(name, await ratesOf(name, tools, context), context)));
    print(`\nwitness: ${connections} connections, HTTP/1.1, tool call`);
    print(
      formatTable(
        [
          ['contender', (row) => row.contender],
          ['loadgen', (row) => humanRate(row.rate)],
          ...tools.flatMap((tool) => [
            [tool, (row) => humanRate(row[`${tool}Rate`])],
            ['ratio', (row) => fixed(row[`${tool}Ratio`], 3)],
          ]),
        ],
        records,
      ),
    );
    // One short round on a busy machine says nothing of rates.
    if (!options.quick)
      for (const each of records.flatMap((row) => disagreements(row, tools))) fail(`witness: ${each}`);
    return records;
  },
};
