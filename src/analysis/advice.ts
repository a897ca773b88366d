/** Which transport, encoding, buffers, tuning and how many workers a load wants, from what was measured on one host. */

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/**
 * Who calls: a program that starts the server itself, programs on the same host, programs elsewhere, or web pages.
 */
export type Clients = 'spawned' | 'local' | 'network' | 'browser';

export type AdvisedTransport = 'stdio' | 'unix' | 'tcp' | 'http' | 'ws';

/** What each kind of client can reach, the most widely spoken one first. */
export const reachable: Readonly<Record<Clients, readonly AdvisedTransport[]>> = {
  spawned: ['stdio'],
  local: ['http', 'ws', 'unix', 'tcp'],
  network: ['http', 'ws', 'tcp'],
  browser: ['http', 'ws'],
};

/** The transports that the MCP specification defines: what clients of other makers speak. */
export const standardTransports: readonly AdvisedTransport[] = ['stdio', 'http'];

export interface DescribedLoad {
  readonly callsPerSecond: number;
  /** Of the text that a call carries and its answer brings back. */
  readonly payloadBytes: number;
  readonly connections: number;
  readonly clients: Clients;
  /** Only transports that clients of other makers speak, and JSON. */
  readonly standardOnly: boolean;
  /** The most the 99th percentile may be, in milliseconds. */
  readonly p99Ms?: number;
  /** Processor time of the handler itself, in milliseconds a call. */
  readonly handlerMs: number;
  /** Milliseconds there and back between client and server. */
  readonly roundTripMs: number;
}

export interface TransportFigures {
  readonly transport: AdvisedTransport;
  /** Calls a second of one process, as far as the generator reached. */
  readonly maxRate: number;
  readonly cpuUsPerCall: number;
  /** At the described rate, or at half of maxRate where that is less; microseconds. */
  readonly p50us: number;
  readonly p99us: number;
  /** The rate that the two lines above are of. */
  readonly latencyRate: number;
  /** The generator itself was late or full at that rate: the latency is not the server's alone. */
  readonly latencyDoubt?: string;
  /** Not the server but the generator was the limit of maxRate. */
  readonly generatorBound: boolean;
}

export interface EncodingFigures {
  readonly encoding: 'json' | 'msgpack';
  /** Of the server, with both sides ringwire. */
  readonly cpuUsPerCall: number;
}

export interface ProfileFigures {
  /** 'none': what the kernel does by itself. */
  readonly profile: 'none' | 'low' | 'medium' | 'high' | 'extreme';
  readonly cpuUsPerCall: number;
  readonly p99us: number;
}

export interface Calibration {
  readonly cores: number;
  readonly transports: readonly TransportFigures[];
  /** Empty where the clients cannot ask for another. */
  readonly encodings: readonly EncodingFigures[];
  /** The kernel's own and the one that suggestProfile() named; empty where there is no socket to tune. */
  readonly profiles: readonly ProfileFigures[];
}

export interface Choice {
  readonly about: 'transport' | 'encoding' | 'profile' | 'buffers' | 'workers';
  readonly choice: string;
  /** With the figures. */
  readonly because: string;
}

export interface Advice {
  readonly transport: AdvisedTransport;
  readonly encoding: 'json' | 'msgpack';
  readonly profile: ProfileFigures['profile'];
  readonly buffers: {
    readonly maxFrameBytes: number;
    readonly highWatermarkBytes: number;
    /** Of a socket, each way; undefined: what the profile or the kernel gives. */
    readonly socketBytes?: number;
  };
  readonly workers: number;
  /** Of this kind of host. */
  readonly hosts: number;
  /** Cores that the load keeps busy. */
  readonly busyCores: number;
  /** The limit of the 99th percentile is kept; undefined without one. */
  readonly keepsLatency?: boolean;
  readonly choices: readonly Choice[];
}

/** CPU figures of short runs differ by as much from run to run. */
const noise = 0.1;
/** Above this share of its cores a service has no room for a burst. */
const wantedUtilization = 0.6;

/** Which tuning fits a load by its shape; whether it helps is measured then. */
export function suggestProfile(load: DescribedLoad): Exclude<ProfileFigures['profile'], 'none'> {
  const callsEach = load.callsPerSecond / load.connections;
  if (load.connections >= 2_000 && callsEach < 10) return 'low';
  if (load.payloadBytes >= 256 * kibibyte) return 'extreme';
  return callsEach >= 500 ? 'high' : 'medium';
}

export function advise(load: DescribedLoad, calibration: Calibration): Advice {
  const { figures, choice, keepsLatency } = chooseTransport(load, calibration.transports);
  const encoding = chooseEncoding(calibration.encodings);
  const profile = chooseProfile(load, calibration.profiles);
  const buffers = chooseBuffers(load, profile.value);
  // What the encoding saves or costs on the one transport it was measured on.
  const workers = chooseWorkers(load, figures.cpuUsPerCall * encoding.ratio, calibration.cores);
  return {
    transport: figures.transport,
    encoding: encoding.value,
    profile: profile.value,
    buffers: buffers.value,
    ...workers.value,
    ...(keepsLatency === undefined ? {} : { keepsLatency }),
    choices: [choice, encoding.choice, profile.choice, buffers.choice, workers.choice],
  };
}

const micros = (value: number): string =>
  value >= 10_000
    ? `${(value / 1000).toFixed(1)} ms`
    : `${value < 100 ? value.toFixed(1) : Math.round(value)} µs`;
const whole = (value: number): string => Math.round(value).toLocaleString('en');

function chooseTransport(
  load: DescribedLoad,
  measured: readonly TransportFigures[],
): { readonly figures: TransportFigures; readonly choice: Choice; readonly keepsLatency?: boolean } {
  const order = reachable[load.clients];
  const able = measured
    .filter(({ transport }) => order.includes(transport))
    .sort((left, right) => order.indexOf(left.transport) - order.indexOf(right.transport));
  const quick = able.filter(({ p99us }) => load.p99Ms === undefined || p99us <= load.p99Ms * 1000);
  const pool = quick.length > 0 ? quick : able;
  const cheapest = Math.min(...pool.map(({ cpuUsPerCall }) => cpuUsPerCall));
  // Within the noise the more widely spoken one wins.
  const figures = pool.find(({ cpuUsPerCall }) => cpuUsPerCall <= cheapest * (1 + noise));
  if (figures === undefined) throw new RangeError('no transport was measured that these clients can reach');
  const { transport, cpuUsPerCall, p99us, latencyRate } = figures;
  const others = able
    .filter((other) => other !== figures)
    .map((other) => `${other.transport} ${micros(other.cpuUsPerCall)}`);
  const because = [
    `${micros(cpuUsPerCall)} of processor time a call`,
    others.length > 0 ? ` (${others.join(', ')})` : '',
    `, 99 % of the calls within ${micros(p99us)} at ${whole(latencyRate)}/s`,
    quick.length === 0 ? `: none keeps to ${load.p99Ms} ms here` : '',
  ].join('');
  const choice: Choice = { about: 'transport', choice: transport, because };
  return load.p99Ms === undefined ? { figures, choice } : { figures, choice, keepsLatency: quick.length > 0 };
}

function chooseEncoding(measured: readonly EncodingFigures[]): {
  readonly value: Advice['encoding'];
  readonly ratio: number;
  readonly choice: Choice;
} {
  const cost = (name: EncodingFigures['encoding']): number | undefined =>
    measured.find(({ encoding }) => encoding === name)?.cpuUsPerCall;
  const [json, msgpack] = [cost('json'), cost('msgpack')];
  const about = 'encoding' as const;
  if (json === undefined || msgpack === undefined) {
    const because = 'the only one that these clients and this transport share';
    return { value: 'json', ratio: 1, choice: { about, choice: 'json', because } };
  }
  const value = msgpack < json * (1 - noise) ? 'msgpack' : 'json';
  const because = `json ${micros(json)}, msgpack ${micros(msgpack)} of the server's processor time a call, between two ringwire programs`;
  return {
    value,
    ratio: value === 'msgpack' ? msgpack / json : 1,
    choice: { about, choice: value, because },
  };
}

function chooseProfile(
  load: DescribedLoad,
  measured: readonly ProfileFigures[],
): { readonly value: Advice['profile']; readonly choice: Choice } {
  const about = 'profile' as const;
  const kernel = measured.find(({ profile }) => profile === 'none');
  const tuned = measured.find(({ profile }) => profile !== 'none');
  if (kernel === undefined || tuned === undefined)
    return {
      value: 'none',
      choice: { about, choice: 'none', because: 'there is no socket of ours to tune' },
    };
  const shape = `${load.connections} connections with ${whole(load.callsPerSecond / load.connections)} calls/s each`;
  const figures = `${micros(tuned.cpuUsPerCall)} a call and p99 ${micros(tuned.p99us)}, without it ${micros(kernel.cpuUsPerCall)} and ${micros(kernel.p99us)}`;
  const costs =
    tuned.cpuUsPerCall > kernel.cpuUsPerCall * (1 + noise) || tuned.p99us > kernel.p99us * (1 + 2 * noise);
  return costs
    ? {
        value: 'none',
        choice: {
          about,
          choice: 'none',
          because: `${tuned.profile} fits ${shape}, but costs here: ${figures}`,
        },
      }
    : {
        value: tuned.profile,
        choice: { about, choice: tuned.profile, because: `made for ${shape}; ${figures}` },
      };
}

const socketBytesOf: Readonly<Record<ProfileFigures['profile'], number>> = {
  none: 0,
  low: 16 * kibibyte,
  medium: 64 * kibibyte,
  high: 256 * kibibyte,
  extreme: mebibyte,
};

/** The next power of two. */
function roundUp(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, bytes)));
}

function chooseBuffers(
  load: DescribedLoad,
  profile: Advice['profile'],
): { readonly value: Advice['buffers']; readonly choice: Choice } {
  const messageBytes = load.payloadBytes + 512;
  const maxFrameBytes = Math.max(4 * mebibyte, roundUp(4 * messageBytes));
  const highWatermarkBytes = Math.max(mebibyte, roundUp(2 * messageBytes));
  // What one connection has on its way while an acknowledgement travels.
  const onTheWay =
    ((load.callsPerSecond / load.connections) * messageBytes * Math.max(load.roundTripMs, 0)) / 1000;
  const wanted = roundUp(2 * onTheWay);
  const value = {
    maxFrameBytes,
    highWatermarkBytes,
    ...(wanted > Math.max(socketBytesOf[profile], 64 * kibibyte) ? { socketBytes: wanted } : {}),
  };
  const because = `messages of ${whole(messageBytes)} bytes; ${whole(onTheWay)} bytes on their way on each connection in ${load.roundTripMs} ms`;
  const choice = `frames to ${whole(maxFrameBytes)}, ${whole(highWatermarkBytes)} unsent, sockets ${
    value.socketBytes === undefined ? 'as they are' : whole(value.socketBytes)
  }`;
  return { value, choice: { about: 'buffers', choice, because } };
}

function chooseWorkers(
  load: DescribedLoad,
  cpuUsPerCall: number,
  cores: number,
): { readonly value: Pick<Advice, 'workers' | 'hosts' | 'busyCores'>; readonly choice: Choice } {
  const usPerCall = cpuUsPerCall + load.handlerMs * 1000;
  const busyCores = (load.callsPerSecond * usPerCall) / 1e6;
  const wanted = Math.max(1, Math.ceil(busyCores / wantedUtilization));
  // A spawned server is one process for each client, whatever it costs.
  const total = load.clients === 'spawned' ? 1 : wanted;
  const hosts = Math.max(1, Math.ceil(total / cores));
  const workers = Math.ceil(total / hosts);
  const because = `${whole(load.callsPerSecond)} calls/s of ${micros(usPerCall)} keep ${busyCores.toFixed(2)} cores busy; with ${wantedUtilization * 100} % each that is ${wanted} of ${cores} here`;
  const choice = hosts === 1 ? String(workers) : `${workers} on each of ${hosts} hosts`;
  return { value: { workers, hosts, busyCores }, choice: { about: 'workers', choice, because } };
}
