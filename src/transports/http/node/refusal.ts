/** Answers to what never became an exchange, written to the socket itself: node has no response for them. */
import { STATUS_CODES } from 'node:http';
import type { HeaderList } from '../http-server.js';
import type { Connection } from './connection.js';
import type { EngineContext } from './context.js';

/** Answers in the application's form and closes. */
export function refuseSocket(
  context: EngineContext,
  connection: Connection,
  status: number,
  problem: string,
): void {
  const { head, body } = context.application.refusal(status, problem);
  context.counters.refused++;
  const index = ((status / 100) | 0) - 1;
  context.counters.responses[index]++;
  // An answer on its way must not be mixed with another; one that waits for its body gives way.
  const isClean = connection.open.every((exchange) => exchange.giveWay());
  if (isClean) endSocket(connection, status, head, body);
  else connection.socket.destroy();
}

/** Writes an answer that is the connection's last. */
export function endSocket(
  connection: Connection,
  status: number,
  head: HeaderList,
  body: string | Uint8Array,
): void {
  const { socket } = connection;
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  connection.lingerOnClose();
  socket.write(headText(status, head, Buffer.byteLength(body), true));
  socket.write(body);
  socket.destroySoon();
}

/** The head of an HTTP/1.1 answer with a body of so many bytes. */
export function headText(status: number, head: HeaderList, bytes: number, isLast: boolean): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`;
  for (let index = 0; index < head.length; index += 2) text += `${head[index]}: ${head[index + 1]}\r\n`;
  return `${text}content-length: ${bytes}\r\n${isLast ? 'connection: close\r\n' : ''}date: ${new Date().toUTCString()}\r\n\r\n`;
}

/** Answers of these statuses have no body, and say no length (RFC 9110, sections 8.6 and 15). */
export function hasNoBody(status: number): boolean {
  return status === 204 || status === 304 || status < 200;
}
