/** Messages of the client that are not answered: notifications, and replies to requests of ours. */
import { EnvelopeField, EnvelopeKind } from '../../../binding/constants.generated.js';
import { asObject, scalarMemberText } from '../../../rpc/json-text.js';
import { idText, methodText, rangeText } from '../../../serialization/envelope.js';
import type { HttpSession } from './http-session.js';

/** `record` is the scan of `frame`, which is borrowed. */
export function deliver(session: HttpSession, frame: Buffer, record: Int32Array): void {
  if (record[EnvelopeField.Kind] !== EnvelopeKind.Notification) {
    session.answer(frame, idText(frame, record), true);
    return;
  }
  const method = methodText(frame, record);
  const params = rangeText(frame, record, EnvelopeField.ParamsStart);
  if (method === 'notifications/cancelled') {
    session.notify(frame, scalarMemberText(params, 'requestId'));
  } else if (method === 'notifications/progress') {
    // Our tokens are the ids of our requests.
    const token = params === '' ? undefined : asObject(JSON.parse(params))?.progressToken;
    session.answer(frame, String(token), false);
  } else {
    session.notify(frame, undefined);
  }
}
