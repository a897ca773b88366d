/** Socket options through the addon: set by profile and by hand, read back from the kernel. */
import { readFileSync } from 'node:fs';
import { setImmediate as immediate } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { addon } from '../../src/binding/addon.js';
import type { NativeConnection } from '../../src/transports/native/connection.js';
import { readSocketOptions, readTcpInfo } from '../../src/transports/native/socket-options.js';
import { connectTransport, listenTransport } from '../../src/transports/open.js';
import type { SocketOptions, TransportOptions } from '../../src/transports/transport.js';
import { tuningProfiles } from '../../src/transports/tuning.js';
import { cleanUp, onCleanUp } from './native-support.js';

afterEach(cleanUp);

interface Pair {
  readonly accepted: NativeConnection;
  readonly connected: NativeConnection;
}

async function pair(options: TransportOptions, listenOptions: TransportOptions = options): Promise<Pair> {
  let onAccepted: (connection: NativeConnection) => void = () => {};
  const accepting = new Promise<NativeConnection>((resolve) => {
    onAccepted = resolve;
  });
  const listener = await listenTransport(
    'tcp://127.0.0.1:0',
    { ...listenOptions, implementation: 'native' },
    (transport) => {
      // Echoes, so that there is a round trip to measure.
      transport.start({ onFrame: (frame) => void transport.send(frame), onClose: () => {} });
      onAccepted(transport as NativeConnection);
    },
  );
  onCleanUp(() => listener.close());
  const connected = await connectTransport(listener.url, { ...options, implementation: 'native' });
  onCleanUp(async () => connected.destroy());
  const accepted = await accepting;
  onCleanUp(async () => accepted.destroy());
  return { accepted, connected: connected as NativeConnection };
}

const systemLimit = (name: string): number => Number(readFileSync(`/proc/sys/net/core/${name}`, 'utf8'));

/** What the kernel makes of a buffer size: at most the system's limit, and twice that for its own book-keeping. */
function grantedBytes(name: 'sendBufferBytes' | 'receiveBufferBytes', bytes: number): number {
  return 2 * Math.min(bytes, systemLimit(name === 'sendBufferBytes' ? 'wmem_max' : 'rmem_max'));
}

describe.runIf(process.platform === 'linux' && addon() !== undefined)('socket options over TCP', () => {
  test.each(['low', 'medium', 'high', 'extreme'] as const)('profile %s, on both ends', async (profile) => {
    const { accepted, connected } = await pair({ profile });
    const wanted = tuningProfiles[profile];
    for (const connection of [accepted, connected]) {
      // What a profile cannot have is passed over in silence: nobody asked for it by name.
      expect(connection.notGranted).toEqual([]);
      const granted = readSocketOptions(connection.fd);
      for (const [name, value] of Object.entries(wanted) as [keyof SocketOptions, unknown][]) {
        if (name === 'sendBufferBytes' || name === 'receiveBufferBytes') {
          expect(granted[name], name).toBe(grantedBytes(name, value as number));
        } else if (name === 'busyPollMicroseconds') {
          // More than the system's own value takes rights that a test may not have.
          expect([0, value], name).toContain(granted[name] ?? 0);
        } else if (name !== 'quickAck') {
          // The kernel takes TCP_QUICKACK back as it sees fit.
          expect(granted[name], name).toBe(value);
        }
      }
    }
  });

  test('without a profile only what the engine sets itself: no delay', async () => {
    const { accepted, connected } = await pair({});
    for (const connection of [accepted, connected]) {
      expect(connection.notGranted).toEqual([]);
      expect(readSocketOptions(connection.fd)).toMatchObject({ noDelay: true, keepAlive: false });
    }
  });

  test('options beside a profile win over it', async () => {
    const socket = { noDelay: false, keepAliveIdleSeconds: 77, congestion: 'reno' };
    const { connected } = await pair({ profile: 'high', socket });
    expect(connected.notGranted).toEqual([]);
    expect(readSocketOptions(connected.fd)).toMatchObject({ ...socket, keepAliveProbes: 3 });
  });

  test('what was asked for and not granted is named', async () => {
    const { accepted, connected } = await pair({
      socket: { congestion: 'no_such_thing', keepAlive: true, keepAliveProbes: 4 },
    });
    for (const connection of [accepted, connected]) {
      expect(connection.notGranted).toEqual(['congestion']);
      expect(readSocketOptions(connection.fd)).toMatchObject({ keepAlive: true, keepAliveProbes: 4 });
    }
    const { connected: polling } = await pair({ socket: { busyPollMicroseconds: 1_000_000 } }, {});
    const granted = readSocketOptions(polling.fd).busyPollMicroseconds;
    expect(polling.notGranted).toEqual(granted === 1_000_000 ? [] : ['busyPollMicroseconds']);
  });

  test('two listeners share a port where both ask for it', async () => {
    const listen = (url: string, socket: SocketOptions) =>
      listenTransport(url, { implementation: 'native', socket }, (transport) => void transport.close());
    const first = await listen('tcp://127.0.0.1:0', { reusePort: true });
    onCleanUp(() => first.close());
    await expect(listen(first.url, {})).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
    const second = await listen(first.url, { reusePort: true });
    await second.close();
  });

  test('the kernel measures the connection', async () => {
    const { connected } = await pair({});
    const echoed = new Promise<void>((resolve) => {
      connected.start({ onFrame: () => resolve(), onClose: () => {} });
    });
    connected.send('there and back');
    await echoed;
    const info = readTcpInfo(connected.fd)!;
    expect(info.rttMicroseconds).toBeGreaterThan(0);
    expect(info.rttMicroseconds).toBeLessThan(10_000_000);
    expect(info.sendWindowSegments).toBeGreaterThan(0);
    expect(info.maximumSegmentBytes).toBeGreaterThan(500);
    expect(info).toMatchObject({ retransmits: 0, lostSegments: 0 });
  });

  test('a connection that is gone has no options, and a Unix socket no TCP ones', async () => {
    const { connected } = await pair({});
    connected.start({ onFrame: () => {}, onClose: () => {} });
    await connected.close();
    expect(connected.fd).toBe(-1);
    expect(readSocketOptions(-1)).toEqual({});
    expect(readTcpInfo(-1)).toBeUndefined();
    const [left, right] = addon()!.socketPair() as [number, number];
    const { native } = (await pair({})).connected.engine;
    const index = native.openFds(left, right, Int32Array.of(0, 1024, 1024, 0));
    const generation = native.generation(index);
    const options = readSocketOptions(native.connectionFd(index, generation));
    expect(options.sendBufferBytes).toBeGreaterThan(0);
    expect(options.noDelay).toBeUndefined();
    expect(readTcpInfo(native.connectionFd(index, generation))).toBeUndefined();
    native.destroy(index, generation, 0);
    while (native.generation(index) === generation) await immediate();
  });

  test('a transport tells what was granted and measured, until it is gone', async () => {
    const { accepted, connected } = await pair({ profile: 'high' });
    const measured = new Promise<void>((resolve) => {
      connected.start({ onFrame: () => resolve(), onClose: () => {} });
    });
    connected.send('ping');
    await measured;
    expect(connected.grantedSocketOptions).toMatchObject({ noDelay: true, keepAlive: true });
    // Linux grants twice what is asked for, within net.core.wmem_max.
    expect(connected.grantedSocketOptions?.sendBufferBytes).toBeGreaterThan(0);
    expect(connected.tcpInfo?.rttMicroseconds).toBeGreaterThan(0);
    await connected.close();
    expect(connected.grantedSocketOptions).toBeUndefined();
    expect(connected.tcpInfo).toBeUndefined();
    accepted.destroy();
  });
});
