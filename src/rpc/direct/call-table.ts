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

const noRoutes: readonly MessageRoute[] = [];

export class CallTable {
  /** By method, then by key; '' matches every key that nothing else matches. */
  readonly #methods = new Map<string, Map<string, MessageRoute[]>>();
  readonly templates: Template[] = [];
  #profiles: Profile[] = [];

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
    const rest = `,"result":${reply}}`;
    const route: MessageRoute = { code, profiles, target, wantsArguments, keyIsUri, rest };
    let keys = this.#methods.get(method);
    if (keys === undefined) {
      keys = new Map();
      this.#methods.set(method, keys);
    }
    const others = (keys.get(key) ?? noRoutes).filter((present) => present.profiles !== profiles);
    keys.set(key, [...others, route]);
  }

  removeRoute(method: string, key: string): boolean {
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
    const number = this.templates.push({ before: `,"result":${before}`, after: `${after}}` }) - 1;
    return number + ReplyKind.FirstTemplate;
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
    const keys = this.#methods.get(method);
    if (keys === undefined) return undefined;
    const keyed = key === '' ? undefined : keys.get(key);
    for (const route of keyed ?? keys.get('') ?? noRoutes) {
      if (keyed !== undefined && route.keyIsUri !== keyIsUri) continue;
      if (((route.profiles >> profile) & 1) !== 0) return route;
    }
    return undefined;
  }
}
