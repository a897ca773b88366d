/** What a server lets the native engine route. */
import { EnvelopeFlag } from '../../binding/constants.generated.js';
import type { Dispatcher } from '../dispatcher.js';
import { type DirectServer, type RequestProfile, writeJson } from './direct-server.js';

export interface DirectRoutes {
  readonly profiles: readonly RequestProfile[];
  /** Sets the routes, and keeps them in step with what the server offers from then on. */
  install(direct: DirectServer): void;
}

/** Any request but those whose handler may report progress, which the generic path prepares. */
const anyRequest: RequestProfile = {
  flagsMask: EnvelopeFlag.HasProgressToken,
  flagsValue: 0,
  connectionMask: 0,
  connectionValue: 0,
};

/** Every method of a dispatcher. A method that is taken away is refused by the dispatcher itself. */
export function methodRoutes(dispatcher: Dispatcher): DirectRoutes {
  return {
    profiles: [anyRequest],
    install(direct) {
      const add = (method: string): void =>
        direct.handle({ method, profiles: 1 }, 'params', {
          method,
          serve: (params, call) => dispatcher.dispatch(method, params, call),
          write: writeJson,
        });
      for (const method of dispatcher.methods()) add(method);
      dispatcher.onMethod(add);
    },
  };
}
