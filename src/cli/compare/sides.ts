/** What A and B of a comparison are: addresses, commands, or files of results. */
import { parseConnectEndpoint } from '../../transports/endpoint.js';
import type { LoadTarget } from '../../workbench/load/load-plan.js';
import type { targetOptionSpecs } from '../bench/options.js';
import type { OptionValues } from '../command.js';
import { httpClientOptions } from '../http-options.js';
import { UsageError } from '../usage-error.js';

/**
 * The words of a command, as a shell would part them: by spaces, with quotes around what holds some and a backslash
 * before a character that means itself. Variables and patterns mean nothing here. Throws UsageError at an open quote.
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '\\' && quote !== "'" && at + 1 < text.length) {
      at += 1;
      word = (word ?? '') + text[at];
    } else if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else word = (word ?? '') + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + character;
  }
  if (quote !== undefined) throw new UsageError(`A quote ${quote} is left open in ${JSON.stringify(text)}.`);
  return word === undefined ? words : [...words, word];
}

export const isResultsFile = (word: string): boolean => /\.jsonl$/i.test(word);

const isAddress = (word: string): boolean => /^[a-z][a-z0-9+.-]*:(?!\\)\S*$/i.test(word);

/** Options of addresses that this side may have; a command has none of them. */
export function sideTarget(word: string, values: OptionValues<typeof targetOptionSpecs>): LoadTarget {
  if (!isAddress(word)) {
    const command = splitWords(word);
    if (command.length === 0) throw new UsageError('A side of a comparison is empty.');
    return { command };
  }
  const { kind } = parseConnectEndpoint(word);
  const isWeb = kind === 'http' || kind === 'ws';
  const headers = isWeb ? httpClientOptions({ header: values.header }).httpClient?.headers : undefined;
  return {
    url: word,
    ...(values.http2 === true && kind === 'http' ? { http2: true } : {}),
    ...(values.insecure === true ? { insecure: true } : {}),
    ...(headers === undefined ? {} : { headers: headers as Record<string, string> }),
  };
}
