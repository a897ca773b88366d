import { RingwireError } from '../errors.js';
import { type MonitorSample, monitorResources } from '../workbench/monitor/monitor-resources.js';
import { sourceKind } from '../workbench/monitor/sample-source.js';
import { defineCommand } from './command.js';
import { ExitCode } from './exit-codes.js';
import { httpClientOptionSpecs, httpClientOptions } from './http-options.js';
import { integerOption } from './parse-input.js';
import { printError, printLine, safeText, whenOutputIsGone } from './terminal.js';
import { Screen } from './top/screen.js';
import { sampleLine, screenLines } from './top/view.js';
import { UsageError } from './usage-error.js';

/** So many samples are kept for the history on the screen. */
const kept = 120;

/** Where samples go. */
interface Output {
  show(sample: MonitorSample): void;
  close(): void;
}

function targetOf(positionals: readonly string[]): { readonly url: string } | { readonly pid: number } {
  const [target, ...more] = positionals;
  if (target === undefined || more.length > 0)
    throw new UsageError(
      'ringwire top takes one server or process.',
      'For instance: ringwire top http://127.0.0.1:8080, or ringwire top 4711.',
    );
  const kind = sourceKind(target);
  if (!('file' in kind)) return kind;
  throw new UsageError(
    `${JSON.stringify(target)} is neither an http URL nor the number of a process.`,
    'Start the server with --health and give its http address, or give the number of its process.',
  );
}

function lines(asJson: boolean): Output {
  const show = asJson
    ? (sample: MonitorSample): void => printLine(safeText(JSON.stringify(sample)))
    : (sample: MonitorSample): void => printLine(sampleLine(sample));
  return { show, close: () => {} };
}

function fullScreen(name: string, quit: () => void): Output {
  const history: MonitorSample[] = [];
  const screen = new Screen(quit);
  screen.open();
  screen.show(() => screenLines(name, history, screen.size));
  return {
    show(sample) {
      history.push(sample);
      if (history.length > kept) history.shift();
      screen.show(() => screenLines(name, history, screen.size));
    },
    close: () => screen.close(),
  };
}

export const top = defineCommand({
  name: 'top',
  summary: 'Show live what a server or a process does',
  usage: 'URL|PID [options]',
  details: `URL is an http address of a server that runs with --health: calls, latencies, queues, connections and its
process are shown. PID is any process of this machine (Linux): processor, memory, descriptors, input and output;
--attach shows heap, collections and the event loop of a Node.js process as well.

On a terminal the view is refreshed in place, and q or Ctrl-C ends it; elsewhere each interval is one line.
What --json writes can be judged by: ringwire analyze bottlenecks FILE`,
  options: {
    interval: {
      type: 'string',
      placeholder: 'MS',
      description: 'Time between two samples, by default 1000',
    },
    count: { type: 'string', placeholder: 'N', description: 'End after so many samples' },
    attach: {
      type: 'boolean',
      description: 'Open the inspector of the process with SIGUSR1 while watching (on 127.0.0.1)',
    },
    header: httpClientOptionSpecs.header,
    json: { type: 'boolean', description: 'Print each sample as a line of JSON' },
  },
  examples: [
    'ringwire top http://127.0.0.1:8080',
    'ringwire top $(pgrep -f server.js) --attach',
    'ringwire top http://127.0.0.1:8080 --json --count 60 > samples.jsonl',
  ],
  async run({ options, positionals }) {
    const target = targetOf(positionals);
    const intervalMs = integerOption('interval', options.interval, 50, 1_000, 86_400_000);
    const most = integerOption('count', options.count, 1, Number.MAX_SAFE_INTEGER);
    if (options.attach === true && !('pid' in target))
      throw new UsageError('--attach needs the number of a process.', 'A URL with stats needs none.');
    const { headers } = httpClientOptions({ header: options.header }).httpClient ?? {};
    const stop = new AbortController();
    const samples = monitorResources(Number.POSITIVE_INFINITY, intervalMs, {
      ...target,
      attach: options.attach,
      ...(typeof headers === 'object' ? { headers } : {}),
      signal: stop.signal,
    });
    return watch(
      samples,
      most,
      (quit) => {
        if (options.json === true || !Screen.isPossible()) return lines(options.json === true);
        return fullScreen('url' in target ? target.url : `process ${target.pid}`, quit);
      },
      stop,
    );
  },
});

/** However it ends, an inspector that was opened is closed. */
const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

async function watch(
  samples: AsyncIterable<MonitorSample>,
  most: number,
  open: (quit: () => void) => Output,
  stop: AbortController,
): Promise<ExitCode> {
  const quit = (): void => stop.abort();
  for (const name of endSignals) process.once(name, quit);
  whenOutputIsGone(quit);
  // What cannot be watched is said on the screen the command was typed on.
  let output: Output | undefined;
  let seen = 0;
  try {
    for await (const sample of samples) {
      if (stop.signal.aborted) break;
      output ??= open(quit);
      output.show(sample);
      seen += 1;
      if (seen >= most) break;
    }
  } finally {
    for (const name of endSignals) process.off(name, quit);
    whenOutputIsGone(undefined);
    output?.close();
  }
  const hasEnded = seen < most && !stop.signal.aborted;
  if (hasEnded && seen === 0)
    throw new RingwireError('CONNECTION_CLOSED', 'It ended before the first sample.');
  if (hasEnded) printError('What was watched has ended.');
  return ExitCode.Ok;
}
