/** The route table of MessageEngine: what RouteTable of the native engine decides, in TypeScript. */
import { ReplyKind, RouteCode } from '../../binding/constants.generated.js';

export interface MessageRoute {
  readonly code: number;
  /** Bits by profile number. */
  readonly profiles: number;
  /** The handler's number. */
  readonly target: number;
  readonly wantsArguments: boolean;
  readonly keyIsUri: boolean;
  /** What follows the id in the answer of a Reply route. */
  readonly rest: string;
}

/** The routes of one method and key, which profiles tell apart. */
interface Entry {
  readonly method: string;
  readonly key: string;
  routes: readonly MessageRoute[];
}

interface Template {
  readonly before: string;
  readonly after: string;
}

interface Profile {
  readonly flagsMask: number;
  readonly flagsValue: number;
  readonly connectionMask: number;
  readonly connectionValue: number;
}

export class CallTable {
  /** By method, then by key; '' matches every key that nothing else matches. */
  readonly #methods = new Map<string, Map<string, Entry>>();
  readonly templates: Template[] = [];
  #profiles: Profile[] = [];
  /** What the last request found: the next one often asks for the same. Reset by every change. */
  #last: Entry | undefined;

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
    if (code === RouteCode.Forward) throw new TypeError('Messages are not forwarded');
    this.#last = undefined;
    const rest = `,"result":${reply}}`;
    const route: MessageRoute = { code, profiles, target, wantsArguments, keyIsUri, rest };
    let keys = this.#methods.get(method);
    if (keys === undefined) {
      keys = new Map();
      this.#methods.set(method, keys);
    }
    const others = keys.get(key)?.routes.filter((present) => present.profiles !== profiles) ?? [];
    keys.set(key, { method, key, routes: [...others, route] });
  }

  removeRoute(method: string, key: string): boolean {
    this.#last = undefined;
    return this.#methods.get(method)?.delete(key) ?? false;
  }

  setProfiles(fields: Int32Array): void {
    this.#profiles = [];
    for (let at = 0; at < fields.length; at += 4) {
      const [flagsMask, flagsValue, connectionMask, connectionValue] = fields.subarray(at, at + 4);
      this.#profiles.push({ flagsMask, flagsValue, connectionMask, connectionValue });
    }
  }

  addTemplate(before: string, after: string): number {
    if (!before.endsWith('"') || !after.startsWith('"'))
      throw new TypeError('A template is cut inside a string');
    // JSON.stringify() brings the quotes.
    const parts = { before: `,"result":${before.slice(0, -1)}`, after: `${after.slice(1)}}` };
    return this.templates.push(parts) - 1 + ReplyKind.FirstTemplate;
  }

  /** The number of the first profile that a request with these flags matches; -1 where none does. */
  profileOf(flags: number, connectionFlags: number): number {
    const profiles = this.#profiles;
    for (let number = 0; number < profiles.length; number += 1) {
      const profile = profiles[number];
      if (
        (flags & profile.flagsMask) === profile.flagsValue &&
        (connectionFlags & profile.connectionMask) === profile.connectionValue
      )
        return number;
    }
    return -1;
  }

  /** `key` is params.name or params.uri, '' where there is neither. */
  find(method: string, key: string, keyIsUri: boolean, profile: number): MessageRoute | undefined {
    let entry = this.#last;
    if (entry === undefined || method !== entry.method || key !== entry.key) {
      const keys = this.#methods.get(method);
      entry = (key === '' ? undefined : keys?.get(key)) ?? keys?.get('');
      this.#last = entry;
      if (entry === undefined) return undefined;
    }
    for (const route of entry.routes) {
      if (entry.key !== '' && route.keyIsUri !== keyIsUri) continue;
      if (((route.profiles >> profile) & 1) !== 0) return route;
    }
    return undefined;
  }
}
