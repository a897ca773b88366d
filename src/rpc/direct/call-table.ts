/** The routes of a MessageEngine: what is native is told here, and what JavaScript answers with is kept. */
import { ReplyKind, RouteCode } from '../../binding/constants.generated.js';
import type { NativeMessageBatch } from '../../binding/native.js';

interface Template {
  readonly before: string;
  readonly after: string;
}

export class CallTable {
  readonly templates: Template[] = [];
  /** What follows the id in the answers of Reply routes, by their numbers. */
  readonly rests: string[] = [];
  readonly #batch: NativeMessageBatch;
  /** Numbers of Reply routes, so that one that is set again takes its old number. */
  readonly #numbers = new Map<string, number>();

  constructor(batch: NativeMessageBatch) {
    this.#batch = batch;
  }

  setRoute(
    method: string,
    key: string,
    code: number,
    profiles: number,
    target: number,
    _targetGeneration: number,
    wantsArguments: boolean,
    keyIsUri: boolean,
    reply: string,
  ): void {
    let number = target;
    if (code === RouteCode.Reply) {
      const name = `${profiles} ${method} ${key}`;
      number = this.#numbers.get(name) ?? this.rests.length;
      this.#numbers.set(name, number);
      this.rests[number] = `,"result":${reply}}`;
    }
    this.#batch.setRoute(method, key, code, profiles, number, wantsArguments, keyIsUri);
  }

  removeRoute(method: string, key: string): boolean {
    return this.#batch.removeRoute(method, key);
  }

  setProfiles(profiles: Int32Array): void {
    this.#batch.setProfiles(profiles);
  }

  addTemplate(before: string, after: string): number {
    if (!before.endsWith('"') || !after.startsWith('"'))
      throw new TypeError('A template is cut inside a string');
    // JSON.stringify() brings the quotes.
    const parts = { before: `,"result":${before.slice(0, -1)}`, after: `${after.slice(1)}}` };
    return this.templates.push(parts) - 1 + ReplyKind.FirstTemplate;
  }
}
