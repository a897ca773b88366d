/** What the metrics page tells. Names of the process are those the Prometheus clients of other languages use. */
import { timedEvery } from '../../observability/call-meter.js';
import { Histogram } from '../../observability/histogram.js';
import type { ProcessTotals } from '../../observability/process-totals.js';
import type { CallTotals } from '../../observability/server-totals.js';
import type { HttpListener, ServerWatch } from './http-server.js';
import type { MetricsPage } from './metrics-page.js';

export function addListener(page: MetricsPage, listener: HttpListener): void {
  const { counters } = listener;
  const counter = (name: string, help: string, value: number): void =>
    page.add('counter', `ringwire_http_${name}`, help, value);
  counter('requests_total', 'Requests that reached the application.', counters.requests);
  page.addClasses('ringwire_http_responses_total', 'Answers by class of status.', counters.responses);
  counter('aborted_total', 'Requests whose client left before the answer.', counters.aborted);
  counter('refused_requests_total', 'Requests that were malformed, too large or too slow.', counters.refused);
  counter('websockets_total', 'WebSocket connections opened.', counters.webSockets);
  page.add('gauge', 'ringwire_http_connections', 'Connections open now.', listener.connections);
  counter(
    'refused_connections_total',
    'Connections closed at once because of the limit.',
    listener.refusedConnections ?? 0,
  );
}

export function addServer(page: MetricsPage, watch: ServerWatch, calls: CallTotals): void {
  const sends = watch.sends();
  page.add('counter', 'ringwire_calls_total', 'Calls of all transports.', calls.total);
  page.add('counter', 'ringwire_call_errors_total', 'Calls answered with an error.', calls.errors);
  page.add('gauge', 'ringwire_calls_in_flight', 'Calls whose handlers are at work.', calls.inFlight);
  page.addHistogram(
    'ringwire_call_duration_seconds',
    `Time from a call's arrival to its answer, of one call in ${timedEvery}.`,
    watch.meter.latency,
  );
  page.add('gauge', 'ringwire_connections', 'Connections of all listeners.', watch.connections);
  page.add('gauge', 'ringwire_queued_bytes', 'Bytes that wait for peers to read.', sends.queuedBytes);
  page.add(
    'counter',
    'ringwire_backpressure_seconds_total',
    'Time in which at least one connection waited for its peer to read.',
    sends.backpressureMs / 1_000,
  );
}

export function addProcess(page: MetricsPage, totals: ProcessTotals): void {
  const { gc, eventLoop } = totals;
  const gauge = (name: string, help: string, value: number | undefined): void =>
    page.add('gauge', name, help, value);
  page.add('counter', 'process_cpu_seconds_total', 'User and system time.', totals.cpuSeconds);
  gauge('process_resident_memory_bytes', 'Resident memory.', totals.rssBytes);
  gauge('process_open_fds', 'Open descriptors.', totals.descriptors);
  gauge('process_max_fds', 'The limit of descriptors.', totals.descriptorLimit);
  gauge('nodejs_heap_size_used_bytes', 'Heap in use.', totals.heapUsedBytes);
  gauge('nodejs_heap_size_total_bytes', 'Heap taken from the system.', totals.heapTotalBytes);
  gauge('nodejs_heap_size_limit_bytes', 'Where V8 gives up.', totals.heapLimitBytes);
  gauge('nodejs_external_memory_bytes', 'Memory of Buffers and native objects.', totals.externalBytes);
  if (gc !== undefined) {
    page.add('counter', 'nodejs_gc_total', 'Collections of garbage.', gc.count);
    page.add('counter', 'nodejs_gc_major_total', 'Collections of the whole heap.', gc.majorCount);
    page.add('counter', 'nodejs_gc_pause_seconds_total', 'Time in collections.', gc.pauseMs / 1_000);
  }
  if (eventLoop !== undefined) {
    page.add(
      'counter',
      'nodejs_eventloop_active_seconds_total',
      'Time the event loop was at work.',
      eventLoop.activeMs / 1_000,
    );
    page.addHistogram(
      'nodejs_eventloop_lag_seconds',
      'How late the event loop was.',
      Histogram.fromJSON(eventLoop.lag),
    );
  }
}
