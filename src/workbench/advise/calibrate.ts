/** A short calibrated run on this host: what every reachable transport, encoding and profile costs for one described load. */
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import {
  type AdvisedTransport,
  type Calibration,
  type DescribedLoad,
  type EncodingFigures,
  type ProfileFigures,
  reachable,
  standardTransports,
  suggestProfile,
  type TransportFigures,
} from '../../analysis/advice.js';
import { RingwireError } from '../../errors.js';
import { connectRpc } from '../../rpc/client.js';
import type { Encoding } from '../../serialization/codec.js';
import type { LoadPlan, LoadReport } from '../load/load-plan.js';
import { runLoad } from '../load/run-load.js';
import { type MeasuredServerOptions, startMeasuredServer } from '../servers/measured-server.js';
import { measuredFrameBytes } from '../servers/protocol.js';

/** More connections cost the generator, and tell nothing that these do not. */
const mostConnections = 64;
const mostDepth = 16;
const warmupSeconds = 0.3;

/** Of texts on their way at once: a load of large calls is to measure processors, not to fill the memory. */
const mostBytesInFlight = 256 * 1024 * 1024;

/** How many calls are in flight: on how many connections, and on each in the closed loop. */
export function shapeOf({ payloadBytes, connections }: DescribedLoad): {
  connections: number;
  depth: number;
} {
  const most = Math.max(1, Math.floor(mostBytesInFlight / payloadBytes));
  const depth = Math.min(mostDepth, most);
  return { connections: Math.min(connections, mostConnections, Math.floor(most / depth)), depth };
}

export interface CalibrateOptions {
  /** Of each run; there are about a dozen. */
  readonly seconds: number;
  readonly onProgress?: (text: string) => void;
  readonly signal?: AbortSignal;
}

type Plan = Omit<LoadPlan, 'target' | 'serverPid'>;

/** Rejects with CANCELLED when the signal aborts. */
export async function calibrate(load: DescribedLoad, options: CalibrateOptions): Promise<Calibration> {
  const names = reachable[load.clients].filter(
    (name) => !load.standardOnly || standardTransports.includes(name),
  );
  const transports: TransportFigures[] = [];
  for (const name of names) {
    if (name === 'unix' && process.platform === 'win32') continue;
    transports.push(await measureTransport(name, load, options));
  }
  const tuned = names.find((name) => name === 'tcp' || name === 'unix');
  return {
    cores: availableParallelism(),
    transports,
    encodings: tuned === undefined ? [] : await measureEncodings(tuned, load, options),
    profiles: tuned === undefined ? [] : await measureProfiles(tuned, load, options),
  };
}

function planOf(load: DescribedLoad, transport: AdvisedTransport, seconds: number): Plan {
  const text = 'x'.repeat(load.payloadBytes);
  return {
    era: 'modern',
    operations: [
      { name: 'echo', weight: 1, method: 'tools/call', params: { name: 'echo', arguments: { text } } },
    ],
    connections: transport === 'stdio' ? 1 : shapeOf(load).connections,
    warmupSeconds,
    seconds,
  };
}

async function run(
  plan: Plan,
  server: MeasuredServerOptions,
  { signal }: CalibrateOptions,
): Promise<LoadReport> {
  const { target, pid, stop } = await startMeasuredServer(server);
  try {
    const report = await runLoad(
      { ...plan, target, ...(pid === undefined ? {} : { serverPid: pid }) },
      signal === undefined ? {} : { signal },
    );
    if (signal?.aborted === true) throw new RingwireError('CANCELLED', 'The calibration was interrupted.');
    if (report.errors > 0)
      throw new RingwireError(
        'INTERNAL',
        `${report.errors} calls over ${server.transport} failed: ${report.firstError ?? 'without a word'}`,
      );
    return report;
  } finally {
    await stop();
  }
}

async function measureTransport(
  transport: AdvisedTransport,
  load: DescribedLoad,
  options: CalibrateOptions,
): Promise<TransportFigures> {
  const plan = planOf(load, transport, options.seconds);
  options.onProgress?.(`${transport}: as fast as it goes`);
  // Clients of HTTP/1.1 wait for each answer.
  const depth = transport === 'http' ? 1 : shapeOf(load).depth;
  const closed = await run({ ...plan, depth }, { transport }, options);
  // Half of what it can, or queues would be measured.
  const rate = Math.max(1, Math.min(load.callsPerSecond, closed.rate / 2));
  options.onProgress?.(`${transport}: ${Math.round(rate)} calls a second`);
  const open = await run({ ...plan, rate }, { transport }, options);
  return {
    transport,
    maxRate: closed.rate,
    // Beside a fixed rate the processor also waits and wakes up: what a service pays when it is not full.
    cpuUsPerCall: closed.cpuUsPerMsg ?? 1e6 / closed.rate,
    p50us: open.p50us,
    p99us: open.p99us,
    latencyRate: open.rate,
    ...(open.saturation === undefined ? {} : { latencyDoubt: open.saturation }),
    generatorBound: closed.saturation !== undefined,
  };
}

async function measureProfiles(
  transport: 'tcp' | 'unix',
  load: DescribedLoad,
  options: CalibrateOptions,
): Promise<ProfileFigures[]> {
  const plan = planOf(load, transport, options.seconds);
  const figures: ProfileFigures[] = [];
  for (const profile of ['none', suggestProfile(load)] as const) {
    options.onProgress?.(`${transport}: profile ${profile}`);
    const server = { transport, ...(profile === 'none' ? {} : { profile }) };
    const report = await run({ ...plan, depth: shapeOf(load).depth }, server, options);
    const { p99us, cpuUsPerMsg = 1e6 / report.rate } = report;
    figures.push({ profile, cpuUsPerCall: cpuUsPerMsg, p99us });
  }
  return figures;
}

async function measureEncodings(
  transport: 'tcp' | 'unix',
  load: DescribedLoad,
  options: CalibrateOptions,
): Promise<EncodingFigures[]> {
  const figures: EncodingFigures[] = [];
  for (const encoding of ['json', 'msgpack'] as const) {
    options.onProgress?.(`${transport}: ${encoding}`);
    figures.push({ encoding, cpuUsPerCall: await encodingCost(transport, encoding, load, options) });
  }
  return figures;
}

/** Called by our own client: load generators speak JSON alone. */
async function encodingCost(
  transport: 'tcp' | 'unix',
  encoding: Encoding,
  load: DescribedLoad,
  options: CalibrateOptions,
): Promise<number> {
  const server = await startMeasuredServer({ transport, encodings: ['msgpack'] });
  const url = 'url' in server.target ? server.target.url : '';
  const params = {
    name: 'echo',
    arguments: { text: 'x'.repeat(load.payloadBytes) },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'ringwire-advise', version: '1.0.0' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  };
  try {
    const client = await connectRpc(url, {
      encodings: [encoding],
      transport: { maxFrameBytes: measuredFrameBytes },
      maxBacklogBytes: mostBytesInFlight,
    });
    const lanes = Math.max(1, Math.min(4 * mostDepth, Math.floor(mostBytesInFlight / 4 / load.payloadBytes)));
    try {
      const drive = async (milliseconds: number): Promise<number> => {
        const until = performance.now() + milliseconds;
        let calls = 0;
        const lane = async (): Promise<void> => {
          while (performance.now() < until && options.signal?.aborted !== true) {
            await client.request('tools/call', params);
            calls += 1;
          }
        };
        await Promise.all(Array.from({ length: lanes }, lane));
        return calls;
      };
      await drive(warmupSeconds * 1000);
      const before = await server.usage();
      const calls = await drive(options.seconds * 1000);
      const after = await server.usage();
      if (options.signal?.aborted === true)
        throw new RingwireError('CANCELLED', 'The calibration was interrupted.');
      return ((after?.cpuUs ?? 0) - (before?.cpuUs ?? 0)) / Math.max(1, calls);
    } finally {
      await client.close();
    }
  } finally {
    await server.stop();
  }
}
