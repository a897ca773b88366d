// Adds to package-lock.json the optional packages of other platforms that npm left out because the registry
// it asked did not have them. Without these entries `npm ci` refuses the lock file on every machine; with
// them it skips what is not for its platform. Run after `npm install PACKAGE`; test/unit/lock.test.ts asks for it.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];

/** What a platform package says of itself, read from its name: `@scope/name-linux-x64-musl`. */
function platformOf(name) {
  const parts = name.split('/').at(-1).split('-');
  const libc = parts.some((part) => part.startsWith('musl')) ? 'musl' : 'glibc';
  const os = systems.find((system) => parts.includes(system));
  const cpu = processors.find((processor) => parts.includes(processor));
  if (os === undefined || cpu === undefined)
    throw new Error(`${name}: cannot tell its platform from its name; add its entry by hand`);
  return { cpu: [cpu], ...(os === 'linux' ? { libc: [libc] } : {}), os: [os] };
}

const file = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const lock = JSON.parse(readFileSync(file, 'utf8'));
let added = 0;
for (const [path, { optionalDependencies = {}, dev }] of Object.entries(lock.packages))
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const entry = `node_modules/${name}`;
    if (lock.packages[entry] || lock.packages[`${path}/${entry}`]) continue;
    const { cpu, libc, os } = platformOf(name);
    lock.packages[entry] = {
      version,
      cpu,
      ...(dev ? { dev } : {}),
      ...(libc ? { libc } : {}),
      optional: true,
      os,
    };
    added += 1;
  }
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')),
);
if (added > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} entries added`);
