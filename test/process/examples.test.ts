/** Every example runs to its end and prints what its README says it shows. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Running, root } from './run.js';

const shows: Record<string, RegExp> = {
  'embed-tcp.mjs': /^tcp:.* 2 \+ 3 = 5\nunix:.* 2 \+ 3 = 5\n$/,
  'embed-http.mjs': /^http:.* 2 \+ 3 = 5\nws:.* 2 \+ 3 = 5\nhttp:.*\/tools: 2 \+ 3 = 5\n$/,
  'client.mjs':
    /ringwire-demo speaks 2026-07-28[\s\S]*echo: hello[\s\S]*cancelled: CANCELLED[\s\S]*failed: true/,
  'plain-json-rpc.mjs': /^2\.5\n[\s\S]*Hello client!\n[\s\S]*-32602 division by zero/m,
  'sdk-migration.mjs': /Sunny in Lisbon\./,
  'ring-threads.mjs': /worker: 200000 frames, sha256 [0-9a-f]{16}…\n[\d,]+ frames\/s/,
};

describe('examples', () => {
  it('are all tried here and listed in their README', () => {
    const files = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.mjs'));
    expect(files.sort()).toEqual(Object.keys(shows).sort());
    const readme = readFileSync(join(root, 'examples/README.md'), 'utf8');
    for (const file of files) expect(readme).toContain(`(${file})`);
  });

  it.each(Object.entries(shows))('%s', async (file, pattern) => {
    const { code, stdout, stderr } = await new Running([join(root, 'examples', file)]).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(pattern);
  });
});
