// Which command measures which of the figures that the documents behind this project state, and what of its answer it is.
// Each measurement: { args, short, figures(answer) → { id: value } }; args follow `ringwire`, short replaces them in a
// quick run. Values are in the unit that src/analysis/seed-figures.ts has for the id; undefined is not measured.

const megabyte = 1e6;
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const highest = (rows, pick) => (rows.length === 0 ? undefined : Math.max(...rows.map(pick)));
const total = (rows, pick) => rows.reduce((sum, row) => sum + pick(row), 0);
const share = (part, whole) => (whole > 0 ? part / whole : undefined);
const meanOf = (rows, pick) => (rows.length === 0 ? undefined : mean(rows.map(pick)));

const transports = ['stdio', 'tcp', 'http'];

function throughput(transport) {
  return {
    args: ['analyze', 'throughput', transport, '20000', '1024'],
    short: ['analyze', 'throughput', transport, '500', '1024'],
    figures: ({ figures: { kilobytesPerSecond, server } }) => ({
      [`throughput.${transport}`]: kilobytesPerSecond,
      [`memory.${transport}`]: server === undefined ? undefined : server.rssBytes / megabyte,
    }),
  };
}

function latency(transport) {
  return {
    args: ['analyze', 'latency', transport, '2000', '64'],
    short: ['analyze', 'latency', transport, '100', '64'],
    figures: ({ figures }) => ({ [`p95.${transport}`]: figures.latency.p95Ms }),
  };
}

const analysis = (name, figures) => ({
  args: ['analyze', name],
  short: ['analyze', name, '--short'],
  figures: ({ rows }) => figures(rows),
});

const switching = analysis('switching', (rows) => {
  const loaded = rows.filter(({ isLoaded }) => isLoaded);
  const failures = share(
    total(loaded, (row) => row.failures),
    total(loaded, (row) => row.switches),
  );
  const to = (transport) =>
    rows.filter((row) => !row.isLoaded && row.to === transport && row.switches > row.failures);
  return {
    ...Object.fromEntries(
      transports.map((name) => [`switching.${name}`, meanOf(to(name), (row) => row.meanMs)]),
    ),
    'switching.failures': failures,
  };
});

// The worst of all registries, for the documents do not say how many entries theirs had.
const routing = analysis('routing', (rows) => ({
  'routing.rate': rows.length === 0 ? undefined : Math.min(...rows.map((row) => row.callsPerSecond)),
  'routing.latency': highest(rows, (row) => row.meanMs),
  'routing.queue': highest(rows, (row) => row.queueDepthMax),
}));

// Of senders that wait when they are told to; one that does not is refused as often as it asks.
const buffering = analysis('buffering', (rows) => {
  const worst = (transport) =>
    highest(
      rows.filter((row) => row.transport === transport && row.sender === 'waits' && row.sends > 0),
      (row) => row.overflows / row.sends,
    );
  return { 'buffering.stdio': worst('stdio'), 'buffering.tcp': worst('tcp') };
});

const reconnection = analysis('reconnection', (rows) => {
  const after = (failure) => rows.filter((row) => row.failure === failure && row.recovered > 0);
  const recovery = (failure) => meanOf(after(failure), (row) => row.recoverMs);
  return {
    'reconnection.timeout': recovery('unresponsive'),
    'reconnection.refused': recovery('refused'),
    'reconnection.shutdown': recovery('shutdown'),
    'reconnection.stability': share(
      total(rows, (row) => row.recovered),
      total(rows, (row) => row.attempts),
    ),
    'chaos.detection': meanOf(after('unresponsive'), (row) => row.detectMs),
    'chaos.recovery': recovery('unresponsive'),
  };
});

const restarts = analysis('restarts', (rows) => {
  const start = (unit) =>
    meanOf(
      rows.filter((row) => row.unit === unit),
      (row) => row.firstAnswerMs,
    );
  return {
    'restart.child': start('stdio child'),
    'restart.supervisor': start('all workers'),
    'restart.cascade': share(
      total(rows, (row) => row.hurtConnections),
      total(rows, (row) => row.otherConnections),
    ),
  };
});

const memory = analysis('memory', (rows) => ({
  'memory.peak': highest(rows, (row) => row.rssPeakBytes / megabyte),
  'memory.growth': highest(rows, (row) => Math.max(0, row.growthBytesPerSecond) / megabyte),
}));

const concurrent = {
  args: ['analyze', 'concurrent', 'tcp', '20,50', '100'],
  short: ['analyze', 'concurrent', 'tcp', '20', '5'],
  figures: ({ rows }) => ({ 'concurrent.success': Math.min(...rows.map((row) => row.successShare)) }),
};

// Linear: each connection brings four fifths of what the first one does at least.
const scaling = {
  args: ['analyze', 'scaling', 'tcp', '1,2,4,8,12,16,20,32', '64'],
  short: ['analyze', 'scaling', 'tcp', '1,2', '64'],
  figures: ({ rows }) => {
    const first = rows.find(({ connections }) => connections === 1)?.figures.callsPerSecond;
    const linear = rows.filter(
      ({ connections, figures }) => first > 0 && figures.callsPerSecond / connections >= 0.8 * first,
    );
    return { 'scaling.linear': highest(linear, (row) => row.connections) };
  },
};

function load(scenario, prefix) {
  const rest = ['--transport', 'http', '--results', 'none'];
  return {
    args: ['bench', scenario, ...(scenario === 'peak' ? ['--seconds', '60'] : []), ...rest],
    short: ['bench', scenario, '--quick', ...rest],
    figures: ({ runs }) => {
      const report = runs[0]?.report;
      if (report === undefined) return {};
      return {
        [`${prefix}.rate`]: report.rate,
        [`${prefix}.p99`]: report.p99us / 1000,
        [`${prefix}.cpu`]: report.serverCpu,
        [`${prefix}.errors`]: report.errors / report.messages,
        ...(prefix === 'load' ? { 'load.p95': report.p95us / 1000, 'load.memory': report.rssPeakMb } : {}),
      };
    },
  };
}

export const seedMeasurements = [
  ...transports.flatMap((name) => [throughput(name), latency(name)]),
  concurrent,
  scaling,
  switching,
  routing,
  buffering,
  reconnection,
  restarts,
  memory,
  load('10k', 'load'),
  load('peak', 'peak'),
];

/** Why a figure is not measured. */
export const notMeasured = {
  'peak.memory': 'the documents do not say of what',
  'restart.affected': 'a restart takes its own connections only: see cascade failures',
  'chaos.errors': 'one process: its calls all fail while it is away',
};
