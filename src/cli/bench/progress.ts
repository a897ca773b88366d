/** What a terminal shows while a load runs: one line, written over. */
import type { LoadInterval } from '../../workbench/load/load-plan.js';
import { formatMs } from '../../workbench/scenarios/criteria.js';
import { formatCount, formatSize, type RunSubject } from '../../workbench/scenarios/run-result.js';

const barWidth = 16;

function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * barWidth);
  return `${'█'.repeat(full)}${'░'.repeat(barWidth - full)}`;
}

function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${Math.round(share * 100)} %`;
}

/** The line for one interval, at most `width` characters of it. */
export function progressLine(
  name: string,
  interval: LoadInterval,
  seconds: { readonly warmup: number; readonly measured: number },
  width: number,
  errors = interval.errors,
): string {
  const { atSeconds } = interval;
  const when =
    atSeconds <= 0
      ? `${bar(1 + atSeconds / (seconds.warmup || 1))} warm-up`
      : `${bar(atSeconds / seconds.measured)} ${Math.round(atSeconds)}/${Math.round(seconds.measured)} s`;
  const parts = [
    `${name} ${when}`,
    `${formatCount(interval.rate)}/s`,
    `p50 ${formatMs(interval.p50us / 1000)}`,
    `p99 ${formatMs(interval.p99us / 1000)}`,
    `p99.9 ${formatMs(interval.p999us / 1000)}`,
    `errors ${formatCount(errors)}`,
    `server ${percent(interval.serverCpu)}`,
    `generator ${percent(interval.generatorCpu)}`,
  ];
  return parts.join('  ').slice(0, Math.max(20, width - 1));
}

/** What is under load, short: 'tcp 5,000/s 64c 1 KiB'. */
function label({ transport, targetRate, connections, payload }: RunSubject): string {
  const parts = [transport];
  if (targetRate !== undefined) parts.push(`${formatCount(targetRate)}/s`);
  if (connections > 0) parts.push(`${connections}c`);
  if (payload !== undefined) parts.push(formatSize(payload));
  return parts.join(' ');
}

/** Nothing where the stream is no terminal. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  #isShown = false;
  #errors = 0;
  #seconds = { warmup: 0, measured: 0 };

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  begin(run: RunSubject, seconds: { readonly warmup: number; readonly measured: number }): void {
    this.#seconds = { ...seconds };
    this.#errors = 0;
    this.#show(`${label(run)}: connecting`);
  }

  update(run: RunSubject, interval: LoadInterval): void {
    if (interval.atSeconds > 0) this.#errors += interval.errors;
    this.#show(progressLine(label(run), interval, this.#seconds, this.#stream.columns ?? 80, this.#errors));
  }

  clear(): void {
    if (this.#isShown) this.#stream.write('\r\u001b[K');
    this.#isShown = false;
  }

  #show(line: string): void {
    if (this.#stream.isTTY !== true) return;
    this.#stream.write(`\r\u001b[K${line}`);
    this.#isShown = true;
  }
}
