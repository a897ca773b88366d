/**
 * Ids of events: the session's tag, the stream's number and the event's sequence number, the numbers in base 36. They
 * are unique in the session, name their stream, and those of another session are told apart.
 */
import { createHash } from 'node:crypto';

const pattern = /^([\w-]{8})\.([0-9a-z]{1,8})\.([0-9a-z]{1,10})$/;

/** What event ids of a session begin with. Tells nothing of the session's id. */
export function sessionTag(sessionId: string): string {
  return createHash('sha256').update(sessionId).digest('base64url').slice(0, 8);
}

export function eventId(tag: string, streamId: number, sequence: number): string {
  return `${tag}.${streamId.toString(36)}.${sequence.toString(36)}`;
}

/** undefined for an id that this session did not give. */
export function parseEventId(
  id: string,
  tag: string,
): { readonly streamId: number; readonly sequence: number } | undefined {
  const match = pattern.exec(id);
  if (match === null || match[1] !== tag) return undefined;
  return { streamId: Number.parseInt(match[2], 36), sequence: Number.parseInt(match[3], 36) };
}
