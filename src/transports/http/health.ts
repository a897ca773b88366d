/** Answers for load balancers and monitoring: whether the process lives, takes calls, and what it counted. */
import type { HeaderList, HttpExchange, HttpListener, ServerApplication } from './http-server.js';
import type { ResolvedHealthOptions } from './resolve-http-options.js';

const plain: HeaderList = ['content-type', 'text/plain; charset=utf-8', 'cache-control', 'no-store'];
/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
const prometheus: HeaderList = [
  'content-type',
  'text/plain; version=0.0.4; charset=utf-8',
  'cache-control',
  'no-store',
];

export class Health {
  /** Whose numbers are shown; undefined until it is bound. */
  listener: HttpListener | undefined = undefined;
  /** No new calls are taken. */
  isDraining = false;
  readonly #options: ResolvedHealthOptions;
  readonly #application: ServerApplication;

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
    const { livePath, readyPath, metricsPath } = this.#options;
    const { path, method } = exchange;
    if (path !== livePath && path !== readyPath && path !== metricsPath) return false;
    if (method !== 'GET' && method !== 'HEAD') {
      exchange.respond(405, [...plain, 'allow', 'GET, HEAD'], 'Ask with GET or HEAD.\n');
    } else if (path === metricsPath) {
      exchange.respond(200, prometheus, this.#metrics());
    } else if (path === readyPath && this.isDraining) {
      exchange.respond(503, plain, 'draining\n');
    } else {
      exchange.respond(200, plain, 'ok\n');
    }
    return true;
  }

  #metrics(): string {
    const page = new MetricsPage();
    const { listener } = this;
    if (listener !== undefined) {
      const { counters } = listener;
      page.add('counter', 'requests_total', 'Requests that reached the application.', counters.requests);
      page.addClasses('responses_total', 'Answers by class of status.', counters.responses);
      page.add('counter', 'aborted_total', 'Requests whose client left before the answer.', counters.aborted);
      page.add(
        'counter',
        'refused_requests_total',
        'Requests that were malformed, too large or too slow.',
        counters.refused,
      );
      page.add('counter', 'websockets_total', 'WebSocket connections opened.', counters.webSockets);
      page.add('gauge', 'connections', 'Connections open now.', listener.connections);
      page.add(
        'counter',
        'refused_connections_total',
        'Connections closed at once because of the limit.',
        listener.refusedConnections ?? 0,
      );
    }
    for (const [name, help, value] of this.#application.gauges?.() ?? [])
      page.add(name.endsWith('_total') ? 'counter' : 'gauge', name, help, value);
    return page.text;
  }
}

class MetricsPage {
  text = '';

  add(type: 'counter' | 'gauge', name: string, help: string, value: number): void {
    this.#head(type, name, help);
    this.text += `ringwire_http_${name} ${value}\n`;
  }

  addClasses(name: string, help: string, counts: readonly number[]): void {
    this.#head('counter', name, help);
    for (const [index, count] of counts.entries())
      this.text += `ringwire_http_${name}{class="${index + 1}xx"} ${count}\n`;
  }

  #head(type: string, name: string, help: string): void {
    const line = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    this.text += `# HELP ringwire_http_${name} ${line}\n# TYPE ringwire_http_${name} ${type}\n`;
  }
}
