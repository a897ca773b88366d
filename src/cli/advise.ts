import {
  type Advice,
  advise,
  type Calibration,
  type Clients,
  type DescribedLoad,
} from '../analysis/advice.js';
import { calibrate } from '../workbench/advise/calibrate.js';
import { defineCommand } from './command.js';
import { ExitCode } from './exit-codes.js';
import { interruptible } from './interrupt.js';
import { integerOption, numberOption, refuseWords } from './parse-input.js';
import { columns, paint, printJson, printLine } from './terminal.js';
import { wordOption } from './transport-options.js';

const clientKinds = ['spawned', 'local', 'network', 'browser'] as const;
const defaults = { rate: 1_000, payload: 256, connections: 32, seconds: 1 };
/** What a packet takes there and back: to a neighbour in a data centre, or by way of the loopback. */
const roundTripMs: Readonly<Record<Clients, number>> = { spawned: 0, local: 0, network: 1, browser: 30 };

function commandsOf({ transport, encoding, profile, buffers }: Advice): string[] {
  const address = {
    stdio: '--stdio',
    unix: '--listen unix:/run/mcp.sock',
    tcp: '--listen tcp://0.0.0.0:4000',
    http: '--listen http://127.0.0.1:8080/mcp',
    ws: '--listen ws://127.0.0.1:8080/mcp',
  }[transport];
  const flags = [
    ...(profile === 'none' || transport === 'stdio' ? [] : [`--profile ${profile}`]),
    `--max-frame-bytes ${buffers.maxFrameBytes}`,
  ];
  const options = [`highWatermarkBytes: ${buffers.highWatermarkBytes}`];
  if (buffers.socketBytes !== undefined)
    options.push(
      `socket: { sendBufferBytes: ${buffers.socketBytes}, receiveBufferBytes: ${buffers.socketBytes} }`,
    );
  return [
    `ringwire serve app.mjs ${address} ${flags.join(' ')}`,
    `in a program: server.listen(url, { ${options.join(', ')} })${
      encoding === 'msgpack' ? ", createServer({ …, rpc: { encodings: ['msgpack'] } })" : ''
    }`,
  ];
}

function render(load: DescribedLoad, calibration: Calibration, advice: Advice): string {
  const rate = (value: number): string => Math.round(value).toLocaleString('en');
  const micros = (value: number): string =>
    value < 1_000 ? `${value.toFixed(0)} µs` : `${(value / 1_000).toFixed(2)} ms`;
  const measured = columns([
    ['transport', 'CPU a call', 'most calls/s', 'p50', 'p99', 'at calls/s'],
    ...calibration.transports.map((one) => [
      one.transport,
      micros(one.cpuUsPerCall),
      `${rate(one.maxRate)}${one.generatorBound ? ' or more' : ''}`,
      micros(one.p50us),
      micros(one.p99us),
      rate(one.latencyRate),
    ]),
  ]);
  const choices = columns(
    advice.choices.map(({ about, choice, because }) => [about, paint(choice, 'bold'), because]),
  );
  const doubt = calibration.transports.find(({ latencyDoubt }) => latencyDoubt !== undefined)?.latencyDoubt;
  const shape = `${rate(load.callsPerSecond)} calls/s, ${rate(load.payloadBytes)} bytes each way, ${load.connections} connections, ${load.clients} clients`;
  return [
    `For ${shape}, measured on this host:`,
    measured,
    choices,
    ...(doubt === undefined
      ? []
      : [
          paint(
            `Latencies are not the servers' alone (${doubt}): something else uses this host. Run it again when it is quiet.`,
            'yellow',
          ),
        ]),
    ...(advice.keepsLatency === false
      ? [paint(`No transport keeps 99 % of the calls within ${load.p99Ms} ms at this rate here.`, 'yellow')]
      : []),
    commandsOf(advice).join('\n'),
  ].join('\n\n');
}

export const adviseCommand = defineCommand({
  name: 'advise',
  summary: 'Recommend a transport, buffers and workers for a load, from a short run on this host',
  usage: '[--clients KIND] [--rate CALLS] [--payload BYTES] [--connections COUNT] [OPTIONS]',
  details:
    'Describe the load; ringwire starts servers of its own, loads them for about a second each (twice for every transport\nthe clients can reach) and says what it would take, with the figures. Ends with 1 when --p99 cannot be kept.',
  options: {
    clients: {
      type: 'string',
      placeholder: 'KIND',
      description: 'Who calls: spawned (starts the server itself), local, network (default) or browser',
    },
    rate: {
      type: 'string',
      placeholder: 'CALLS',
      description: `Calls per second in all, ${defaults.rate} by default`,
    },
    payload: {
      type: 'string',
      placeholder: 'BYTES',
      description: `Bytes of text in a call and in its answer, ${defaults.payload} by default`,
    },
    connections: {
      type: 'string',
      placeholder: 'COUNT',
      description: `Clients connected at once, ${defaults.connections} by default`,
    },
    'handler-ms': {
      type: 'string',
      placeholder: 'MS',
      description: 'Processor time of your handler for one call, 0 by default',
    },
    p99: { type: 'string', placeholder: 'MS', description: 'The most that 99 % of the calls may take' },
    'rtt-ms': {
      type: 'string',
      placeholder: 'MS',
      description: 'Round trip between client and server; 1 on a network, 30 to browsers by default',
    },
    standard: {
      type: 'boolean',
      description: 'Only what MCP clients of other makers speak: stdio and HTTP, in JSON',
    },
    seconds: {
      type: 'string',
      placeholder: 'SECONDS',
      description: `Of each run, ${defaults.seconds} by default`,
    },
    json: { type: 'boolean', description: 'Print figures and advice as JSON' },
  },
  examples: [
    'ringwire advise --rate 20000 --connections 200 --p99 5',
    'ringwire advise --clients spawned --payload 100000 --rate 50',
    'ringwire advise --clients browser --handler-ms 2 --json',
  ],
  async run({ options, positionals }) {
    refuseWords('advise', positionals);
    const clients = (wordOption('clients', options.clients, clientKinds) ?? 'network') as Clients;
    const p99Ms = options.p99 === undefined ? undefined : numberOption('p99', options.p99, 0.01, 0, 60_000);
    const load: DescribedLoad = {
      clients,
      callsPerSecond: numberOption('rate', options.rate, 0.01, defaults.rate, 1e8),
      payloadBytes: integerOption('payload', options.payload, 1, defaults.payload, 32 * 1024 * 1024),
      connections:
        clients === 'spawned'
          ? 1
          : integerOption('connections', options.connections, 1, defaults.connections, 1_000_000),
      standardOnly: options.standard === true,
      handlerMs: numberOption('handler-ms', options['handler-ms'], 0, 0, 60_000),
      roundTripMs: numberOption('rtt-ms', options['rtt-ms'], 0, roundTripMs[clients], 60_000),
      ...(p99Ms === undefined ? {} : { p99Ms }),
    };
    const seconds = numberOption('seconds', options.seconds, 0.2, defaults.seconds, 60);
    const stop = interruptible();
    const isWatched = process.stderr.isTTY === true;
    const onProgress = (text: string): void => {
      if (isWatched) process.stderr.write(`\r\u001b[2K${text}`);
    };
    try {
      const calibration = await calibrate(load, { seconds, onProgress, signal: stop.signal });
      onProgress('');
      const advice = advise(load, calibration);
      if (options.json === true) printJson({ load, calibration, advice });
      else printLine(render(load, calibration, advice));
      return advice.keepsLatency === false ? ExitCode.Failure : ExitCode.Ok;
    } finally {
      stop.done();
    }
  },
});
