// Where this machine keeps what a build needs, and what its binaries are called.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** True on a Linux whose C library is not glibc. */
function isMusl() {
  if (process.platform !== 'linux') return false;
  // The report's list of network interfaces resolves names, which takes seconds without a name server.
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime === undefined;
}

/** The folder that src/binding/addon.ts looks into on this platform. */
export function prebuildFolder() {
  return `prebuilds/${process.platform}-${process.arch}${isMusl() ? '-musl' : ''}`;
}

/**
 * The folder whose include/node holds Node's headers: what npm's nodedir setting names, else the prefix this
 * node is installed in, else undefined, and node-gyp downloads them.
 */
export function headersPrefix() {
  const asked = process.env.npm_config_nodedir ?? process.env.npm_package_config_node_gyp_nodedir;
  const prefix = dirname(dirname(process.execPath));
  for (const candidate of [asked, prefix])
    if (candidate && existsSync(join(candidate, 'include/node/node_api.h'))) return candidate;
  return undefined;
}
