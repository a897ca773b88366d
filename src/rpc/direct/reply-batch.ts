/** Answers on their way to the native engine: one text and one array of records for all answers of a tick. */
import { ReplyField, ReplyKind } from '../../binding/constants.generated.js';
import type { NativeEngine } from '../../transports/native/engine.js';
import type { Replies } from './call-engine.js';

/** The text is handed over in pieces of at least this many UTF-16 units, so that a tick of large answers stays flat. */
const maxTextUnits = 256 * 1024;

/** A longer answer is handed over part by part, so that it is never copied whole. */
const longAnswerUnits = 1024 * 1024;
const partUnits = 64 * 1024;

export class ReplyBatch implements Replies {
  readonly #engine: NativeEngine;
  readonly #records: Int32Array;
  readonly #capacity: number;
  #count = 0;
  #text = '';
  /** So much was handed over since this was last set to false that a connection may have its fill. */
  isHeavy = false;

  constructor(engine: NativeEngine) {
    this.#engine = engine;
    this.#records = engine.replies;
    this.#capacity = engine.replies.length / ReplyField.Count;
  }

  /** `kind` is a ReplyKind or the number of a template; see there what the text must be. */
  add(slot: number, kind: number, text: string): void {
    if (text.length >= longAnswerUnits) {
      this.#addLong(slot, kind, text);
      return;
    }
    const records = this.#records;
    const base = this.#count * ReplyField.Count;
    records[base + ReplyField.Slot] = slot;
    records[base + ReplyField.Kind] = kind;
    records[base + ReplyField.Units] = text.length;
    this.#text += text;
    if (++this.#count < this.#capacity && this.#text.length < maxTextUnits) return;
    this.isHeavy ||= this.#text.length >= maxTextUnits;
    this.flush();
  }

  /** Gives the slot back without an answer. */
  drop(slot: number): void {
    this.add(slot, ReplyKind.Drop, '');
  }

  #addLong(slot: number, kind: number, text: string): void {
    this.flush();
    this.isHeavy = true;
    const { native } = this.#engine;
    if (!native.beginLongAnswer(slot, kind)) return;
    for (let at = 0; at < text.length; ) {
      let end = at + partUnits;
      // A pair of surrogates is not cut.
      if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end -= 1;
      native.appendLongAnswer(text.slice(at, end));
      at = end;
    }
    native.endLongAnswer();
  }

  flush(): void {
    if (this.#count === 0) return;
    const text = this.#text;
    const count = this.#count;
    this.#text = '';
    this.#count = 0;
    this.#engine.native.reply(text, count);
  }
}
