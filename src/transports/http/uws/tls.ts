/** Certificates for uWebSockets.js, which reads them from files. */

import type { AppOptions } from 'uWebSockets.js';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from '../http-server.js';
import { loadPair, loadServerMaterial, refuseExpired } from '../tls-material.js';

export interface TlsFiles {
  readonly own: AppOptions;
  readonly hosts: readonly { readonly pattern: string; readonly options: AppOptions }[];
}

/**
 * Hands the certificates over in files that nobody else can read and that are gone when `use` is through. Rejects with
 * CONFIG_INVALID where the options hold none that can be used; `isReload` refuses those that have expired, too.
 */
export async function withTlsFiles<Result>(
  tls: TlsOptions | undefined,
  isReload: boolean,
  use: (files: TlsFiles) => Result,
): Promise<Result> {
  const { base, facts } = await loadServerMaterial(tls);
  if (isReload) refuseExpired(facts);
  const folder = await mkdtemp(join(tmpdir(), 'ringwire-tls-'));
  let files = 0;
  const write = async (text: string): Promise<string> => {
    const path = join(folder, `${files++}.pem`);
    await writeFile(path, text, { mode: 0o600, flag: 'wx' });
    return path;
  };
  const pair = async (cert: string, key: string): Promise<AppOptions> => ({
    cert_file_name: await write(cert),
    key_file_name: await write(key),
    ...(tls?.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
  });
  try {
    const own = await pair(base.cert as string, base.key as string);
    const hosts = [];
    for (const [pattern, sources] of Object.entries(tls?.hosts ?? {})) {
      const where = `tls.hosts["${pattern}"]`;
      const { cert, key } = await loadPair(where, sources.cert, sources.key, tls?.passphrase);
      hosts.push({ pattern: pattern.toLowerCase(), options: await pair(cert, key) });
    }
    return use({ own, hosts });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
