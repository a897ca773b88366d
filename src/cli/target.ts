import { type ChildCommand, parseConnectEndpoint } from '../transports/endpoint.js';
import { UsageError } from './usage-error.js';

/**
 * What to connect to: URL as given, or the command after `--` where URL is `stdio:`. Checked here, so that a wrong
 * address ends with the usage code before anything is started.
 */
export function connectTarget(
  command: string,
  url: string | undefined,
  rest: readonly string[],
): string | ChildCommand {
  if (url === undefined) {
    throw new UsageError(
      `ringwire ${command} needs an address.`,
      'For instance http://127.0.0.1:8080/mcp, tcp://127.0.0.1:4000, or stdio: with -- COMMAND.',
    );
  }
  if (url === 'stdio:') {
    const [program, ...args] = rest;
    if (program === undefined) {
      throw new UsageError(
        'stdio: needs the command to start.',
        `For instance ringwire ${command} stdio: … -- node server.mjs`,
      );
    }
    return { command: program, args };
  }
  if (rest.length > 0) {
    throw new UsageError(`A command after -- goes with the address stdio:, not with ${JSON.stringify(url)}.`);
  }
  parseConnectEndpoint(url);
  return url;
}
