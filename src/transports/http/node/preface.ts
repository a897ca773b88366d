/** Finds out which protocol a connection without TLS speaks, from the first bytes its client sends. */
import type { Socket } from 'node:net';

/** RFC 9113, section 3.4; "PRI" is no method of HTTP/1. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Calls back once, with the bytes put back for whoever reads next. Never, where the client sends nothing. */
export function whenDecided(socket: Socket, decided: (isHttp2: boolean) => void): void {
  // Put back only at the end: a stream announces what is put back, and a slow client would keep us reading it.
  let held: Buffer | undefined;
  const onReadable = (): void => {
    const read = socket.read() as Buffer | null;
    if (read === null) return;
    held = held === undefined ? read : Buffer.concat([held, read]);
    const length = Math.min(held.length, preface.length);
    const isSame = preface.compare(held, 0, length, 0, length) === 0;
    if (!isSame || length === preface.length) decide(isSame);
  };
  const decide = (isHttp2: boolean): void => {
    socket.removeListener('readable', onReadable);
    socket.removeListener('end', onEnd);
    if (held !== undefined) socket.unshift(held);
    decided(isHttp2);
  };
  // It ended without a request.
  const onEnd = (): void => {
    socket.removeListener('readable', onReadable);
    socket.destroy();
  };
  socket.on('readable', onReadable);
  socket.once('end', onEnd);
}
