/** Plain JSON-RPC 2.0 by POST and WebSocket. */
import { RingwireError } from '../../errors.js';
import type { ServerApplication } from '../../transports/http/http-server.js';
import type { ResolvedOptions } from '../../transports/options.js';
import type { RpcServer } from '../server.js';

export function jsonRpcApplication(_server: RpcServer, _options: ResolvedOptions): ServerApplication {
  throw new RingwireError('ADDRESS_INVALID', 'not written yet');
}
