/** Searching the folder in a thread: a pattern of a caller may run for ever, and a thread can be ended. */
import { Worker } from 'node:worker_threads';

const searchTimeoutMs = 5_000;

/**
 * @param {string} root
 * @param {{ glob?: string, pattern?: string, maxResults: number }} query
 * @param {AbortSignal} signal ends the search
 * @returns {Promise<{ matches: { path: string, line?: number, text?: string }[], truncated: boolean }>}
 */
export function search(root, query, signal) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./search-worker.mjs', import.meta.url), {
      workerData: { root, query },
    });
    const finish = (settle, value) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      worker.terminate();
      settle(value);
    };
    const timer = setTimeout(() => {
      finish(
        reject,
        new Error(`The search took longer than ${searchTimeoutMs} ms; make the pattern simpler.`),
      );
    }, searchTimeoutMs);
    const abort = () => finish(reject, signal.reason);
    signal.addEventListener('abort', abort);
    worker.once('message', ({ result, problem }) => {
      if (problem === undefined) finish(resolve, result);
      else finish(reject, new Error(problem));
    });
    worker.once('error', (error) => finish(reject, error));
    if (signal.aborted) abort();
  });
}
