/**
 * Calls back every fraction of a millisecond. Timers of Node.js are a millisecond apart, which a schedule of 10,000
 * requests a second shows as bursts of ten; a loop that never sleeps would keep a core from the server. A thread that
 * sleeps in between wakes the event loop for a few microseconds each time.
 */
import { Worker } from 'node:worker_threads';

/** The schedule is looked at this often. */
const stepMs = 0.25;

/** Slots of the shared memory: set to end the thread; set while a tick waits to be taken. */
const stop = 0;
const pending = 1;

// A tick that was not taken yet is not told again: a blocked event loop finds one, not thousands.
const source = `
const { parentPort, workerData: { cells, stepMs, stop, pending } } = require('node:worker_threads');
while (Atomics.wait(cells, stop, 0, stepMs) === 'timed-out')
  if (Atomics.exchange(cells, pending, 1) === 0) parentPort.postMessage(0);
`;

export class Ticker {
  readonly #cells = new Int32Array(new SharedArrayBuffer(8));
  readonly #worker: Worker;

  constructor(onTick: () => void) {
    const workerData = { cells: this.#cells, stepMs, stop, pending };
    this.#worker = new Worker(source, { eval: true, workerData, execArgv: [], stdin: false });
    this.#worker.on('message', () => {
      Atomics.store(this.#cells, pending, 0);
      onTick();
    });
  }

  async close(): Promise<void> {
    this.#worker.removeAllListeners('message');
    Atomics.store(this.#cells, stop, 1);
    Atomics.notify(this.#cells, stop);
    await this.#worker.terminate();
  }
}
