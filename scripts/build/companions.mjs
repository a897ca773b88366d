// Keeps the number of chunks small. esbuild makes a chunk for each set of entry points that share code, and every
// `import('…')` is an entry point: a few dozen of them tore what every program loads into fifty files, each of which
// costs a millisecond of the start. A module that is loaded later is therefore told that it is never loaded without
// certain others, so that what they have in common stays in one chunk.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const core = 'src/index.ts';

/** What an HTTP listener or mount always loads, whichever engine serves. */
const httpServer = [
  'src/transports/http/listen.ts',
  'src/transports/http/site.ts',
  'src/mcp/http/application.ts',
  'src/rpc/http/json-rpc-application.ts',
];

/** Modules loaded later or by name, by what is always there when they are. */
const loadedWith = [
  {
    companions: [core, ...httpServer],
    modules: [
      ...httpServer,
      'src/transports/http/uws/listen-uws.ts',
      'src/transports/http/node/listen-node.ts',
      'src/transports/http/node/stdio-http2.ts',
      'src/transports/http/node/mount.ts',
      'src/transports/http/fetch-mount.ts',
    ],
  },
  {
    companions: [core],
    modules: [
      'src/mcp/index.ts',
      'src/workbench/index.ts',
      'src/binding/addon.ts',
      'src/binding/constants.generated.ts',
      'src/buffers/ring-buffer.ts',
      'src/serialization/envelope-scanner.ts',
      'src/rpc/json-text.ts',
      'src/transports/open.ts',
      'src/workbench/servers/server-child.ts',
      'src/workbench/load/javascript/load-child.ts',
      'src/workbench/analyzer/echo-child.ts',
      'src/cli/advise.ts',
      'src/cli/bench.ts',
      'src/cli/call.ts',
      'src/cli/compare.ts',
      'src/workbench/compare/run-comparison.ts',
      'src/cli/profile.ts',
      'src/cli/profile-diff.ts',
      'src/cli/profile-list.ts',
      'src/cli/profile-remove.ts',
      'src/cli/serve.ts',
      'src/cli/tools.ts',
      'src/mcp/http/legacy/lmdb-event-store.ts',
      'src/mcp/http-client/http-transport.ts',
      'src/mcp/sdk-adapters/sdk-http.ts',
      'src/rpc/http/client-transport.ts',
      'src/transports/http/client/child-client.ts',
      'src/transports/http/client/secure-client.ts',
      'src/transports/http/client/undici-client.ts',
      'src/transports/tls.ts',
      'src/transports/websocket/connect.ts',
    ],
  },
];

/** An esbuild plugin. */
export function companions() {
  const byFile = new Map();
  for (const { companions: always, modules } of loadedWith)
    for (const module of modules)
      byFile.set(
        resolve(module),
        always.filter((other) => other !== module).map((other) => resolve(other)),
      );
  return {
    name: 'companions',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const others = byFile.get(path);
        if (others === undefined) return undefined;
        const imports = others.map((other) => `import ${JSON.stringify(other)};`);
        // Behind the code, so that its lines stay where the source map says they are.
        return { contents: `${readFileSync(path, 'utf8')}\n${imports.join('\n')}\n`, loader: 'ts' };
      });
    },
  };
}
