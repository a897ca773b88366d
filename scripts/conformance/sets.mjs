// Which scenarios belong to which set: the revisions' own are read from the suite's frozen requirements.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const suiteFolder = dirname(require.resolve('@modelcontextprotocol/conformance/package.json'));

export const suiteProgram = join(suiteFolder, 'dist/index.js');
export const revisions = ['2026-07-28', '2025-11-25'];
export const engines = ['uws', 'node'];

// Scenarios a revision's frozen requirements do not score because they are newer than it, or because the suite's own
// example server fails them.
const extra = {
  server: [
    ['http-header-validation', '2026-07-28'],
    ['http-custom-header-server-validation', '2026-07-28'],
    ['json-schema-2020-12', '2026-07-28'],
    ['json-schema-2020-12', '2025-11-25'],
    ['server-session-lifecycle', '2025-11-25'],
    ['server-sse-polling', '2025-11-25'],
  ],
  client: [
    ['json-schema-2020-12-preservation', '2026-07-28'],
    ['json-schema-2020-12-preservation', '2025-11-25'],
  ],
};

// The client has no authorization yet: the scenarios that need it would test nothing of ours.
const leftOut = /^auth\//;

// The names under `server:` or `client:` of requirements/REVISION.yaml.
function required(side, revision) {
  const lines = readFileSync(join(suiteFolder, `requirements/${revision}.yaml`), 'utf8').split('\n');
  const start = lines.indexOf(`${side}:`);
  const names = [];
  for (const line of lines.slice(start + 1)) {
    const item = /^ {2}- (\S+)$/.exec(line);
    if (item === null) break;
    names.push(item[1]);
  }
  if (start === -1 || names.length === 0)
    throw new Error(`conformance: requirements/${revision}.yaml of the suite has no list "${side}"`);
  return names.filter((name) => !leftOut.test(name)).map((name) => [name, revision]);
}

export const setNames = [...revisions, 'extra'];

// [scenario, revision] pairs.
export function scenariosOf(side, set) {
  return set === 'extra' ? extra[side] : required(side, set);
}
