/**
 * Values of MCP's request headers, which repeat what the body says so that intermediaries can route without reading
 * it. What a header cannot carry plainly travels as Base64. Source: 2026-07-28, basic/transports/streamable-http,
 * "Value Encoding".
 */
import { isUtf8 } from 'node:buffer';

const prefix = '=?base64?';
const suffix = '?=';

/** Visible ASCII, spaces and tabs. */
const plain = /^[\t\x20-\x7e]*$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function isEncoded(value: string): boolean {
  return value.length >= prefix.length + suffix.length && value.startsWith(prefix) && value.endsWith(suffix);
}

/** The value for a header: as it is where a header can carry it, else encoded. */
export function encodeHeaderValue(value: string): string {
  if (plain.test(value) && trimHeaderValue(value) === value && !isEncoded(value)) return value;
  return `${prefix}${Buffer.from(value).toString('base64')}${suffix}`;
}

/** The value a header stands for; undefined where it holds characters it may not hold, or Base64 that is not UTF-8 text. */
export function decodeHeaderValue(header: string): string | undefined {
  const value = trimHeaderValue(header);
  if (!isEncoded(value)) return plain.test(value) ? value : undefined;
  const inside = value.slice(prefix.length, -suffix.length);
  if (!base64.test(inside)) return undefined;
  const bytes = Buffer.from(inside, 'base64');
  return isUtf8(bytes) ? bytes.toString() : undefined;
}

/** Without the white space around it, which is no part of a field's value (RFC 9110, section 5.5). */
export function trimHeaderValue(header: string): string {
  // No regular expression: one that looks for white space at the end tries at each run inside, again and again.
  let start = 0;
  let end = header.length;
  while (start < end && isBlank(header.charCodeAt(start))) start += 1;
  while (end > start && isBlank(header.charCodeAt(end - 1))) end -= 1;
  return header.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
