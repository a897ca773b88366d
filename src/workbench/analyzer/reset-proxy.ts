/** Passes TCP connections on, until it is told to reset them. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface ResetProxy {
  /** The address of the server with the proxy's port in it. */
  readonly url: string;
  /** Cuts every connection with RST. */
  reset(): void;
  close(): Promise<void>;
}

export async function startResetProxy(target: string): Promise<ResetProxy> {
  const behind = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((front) => {
    const back = connect({ host: behind.hostname, port: Number(behind.port) });
    for (const [socket, other] of [
      [front, back],
      [back, front],
    ]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
