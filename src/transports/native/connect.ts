/** Connecting TCP and Unix sockets with the native engine. */
import { RingwireError } from '../../errors.js';
import { formatEndpoint, type TcpEndpoint, type UnixEndpoint } from '../endpoint.js';
import type { ResolvedOptions } from '../options.js';
import { aborted, connectError } from '../system-errors.js';
import type { Transport } from '../transport.js';
import { NativeConnection } from './connection.js';
import type { NativeEngine } from './engine.js';
import { addressOf } from './listener.js';
import { packOptions } from './pack-options.js';
import { applySocketOptions } from './socket-options.js';
import { connectFailure } from './status.js';

export async function connectNative(
  engine: NativeEngine,
  endpoint: TcpEndpoint | UnixEndpoint,
  options: ResolvedOptions,
): Promise<Transport> {
  const url = formatEndpoint(endpoint);
  const { signal } = options;
  if (signal?.aborted) throw aborted(`Connecting to ${url}`, signal);
  const packed = packOptions(options);
  const host =
    endpoint.kind === 'tcp' ? await addressOf(endpoint.host, (error) => connectError(error, url)) : '';
  if (signal?.aborted) throw aborted(`Connecting to ${url}`, signal);
  const index =
    endpoint.kind === 'unix'
      ? engine.native.connectUnix(endpoint.path, packed)
      : engine.native.connectTcp(host, endpoint.port, packed);
  if (index < 0) throw connectFailure(index, url);
  const generation = engine.native.generation(index);
  await connected(engine, index, generation, url, options);
  return new NativeConnection({
    engine,
    index,
    generation,
    kind: endpoint.kind,
    url,
    options,
    notGranted: applySocketOptions(engine.native.connectionFd(index, generation), endpoint.kind, options),
  });
}

/** Resolves when the socket is connected; otherwise destroys it and rejects with what went wrong. */
function connected(
  engine: NativeEngine,
  index: number,
  generation: number,
  url: string,
  { signal, connectTimeoutMs }: ResolvedOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: RingwireError): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      engine.connecting.delete(generation);
      if (error === undefined) {
        resolve();
        return;
      }
      engine.native.destroy(index, generation, 0);
      reject(error);
    };
    const onAbort = (): void => settle(aborted(`Connecting to ${url}`, signal!));
    const timer = setTimeout(() => {
      const text = `${url} did not accept a connection within connectTimeoutMs (${connectTimeoutMs}).`;
      settle(new RingwireError('DEADLINE_EXCEEDED', text));
    }, connectTimeoutMs);
    engine.connecting.set(generation, (status) =>
      settle(status === 0 ? undefined : connectFailure(status, url)),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
