// Writes native/src/base/constants.generated.h and src/binding/constants.generated.ts from
// native/constants.json, so that a number both languages read exists once.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const path = (relative) => fileURLToPath(new URL(relative, root));

/** Writes only when the text differs, so that make does not rebuild the addon for nothing. */
function writeIfChanged(file, text) {
  let before = '';
  try {
    before = readFileSync(file, 'utf8');
  } catch {
    // First build: the file does not exist yet.
  }
  if (before !== text) writeFileSync(file, text);
}

export function generateConstants() {
  const { groups } = JSON.parse(readFileSync(path('native/constants.json'), 'utf8'));
  const note = 'Generated from native/constants.json by scripts/generate-constants.mjs. Do not edit.';

  const cpp = ['#pragma once', `// ${note}`, '#include <cstdint>', '', 'namespace ringwire {', ''];
  const ts = [`// ${note}`, ''];
  for (const [name, { doc, values }] of Object.entries(groups)) {
    cpp.push(`/** ${doc} */`, `namespace ${name} {`);
    ts.push(`/** ${doc} */`, `export const ${name} = {`);
    for (const [key, raw] of Object.entries(values)) {
      const [value, about] = Array.isArray(raw) ? raw : [raw, undefined];
      if (about) {
        cpp.push(`/** ${about} */`);
        ts.push(`  /** ${about} */`);
      }
      cpp.push(`constexpr int32_t k${key} = ${value};`);
      ts.push(`  ${key}: ${value},`);
    }
    cpp.push(`}  // namespace ${name}`, '');
    ts.push('} as const;', '');
  }
  cpp.push('}  // namespace ringwire', '');

  writeIfChanged(path('native/src/base/constants.generated.h'), cpp.join('\n'));
  writeIfChanged(path('src/binding/constants.generated.ts'), ts.join('\n'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) generateConstants();
