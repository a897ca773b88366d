/** How long and how often an HTTP client waits, asks again and gives up. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { HttpError, RingwireError } from '../../src/errors.js';
import { Exchange } from '../../src/mcp/http-client/exchange.js';
import { MessageScanner } from '../../src/mcp/http-client/message.js';
import { ServerStream } from '../../src/mcp/http-client/server-stream.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const reset = new RingwireError('CONNECTION_RESET', 'cut');
const minute = 60_000;

function serverStream() {
  const seen = { opened: 0, gone: 0 };
  const stream = new ServerStream({
    listen: () => {
      seen.opened += 1;
      return { abort: () => {} };
    },
    onServerFrame: () => {},
    onSessionGone: () => {
      seen.gone += 1;
    },
  });
  return { stream, seen };
}

it('a server that cannot be had is asked less and less, however short the time it once named', async () => {
  const { stream, seen } = serverStream();
  stream.onOpen(200, {}, true);
  stream.onRetry(0);
  for (let elapsed = 0, opened = 0; elapsed < 10 * minute; elapsed += 50) {
    if (seen.opened > opened) stream.onFail(reset);
    opened = seen.opened;
    await vi.advanceTimersByTimeAsync(50);
  }
  expect(seen.opened).toBeGreaterThan(10);
  expect(seen.opened).toBeLessThan(40);
  stream.close();
});

it('a server cannot have its stream asked for without a pause', async () => {
  const { stream, seen } = serverStream();
  for (let elapsed = 0, opened = 0; elapsed < 10_000; elapsed += 1) {
    if (seen.opened > opened) {
      stream.onOpen(200, {}, true);
      stream.onRetry(0);
      stream.onEventId('1');
      stream.onEnd();
    }
    opened = seen.opened;
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(seen.opened).toBeLessThanOrEqual(101);
  stream.close();
});

it('a session is gone where 404 answers a stream that there was', () => {
  const notFound = new HttpError('HTTP_STATUS', 'no', { status: 404 });
  const never = serverStream();
  never.stream.onRefused(notFound);
  expect(never.seen).toEqual({ opened: 1, gone: 0 });
  const once = serverStream();
  once.stream.onOpen(200, {}, true);
  once.stream.onRefused(notFound);
  expect(once.seen.gone).toBe(1);
});

it('a notification that no server takes is given up', async () => {
  const ends: unknown[] = [];
  const abort = vi.fn();
  const text = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
  const exchange = new Exchange(
    {
      url: 'http://server',
      transmit: () => ({ abort }),
      scan: () => undefined,
      deliver: () => {},
      report: () => {},
      opened: () => {},
      ended: (_exchange, error) => ends.push(error),
    },
    new MessageScanner().scanOwn(text),
    { version: '', isResumable: false, answeredElsewhere: false },
  );
  exchange.start();
  exchange.onOpen(200, {}, true);
  await vi.advanceTimersByTimeAsync(10 * minute);
  expect(abort).toHaveBeenCalledTimes(1);
  expect(ends).toMatchObject([{ code: 'DEADLINE_EXCEEDED' }]);
});
