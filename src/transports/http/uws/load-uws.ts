/** Loads uWebSockets.js where it is installed, or says why not. */

import type * as Uws from 'uWebSockets.js';
import { createRequire } from 'node:module';
import { maxHeaderBytes } from '../../../limits.js';

export type UwsModule = typeof Uws;

export type LoadedUws =
  | {
      readonly uws: UwsModule;
      /** What the head of a request may have, for all listeners of the process. */
      readonly maxHeaderBytes: number;
    }
  | { readonly reason: string };

let loaded: LoadedUws | undefined;

/** Tried once for each process. Its limit of the request's head is read from the environment when it loads. */
export function loadUws(): LoadedUws {
  loaded ??= load();
  return loaded;
}

function load(): LoadedUws {
  process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= String(maxHeaderBytes);
  try {
    const uws = createRequire(import.meta.url)('uWebSockets.js') as UwsModule & { _cfg?(key: string): void };
    // Answers do not name the engine and its version.
    uws._cfg?.('silent');
    return { uws, maxHeaderBytes: Number.parseInt(process.env.UWS_HTTP_MAX_HEADERS_SIZE, 10) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'MODULE_NOT_FOUND' && message.includes("'uWebSockets.js'"))
      return { reason: 'uWebSockets.js is not installed (npm install uWebSockets.js@npm:uwebsockets@3)' };
    return { reason: `uWebSockets.js does not load: ${message.split('\n')[0]}` };
  }
}
