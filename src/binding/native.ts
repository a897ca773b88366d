/** The types of everything the addon exports; test/unit/binding.test.ts compares the names with the binary. */

export interface BuildInfo {
  /** The simdjson kernel chosen for this CPU, for instance 'haswell' or 'icelake'. */
  readonly simd: string;
  readonly simdSupported: readonly string[];
  readonly simdjson: string;
  /** The Node-API version the binary asks for. */
  readonly napi: number;
  readonly compiler?: string;
  readonly sanitizer?: string;
}

export interface Addon {
  buildInfo(): BuildInfo;
}

/** The names above as values, for the test that compares them with the binary. */
export const addonExports = ['buildInfo'] as const satisfies readonly (keyof Addon)[];
