/** MCP over HTTP: finds out which era a request is of, and answers it. */
import { RingwireError } from '../../errors.js';
import type { ServerApplication } from '../../transports/http/http-server.js';
import type { ResolvedOptions } from '../../transports/options.js';
import type { McpServer } from '../server.js';

export function mcpApplication(_server: McpServer, _options: ResolvedOptions): ServerApplication {
  throw new RingwireError('ADDRESS_INVALID', 'not written yet');
}
