/** Answers for load balancers and monitoring: whether the process lives, takes calls, and what it counted. */
import { uptime } from 'node:process';
import { packageVersion } from '../../binding/package-root.js';
import { ProcessSampler } from '../../observability/process-sampler.js';
import type { CallTotals, SendTotals, ServerTotals } from '../../observability/server-totals.js';
import { addListener, addProcess, addServer } from './health-metrics.js';
import type {
  HeaderList,
  HttpExchange,
  HttpListener,
  ServerApplication,
  ServerWatch,
} from './http-server.js';
import { MetricsPage } from './metrics-page.js';
import type { ResolvedHealthOptions } from './resolve-http-options.js';

const plain: HeaderList = ['content-type', 'text/plain; charset=utf-8', 'cache-control', 'no-store'];
/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
const prometheus: HeaderList = [
  'content-type',
  'text/plain; version=0.0.4; charset=utf-8',
  'cache-control',
  'no-store',
];
const json: HeaderList = ['content-type', 'application/json', 'cache-control', 'no-store'];

export class Health {
  /** No new calls are taken. */
  isDraining = false;
  readonly #options: ResolvedHealthOptions;
  readonly #application: ServerApplication;
  readonly #process = new ProcessSampler();
  /** Whose numbers are shown; undefined until it is bound. */
  #listener: HttpListener | undefined = undefined;

  constructor(options: ResolvedHealthOptions, application: ServerApplication) {
    this.#options = options;
    this.#application = application;
  }

  /** Whether the path says how the process is: probes may ask under any host name. */
  isProbe(path: string): boolean {
    return path === this.#options.livePath || path === this.#options.readyPath;
  }

  /** Answers the requests of its paths; false for others. */
  answer(exchange: HttpExchange): boolean {
    const { livePath, readyPath, metricsPath, statsPath } = this.#options;
    const { path, method } = exchange;
    if (path !== livePath && path !== readyPath && path !== metricsPath && path !== statsPath) return false;
    if (method !== 'GET' && method !== 'HEAD') {
      exchange.respond(405, [...plain, 'allow', 'GET, HEAD'], 'Ask with GET or HEAD.\n');
    } else if (path === metricsPath) {
      exchange.respond(200, prometheus, this.#metrics());
    } else if (path === statsPath) {
      exchange.respond(200, json, this.#stats());
    } else if (path === readyPath && this.isDraining) {
      exchange.respond(503, plain, 'draining\n');
    } else {
      exchange.respond(200, plain, 'ok\n');
    }
    return true;
  }

  /** Begins to watch the process and the server behind the application. */
  start(listener: HttpListener): void {
    this.#listener = listener;
    this.#process.start();
    this.#application.watch?.start();
  }

  /** Idempotent. */
  stop(): void {
    if (this.#listener === undefined) return;
    this.#listener = undefined;
    this.#process.stop();
    this.#application.watch?.stop();
  }

  #metrics(): string {
    const page = new MetricsPage();
    if (this.#listener !== undefined) addListener(page, this.#listener);
    for (const [name, help, value] of this.#application.gauges?.() ?? [])
      page.add(name.endsWith('_total') ? 'counter' : 'gauge', `ringwire_http_${name}`, help, value);
    const { watch } = this.#application;
    if (watch !== undefined) addServer(page, watch, this.#calls(watch));
    addProcess(page, this.#process.totals());
    return page.text;
  }

  #stats(): string {
    const { watch } = this.#application;
    const process = this.#process.totals();
    const totals: ServerTotals = {
      ringwire: packageVersion(),
      uptimeSeconds: uptime(),
      process,
      calls: watch === undefined ? noCalls : this.#calls(watch),
      sends: watch?.sends() ?? noSends,
      connections: watch?.connections ?? this.#listener?.connections ?? 0,
      rows: watch?.rows() ?? [],
    };
    return JSON.stringify(totals);
  }

  #calls(watch: ServerWatch): CallTotals {
    const { inFlight, refused } = this.#application.load ?? { inFlight: 0, refused: 0 };
    return watch.calls(inFlight, refused);
  }
}

const noCalls: CallTotals = {
  total: 0,
  errors: 0,
  inFlight: 0,
  latency: { counts: [], sum: 0, max: 0 },
  latencyEvery: 1,
};
const noSends: SendTotals = { queuedBytes: 0, backpressureMs: 0, watermarkCrossings: 0 };
