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
  connection.isRefused = true;
  const { open } = connection;
  // Requests before it are answered first, and the connection ends behind the last of them.
  if (open.length > 0 && open.every((exchange) => exchange.isWhole)) return;
  // The one whose body it was in gives way, unless its answer is on its way: two must not be mixed.
  if (open.length > 1 || open[0]?.giveWay() === false) connection.socket.destroy();
  else endSocket(connection, status, head, body);
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
