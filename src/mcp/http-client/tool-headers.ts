/**
 * Arguments of tools that their schemas want mirrored into header fields (2026-07-28, basic/transports/streamable-http,
 * "Custom Headers from Tool Parameters"), learnt from the pages of tools/list.
 */
import { findParamHeaders, type ParamHeader, paramHeadersFor } from '../param-headers.js';

/** Tools with mirrored arguments one client remembers; a server with more is told of those it wants by -32020. */
const maxTools = 10_000;

export class ToolHeaders {
  readonly #headers = new Map<string, readonly ParamHeader[]>();
  readonly #warned = new Set<string>();
  readonly #onWarning: (warning: string) => void;

  constructor(onWarning: (warning: string) => void) {
    this.#onWarning = onWarning;
  }

  /** A result of tools/list without the tools whose annotations are invalid, which the protocol wants left out. */
  learn<Result>(result: Result): Result {
    const { tools } = (result ?? {}) as { tools?: unknown };
    if (!Array.isArray(tools)) return result;
    const kept = tools.filter((tool: { name?: unknown; inputSchema?: unknown } | null) => {
      const name = String(tool?.name);
      const headers = findParamHeaders(tool?.inputSchema);
      if (typeof headers === 'string') {
        this.#headers.delete(name);
        this.#warn(`The tool "${name}" is left out, its inputSchema is invalid: ${headers}.`);
        return false;
      }
      if (headers.length === 0) this.#headers.delete(name);
      else if (this.#headers.size < maxTools) this.#headers.set(name, headers);
      return true;
    });
    return kept.length === tools.length ? result : { ...result, tools: kept };
  }

  /** The header fields of a call; undefined where none are known for the tool. */
  headersOf(tool: unknown, args: unknown): Record<string, string> | undefined {
    const known = this.#headers.get(String(tool));
    if (known === undefined) return undefined;
    const flat = paramHeadersFor(known, args);
    const headers: Record<string, string> = {};
    for (let index = 0; index < flat.length; index += 2) headers[flat[index]] = flat[index + 1];
    return headers;
  }

  /** Once for each text: lists are read again and again. */
  #warn(warning: string): void {
    if (this.#warned.has(warning)) return;
    if (this.#warned.size < maxTools) this.#warned.add(warning);
    this.#onWarning(warning);
  }
}
