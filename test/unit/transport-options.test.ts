import { expect, test } from 'vitest';
import * as limits from '../../src/limits.js';
import { resolveOptions } from '../../src/transports/options.js';
import type { TransportOptions } from '../../src/transports/transport.js';

test('defaults come from the limits', () => {
  expect(resolveOptions()).toMatchObject({
    implementation: 'auto',
    framing: 'newline',
    maxFrameBytes: limits.maxFrameBytes,
    highWatermarkBytes: limits.highWatermarkBytes,
    lowWatermarkBytes: limits.lowWatermarkBytes,
    maxConnections: limits.maxConnections,
    connectTimeoutMs: limits.connectTimeoutMs,
  });
  expect(resolveOptions({ highWatermarkBytes: 1000 }).lowWatermarkBytes).toBe(250);
  expect(resolveOptions({ maxFrameBytes: undefined }).maxFrameBytes).toBe(limits.maxFrameBytes);
});

test.each([
  [{ maxFrameBytes: 0 }, '"maxFrameBytes" must be an integer between 1 and 268435456, not 0.'],
  [{ maxFrameBytes: 1.5 }, 'not 1.5'],
  [{ maxFrameBytes: '1' }, 'not "1"'],
  [{ framing: 'lines' }, '"framing" must be one of "newline", "length", not "lines".'],
  [{ implementation: 'rust' }, '"implementation" must be one of "auto", "native", "twin"'],
  [{ lowWatermarkBytes: 5, highWatermarkBytes: 5 }, '"lowWatermarkBytes" (5) must be smaller than'],
  [{ maxFramBytes: 1 }, 'Unknown option "maxFramBytes". Did you mean "maxFrameBytes"?'],
  [{ nodelay: true }, 'Unknown option "nodelay". Known are implementation, framing'],
  [{ socket: { nodelay: true } }, 'Unknown option "socket.nodelay". Did you mean "socket.noDelay"?'],
  [{ socket: { keepAlive: 1 } }, '"socket.keepAlive" must be true or false, not 1.'],
  [{ socket: { congestion: 'no such/one' } }, '"socket.congestion" must be the name of an algorithm'],
  [{ socket: true }, '"socket" must be an object of socket options, not true.'],
  [{ signal: {} }, '"signal" must be an AbortSignal'],
  [{ stderr: 'pipe' }, '"stderr" must be "inherit", "ignore" or a function'],
  [{ toString: 1 }, 'Unknown option "toString"'],
  [[], 'must be an object, not an array'],
  [null, 'must be an object, not null'],
])('%j is refused with what would be right', (options, message) => {
  let caught: unknown;
  try {
    resolveOptions(options as TransportOptions);
  } catch (error) {
    caught = error;
  }
  expect(caught).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) });
});
