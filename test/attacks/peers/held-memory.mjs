/**
 * Memory that is held, garbage left out: what resident memory would be without the free part of the heap. Run with
 * --expose-gc. When the collector runs by itself is chance, and resident memory at its peak is mostly that chance.
 */
const sampleMs = 20;

function heldBytes() {
  globalThis.gc();
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  return rss - (heapTotal - heapUsed);
}

/** Returns a function that tells the most that was held at any look so far, one now included. */
export function watchHeldMemory() {
  let most = 0;
  const look = () => {
    most = Math.max(most, heldBytes());
    return most;
  };
  setInterval(look, sampleMs).unref();
  return look;
}
