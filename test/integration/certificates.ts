/** Certificates for tests, made by openssl: an authority of our own, and what it vouches for. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), 'ringwire-tls-'));
  readonly cert: string;
  #made = 0;

  constructor(name = 'Test Authority') {
    this.#openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', `/CN=${name}`],
    );
    this.cert = this.#read('ca.pem');
    writeFileSync(join(this.folder, 'index.txt'), '');
    writeFileSync(
      join(this.folder, 'ca.cnf'),
      '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\ncertificate=ca.pem\nprivate_key=ca.key\n' +
        'rand_serial=yes\ndefault_md=sha256\npolicy=p\nunique_subject=no\ncopy_extensions=copy\n[p]\ncommonName=supplied\n',
    );
  }

  /** A certificate for host names and addresses, as 'DNS:localhost,IP:127.0.0.1'. */
  issue(commonName: string, names: string, dates: readonly [string, string] = validDates()): Pair {
    const base = `pair${this.#made++}`;
    this.#openssl(
      ...['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', `${base}.key`, '-out', `${base}.csr`, '-subj', `/CN=${commonName}`],
      ...['-addext', `subjectAltName=${names}`],
    );
    this.#openssl(
      ...['ca', '-batch', '-notext', '-config', 'ca.cnf', '-in', `${base}.csr`, '-out', `${base}.pem`],
      ...['-startdate', dates[0], '-enddate', dates[1]],
    );
    return { cert: this.#read(`${base}.pem`), key: this.#read(`${base}.key`) };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: 'pipe' });
  }

  #read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }
}

/** Dates of a certificate that is over. */
export const expiredDates = ['20200101000000Z', '20200102000000Z'] as const;

function validDates(): readonly [string, string] {
  const day = 24 * 60 * 60 * 1000;
  return [asn1(Date.now() - day), asn1(Date.now() + day)];
}

function asn1(time: number): string {
  return `${new Date(time).toISOString().replace(/[-:T]|\.\d+/g, '')}`;
}
