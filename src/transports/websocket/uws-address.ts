/** Names a peer for people. */
import type { PeerInfo } from '../transport.js';

export function addressOf(peer: PeerInfo): string {
  return peer.address ?? 'The peer';
}
