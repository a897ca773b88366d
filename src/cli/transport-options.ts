import { maxFrameBytesLimit } from '../limits.js';
import { closestName } from '../transports/option-checks.js';
import type { TransportOptions } from '../transports/transport.js';
import type { OptionValues } from './command.js';
import { integerOption } from './parse-input.js';
import { UsageError } from './usage-error.js';

/** The options of listen() and connect() that the command line offers. */
export const transportOptionSpecs = {
  implementation: {
    type: 'string',
    placeholder: 'NAME',
    description: 'auto (default), native, or twin for the TypeScript transports',
  },
  'max-frame-bytes': {
    type: 'string',
    placeholder: 'BYTES',
    description: 'Largest message, 4194304 by default',
  },
} as const;

const implementations = ['auto', 'native', 'twin'];
const profiles = ['low', 'medium', 'high', 'extreme'];

export const profileOptionSpec = {
  profile: {
    type: 'string',
    placeholder: 'NAME',
    description: 'Socket tuning: low, medium, high or extreme',
  },
} as const;

/** One of a few words, or a UsageError that names them. */
export function wordOption(
  name: string,
  value: string | undefined,
  known: readonly string[],
): string | undefined {
  if (value === undefined || known.includes(value)) return value;
  const near = closestName(value, known);
  throw new UsageError(
    `--${name} must be ${known.slice(0, -1).join(', ')} or ${known[known.length - 1]}, not ${JSON.stringify(value)}.`,
    near === undefined ? undefined : `Did you mean --${name} ${near}?`,
  );
}

export function transportOptions(
  values: OptionValues<typeof transportOptionSpecs> & OptionValues<Partial<typeof profileOptionSpec>>,
): TransportOptions {
  const frameBytes = values['max-frame-bytes'];
  return {
    implementation: wordOption('implementation', values.implementation, implementations) as
      | 'auto'
      | undefined,
    profile: wordOption('profile', values.profile, profiles) as 'low' | undefined,
    ...(frameBytes === undefined
      ? {}
      : { maxFrameBytes: integerOption('max-frame-bytes', frameBytes, 1, 0, maxFrameBytesLimit) }),
  };
}
