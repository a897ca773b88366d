import { addon, loadReport, platformKey } from '../../binding/addon.js';
import { broken, couldBeBetter, type Finding, ok } from './check.js';

/** The oldest Node.js that package.json admits. */
const minimumNodeMajor = 20;
/** NAPI_VERSION the addon is built for. */
const minimumNapi = 9;

/** Node.js, Node-API, the C library and the addon. */
export function runtimeFindings(): Finding[] {
  return [node(), napi(), platform(), addonFinding(), ...simd()];
}

function node(): Finding {
  const major = Number.parseInt(process.versions.node, 10);
  const found = `Node.js ${process.versions.node}`;
  if (major >= minimumNodeMajor) return ok('node', found);
  return broken(
    'node',
    `${found}, ${minimumNodeMajor} or newer is required`,
    `npx -p node@22 ringwire doctor`,
  );
}

function napi(): Finding {
  const version = Number(process.versions.napi);
  if (version >= minimumNapi) return ok('node-api', `version ${version}`);
  return broken(
    'node-api',
    `version ${version}, the addon needs ${minimumNapi}`,
    'install Node.js 20 or newer',
  );
}

function platform(): Finding {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  const glibc = report?.header?.glibcVersionRuntime;
  const libc = process.platform === 'linux' ? `, ${glibc === undefined ? 'musl' : `glibc ${glibc}`}` : '';
  return ok('platform', `${platformKey()}${libc}`);
}

function addonFinding(): Finding {
  const { loaded, path, attempts, summary } = loadReport();
  if (loaded) return ok('addon', `loaded from ${path}`);
  if (process.env.RINGWIRE_NO_ADDON === '1')
    return couldBeBetter('addon', summary, 'unset RINGWIRE_NO_ADDON');
  const unloadable = attempts.find(({ problem }) => problem !== 'no such file');
  if (unloadable !== undefined) {
    return broken(
      'addon',
      `${unloadable.path} cannot be loaded: ${unloadable.problem}`,
      unloadable.path.includes('prebuilds')
        ? 'npm install --force ringwire'
        : 'npm run clean && npm run build',
    );
  }
  return couldBeBetter(
    'addon',
    `no binary for ${platformKey()}; TypeScript serves, slower`,
    'npm run build   (in a clone, with a C++17 compiler)',
  );
}

function simd(): Finding[] {
  const loaded = addon();
  if (loaded === undefined) return [];
  const { simd: kernel, simdSupported } = loaded.buildInfo();
  const found = `${kernel} in use; this CPU supports ${simdSupported.join(', ')}`;
  if (kernel !== 'fallback') return [ok('simd', found)];
  return [couldBeBetter('simd', found, 'run on a CPU with SSE4.2, AVX2 or NEON')];
}
