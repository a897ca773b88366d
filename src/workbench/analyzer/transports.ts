/** What the analyzer can analyze. */
import { RingwireError } from '../../errors.js';

export const analyzedTransports = ['stdio', 'tcp', 'unix', 'http', 'ws', 'memory'] as const;
export type AnalyzedTransport = (typeof analyzedTransports)[number];

/** Throws CONFIG_INVALID that names those there are. */
export function checkTransport(value: unknown): AnalyzedTransport {
  if (analyzedTransports.includes(value as AnalyzedTransport)) return value as AnalyzedTransport;
  throw new RingwireError(
    'CONFIG_INVALID',
    `"transport" must be one of ${analyzedTransports.join(', ')}, not ${JSON.stringify(value) ?? String(value)}.`,
  );
}

/** Throws CONFIG_INVALID that names the option. */
export function checkWhole(name: string, value: unknown, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number;
  throw new RingwireError(
    'CONFIG_INVALID',
    `"${name}" must be a whole number from ${least} to ${most}, not ${JSON.stringify(value) ?? String(value)}.`,
  );
}

/** A list of them that is not empty. */
export function checkWholes(
  name: string,
  value: unknown,
  least: number,
  most: number,
): readonly [number, ...number[]] {
  if (!Array.isArray(value) || value.length === 0)
    throw new RingwireError('CONFIG_INVALID', `"${name}" must be a list of numbers that is not empty.`);
  for (const each of value) checkWhole(name, each, least, most);
  return value as [number, ...number[]];
}

/** Bytes of text in one message: what one frame holds, with room for its envelope. */
export const maxMessageBytes = 4 * 1024 * 1024 - 4_096;
