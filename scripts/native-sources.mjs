// Prints the C++ sources of the addon for binding.gyp: every .cc file below native/src.
import { readdirSync } from 'node:fs';

for (const entry of readdirSync('native/src', { recursive: true }).sort()) {
  const file = entry.replaceAll('\\', '/');
  if (file.endsWith('.cc')) console.log(`native/src/${file}`);
}
