/** One SDK server object for many callers: what becomes of a call whose caller is gone before the server is there. */
import { expect, it } from 'vitest';
import { SdkBridge } from '../../src/mcp/sdk-adapters/sdk-bridge.js';
import type { CallContext } from '../../src/rpc/types.js';

it('gives the server no call that was cancelled before, and keeps nothing of it', () => {
  const bridge = new SdkBridge();
  const heard: unknown[] = [];
  bridge.onmessage = (message) => heard.push(message);
  const reason = new Error('gone');
  const context = { id: '1', signal: AbortSignal.abort(reason) } as CallContext;
  expect(() => bridge.serve('subscriptions/listen', {}, context)).toThrow(reason);
  expect([heard, bridge.inFlight]).toEqual([[], 0]);
});
