/** The line with rate and latency under the endpoints, on a terminal only. */

const intervalMs = 1_000;

function format({ calls, rate, p50, p99 }) {
  if (calls === 0) return 'waiting for calls';
  const micros = (milliseconds) => `${(milliseconds * 1000).toFixed(milliseconds < 0.1 ? 1 : 0)} µs`;
  const perSecond = Math.round(rate).toLocaleString('en');
  return `${perSecond} calls/s   in the handler p50 ${micros(p50)}, p99 ${micros(p99)}   ${calls.toLocaleString('en')} calls`;
}

/**
 * @param {import('./meter.mjs').Meter} meter
 * @returns {() => void} ends the line
 */
export function showLive(meter, stream = process.stdout) {
  if (!stream.isTTY) return () => {};
  const show = () => stream.write(`\r\u001b[2K${format(meter.read())}`);
  show();
  const timer = setInterval(show, intervalMs);
  return () => {
    clearInterval(timer);
    stream.write('\n');
  };
}
