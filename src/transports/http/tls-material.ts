/** Certificates and keys: read from PEM text or files, checked, and told about in words. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { RingwireError } from '../../errors.js';
import type { PemSource, TlsOptions } from './http-server.js';

/** What `doctor` shows of a certificate. */
export interface CertificateFacts {
  /** The host names of an SNI entry; undefined for the certificate all others get. */
  readonly host: string | undefined;
  readonly subject: string;
  readonly issuer: string;
  /** Subject alternative names, as 'DNS:example.com, IP Address:127.0.0.1'. */
  readonly names: string;
  readonly validFrom: Date;
  readonly validTo: Date;
  /** Whole days until it expires; negative where it has expired. */
  readonly daysLeft: number;
}

/** Everything a listener needs, checked. */
export interface ServerMaterial {
  /** For node:tls; without the host contexts. */
  readonly base: SecureContextOptions;
  readonly hosts: readonly HostContext[];
  readonly facts: readonly CertificateFacts[];
}

interface HostContext {
  /** In lower case; '*.example.com' matches one label. */
  readonly pattern: string;
  readonly context: SecureContext;
}

const dayMs = 24 * 60 * 60 * 1000;

/**
 * Reads what a listener's options name.
 *
 * @throws RingwireError CONFIG_INVALID: what is missing, cannot be read, is no PEM, or does not go together.
 */
export async function loadServerMaterial(tls: TlsOptions | undefined): Promise<ServerMaterial> {
  if (tls?.cert === undefined || tls.key === undefined) {
    throw invalid(
      'A listener under TLS needs "tls.cert" and "tls.key"',
      'PEM text or { file } of a certificate and its key',
    );
  }
  const ca = await loadAuthorities(tls);
  if (ca === undefined && tls.clientCertificates === 'require') {
    throw invalid(
      '"tls.clientCertificates" is "require" and nobody vouches for clients',
      '"tls.ca" with the authorities of their certificates',
    );
  }
  const common = { ca, minVersion: tls.minVersion ?? 'TLSv1.2' } as const;
  const own = await loadPair('tls', tls.cert, tls.key, tls.passphrase);
  const facts = [factsOf(undefined, own.certificate)];
  const base = { ...common, cert: own.cert, key: own.key, passphrase: tls.passphrase };
  contextOf('tls', base);
  const hosts: HostContext[] = [];
  for (const [pattern, pair] of Object.entries(tls.hosts ?? {})) {
    const where = `tls.hosts["${pattern}"]`;
    const { cert, key, certificate } = await loadPair(where, pair.cert, pair.key, tls.passphrase);
    const context = contextOf(where, { ...common, cert, key, passphrase: tls.passphrase });
    hosts.push({ pattern: pattern.toLowerCase(), context });
    facts.push(factsOf(pattern, certificate));
  }
  return { base, hosts, facts };
}

/** The trusted authorities as PEM texts; undefined leaves it to Node.js. */
export async function loadAuthorities(tls: TlsOptions): Promise<string[] | undefined> {
  if (tls.ca === undefined) return undefined;
  const sources: readonly PemSource[] = Array.isArray(tls.ca) ? tls.ca : [tls.ca as PemSource];
  const texts = await Promise.all(sources.map((source, index) => loadPem(`tls.ca[${index}]`, source)));
  for (const [index, text] of texts.entries()) parseCertificate(`tls.ca[${index}]`, text);
  return texts;
}

/** A certificate and its key, which must go together. */
export async function loadPair(
  where: string,
  certSource: PemSource,
  keySource: PemSource,
  passphrase: string | undefined,
): Promise<{ cert: string; key: string; certificate: X509Certificate }> {
  const [cert, key] = await Promise.all([
    loadPem(`${where}.cert`, certSource),
    loadPem(`${where}.key`, keySource),
  ]);
  const certificate = parseCertificate(`${where}.cert`, cert);
  if (!certificate.checkPrivateKey(parseKey(`${where}.key`, key, passphrase))) {
    throw invalid(
      `"${where}.key" is not the key of the certificate "${certificate.subject}"`,
      'the key the certificate was made with',
    );
  }
  return { cert, key, certificate };
}

/** What is known of the certificates a listener's options name, for `doctor`. Rejects as loadServerMaterial() does. */
export async function describeCertificates(tls: TlsOptions): Promise<readonly CertificateFacts[]> {
  return (await loadServerMaterial(tls)).facts;
}

/** The context for a host name asked for by SNI; undefined for the certificate all others get. */
export function contextFor(hosts: readonly HostContext[], serverName: string): SecureContext | undefined {
  const name = serverName.toLowerCase();
  const wild = `*${name.slice(name.indexOf('.'))}`;
  return (
    hosts.find(({ pattern }) => pattern === name) ??
    (name.includes('.') ? hosts.find(({ pattern }) => pattern === wild) : undefined)
  )?.context;
}

/** Refuses certificates that no client would take. */
export function refuseExpired(facts: readonly CertificateFacts[]): void {
  for (const { subject, validTo, daysLeft } of facts) {
    if (daysLeft >= 0) continue;
    throw invalid(
      `The certificate "${subject}" expired on ${validTo.toISOString()}`,
      'one that is valid; the former stays in use',
    );
  }
}

/** A text that is another one when one of the files that the options name has changed. */
export async function fingerprintOfFiles(tls: TlsOptions): Promise<string> {
  const sources = [
    tls.cert,
    tls.key,
    ...(Array.isArray(tls.ca) ? tls.ca : [tls.ca]),
    ...Object.values(tls.hosts ?? {}).flatMap(({ cert, key }) => [cert, key]),
  ] as (PemSource | undefined)[];
  const files = sources.flatMap((source) => (typeof source === 'object' ? [source.file] : []));
  const states = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ mtimeMs, size, ino }) => `${ino}:${size}:${mtimeMs}`,
        () => 'absent',
      ),
    ),
  );
  return states.join(' ');
}

async function loadPem(where: string, source: PemSource): Promise<string> {
  if (typeof source === 'string') {
    if (!source.includes('-----BEGIN '))
      throw invalid(`"${where}" is no PEM text`, 'PEM text or { file: "path" }');
    return source;
  }
  try {
    return await readFile(source.file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw invalid(`"${where}" cannot be read from "${source.file}" (${code})`, 'a readable PEM file', cause);
  }
}

function parseCertificate(where: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (cause) {
    throw invalid(`"${where}" holds no certificate`, 'PEM with "-----BEGIN CERTIFICATE-----"', cause);
  }
}

function parseKey(where: string, text: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: text, passphrase });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ERR_MISSING_PASSPHRASE' || code === 'ERR_OSSL_BAD_DECRYPT') {
      throw invalid(`"${where}" is encrypted and "tls.passphrase" does not open it`, 'its passphrase', cause);
    }
    throw invalid(`"${where}" holds no private key`, 'PEM with "-----BEGIN PRIVATE KEY-----"', cause);
  }
}

function contextOf(where: string, options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(options);
  } catch (cause) {
    throw invalid(
      `"${where}" cannot be used: ${(cause as Error).message}`,
      'a certificate and key that OpenSSL takes',
      cause,
    );
  }
}

function factsOf(host: string | undefined, certificate: X509Certificate): CertificateFacts {
  const validTo = new Date(certificate.validTo);
  return {
    host,
    subject: certificate.subject,
    issuer: certificate.issuer,
    names: certificate.subjectAltName ?? '',
    validFrom: new Date(certificate.validFrom),
    validTo,
    daysLeft: Math.floor((validTo.getTime() - Date.now()) / dayMs),
  };
}

function invalid(problem: string, right: string, cause?: unknown): RingwireError {
  return new RingwireError('CONFIG_INVALID', `${problem}. Give ${right}.`, { cause });
}
