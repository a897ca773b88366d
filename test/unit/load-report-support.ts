import { Histogram } from '../../src/observability/histogram.js';
import type { LoadReport } from '../../src/workbench/load/load-plan.js';

const histogram = new Histogram();
for (let index = 1; index <= 1000; index += 1) histogram.record(index * 1000);

/** A run of ten seconds in which nothing went wrong. */
export const loadReport: LoadReport = {
  mode: 'open',
  generator: 'javascript',
  transport: 'tcp',
  connections: 4,
  targetRate: 100,
  messages: 1000,
  seconds: 10,
  rate: 100,
  errors: 0,
  lost: 0,
  meanUs: 500,
  p50us: 500,
  p90us: 900,
  p95us: 950,
  p99us: 990,
  p999us: 999,
  p9999us: 1000,
  maxUs: 1000,
  histogram: histogram.toJSON(),
  operations: [
    { name: 'read', messages: 700, errors: 0, p50us: 400, p95us: 900, p99us: 950, maxUs: 990 },
    { name: 'call', messages: 300, errors: 0, p50us: 600, p95us: 950, p99us: 990, maxUs: 1000 },
  ],
  intervals: [
    {
      atSeconds: 10,
      seconds: 10,
      messages: 1000,
      rate: 100,
      errors: 0,
      inFlight: 1,
      p50us: 500,
      p90us: 900,
      p95us: 950,
      p99us: 990,
      p999us: 999,
      maxUs: 1000,
      generatorCpu: 0.1,
      serverCpu: 0.2,
      serverRssMb: 60,
    },
  ],
  generatorCpu: 0.1,
  serverCpu: 0.2,
  cpuUsPerMsg: 20,
  rssMb: 60,
  rssPeakMb: 64,
  requestBytes: 293,
  replyBytes: 197,
};
