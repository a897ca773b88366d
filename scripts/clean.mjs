// Removes everything a build makes.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

for (const folder of ['dist', 'build', 'prebuilds', 'native/test/build', 'bench/loadgen/build'])
  rmSync(fileURLToPath(new URL(`../${folder}`, import.meta.url)), { recursive: true, force: true });
