/** Whether a message is the answer that was wanted. */
import { MetaKey } from '../../../mcp/protocol.js';
import type { LoadOperation } from '../load-plan.js';
import { excerpt } from './message.js';

/** A JSON-RPC message, parsed from latin1 text. */
export interface JsonRpc {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** The message that the text is; undefined where it is none. */
export function parseMessage(text: string): JsonRpc | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return typeof value === 'object' && value !== null && 'jsonrpc' in value ? (value as JsonRpc) : undefined;
}

const acknowledged = 'notifications/subscriptions/acknowledged';

/** The id of the subscription that the message acknowledges; undefined where it does not. */
export function acknowledgedId({ method, params }: JsonRpc): unknown {
  if (method !== acknowledged) return undefined;
  const meta = (params as { _meta?: Record<string, unknown> } | undefined)?._meta;
  return meta?.[MetaKey.SubscriptionId];
}

interface Result {
  readonly isError?: unknown;
  readonly resultType?: unknown;
  readonly content?: unknown;
}

/** What is wrong with an answer; undefined where nothing is. */
export function problemOf(message: JsonRpc): string | undefined {
  // Some servers send both members with one of them null, as JSON-RPC 1.0 had it.
  if (message.error !== undefined && message.error !== null) {
    const { code, message: text } = message.error as { code?: unknown; message?: unknown };
    return `error ${String(code)}: ${excerpt(String(text))}`;
  }
  const result = message.result as Result | null | undefined;
  if (result === undefined) return 'an answer with neither result nor error';
  if (result === null || typeof result !== 'object') return undefined;
  if (result.isError === true) {
    const first = Array.isArray(result.content) ? (result.content[0] as { text?: unknown }) : undefined;
    return `the tool failed: ${excerpt(String(first?.text ?? 'it does not say why'))}`;
  }
  if (result.resultType === 'input_required') return 'the server asks for input, which a load has none of';
  return undefined;
}

interface Shape {
  readonly operation: number;
  readonly length: number;
  readonly head: string;
  readonly tail: string;
}

/** Answers that differ are learned anew this often; then they differ each time, and it is not worth it. */
const maxLessons = 16;

/**
 * Knows answers by their text: one that is like an earlier one but for the id was looked at before. This saves parsing,
 * which costs as much as everything else a generator does.
 */
export class AnswerShapes {
  /** The operation of the message that idOf() knew last. */
  operation = -1;
  readonly #shapes: Shape[] = [];
  readonly #lessons: number[];

  constructor(operations: readonly LoadOperation[]) {
    this.#lessons = operations.map(({ expect }) => (expect === 'any-result' ? maxLessons : 0));
  }

  /** The id in a text of a known shape, -1 in others. */
  idOf(text: string): number {
    for (const shape of this.#shapes) {
      if (text.length !== shape.length || !text.startsWith(shape.head) || !text.endsWith(shape.tail))
        continue;
      const id = Number(text.slice(shape.head.length, text.length - shape.tail.length));
      if (!Number.isInteger(id)) continue;
      this.operation = shape.operation;
      return id;
    }
    return -1;
  }

  /** A good answer to `id`. */
  learn(operation: number, text: string, id: number): void {
    if (this.#lessons[operation] >= maxLessons) return;
    const digits = String(id);
    const at = text.indexOf(digits);
    // Twice: then the rest changes with the id, too.
    if (at < 0 || text.indexOf(digits, at + digits.length) >= 0) return;
    this.#lessons[operation] += 1;
    const shape = {
      operation,
      length: text.length,
      head: text.slice(0, at),
      tail: text.slice(at + digits.length),
    };
    const old = this.#shapes.findIndex((each) => each.operation === operation);
    if (old < 0) this.#shapes.push(shape);
    else this.#shapes[old] = shape;
  }
}
