/** TLS as a client: the options of node:tls, and what goes wrong in words. */
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { RingwireError } from '../../errors.js';
import type { TlsOptions } from './http-server.js';
import { loadAuthorities, loadPair } from './tls-material.js';

/** What node:tls and undici take. Rejects with CONFIG_INVALID for what cannot be read or does not go together. */
export async function tlsClientOptions(
  tls: TlsOptions | undefined,
  host: string,
): Promise<ConnectionOptions> {
  const name = tls?.serverName ?? host;
  const own =
    tls?.cert === undefined || tls.key === undefined
      ? undefined
      : await loadPair('tls', tls.cert, tls.key, tls.passphrase);
  return {
    ca: tls === undefined ? undefined : await loadAuthorities(tls),
    cert: own?.cert,
    key: own?.key,
    passphrase: tls?.passphrase,
    minVersion: tls?.minVersion ?? 'TLSv1.2',
    // Addresses are verified, but never asked for (RFC 6066, section 3).
    servername: isIP(name) === 0 ? name : '',
    rejectUnauthorized: tls?.verify !== false,
  };
}

const unknownAuthority =
  'nobody trusted vouches for its certificate. Name its authority in "tls.ca", or install it where Node.js looks';

/** By the codes of OpenSSL's verification and of Node's own checks. */
const problems: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired. Renew it on the server',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet. Compare the clocks of both machines',
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  CERT_REVOKED: 'its certificate was revoked. Renew it on the server',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the two have no version of TLS in common. Compare "tls.minVersion"',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the two have no version of TLS in common. Compare "tls.minVersion"',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS. Correct the scheme or the port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS. Correct the scheme or the port',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'it wants a certificate of the client. Give "tls.cert" and "tls.key"',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'it refused the handshake. It may want a certificate of the client ("tls.cert") or other ciphers',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not trust the authority of our certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'it does not take our certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'our certificate has expired. Renew it',
};

/** What a TLS error means; undefined where it is none of TLS. */
export function tlsFailure(cause: unknown, url: string): RingwireError | undefined {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === undefined) return undefined;
  let problem: string | undefined = problems[code];
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const { reason } = cause as { reason?: string };
    problem = `its certificate is for another name: ${reason}. Correct the URL or "tls.serverName"`;
  } else if (
    problem === undefined &&
    /^(?:CERT_|ERR_SSL_|ERR_TLS_|EPROTO$|INVALID_CA|INVALID_PURPOSE|UNABLE_TO_)/.test(code)
  ) {
    problem = `${message.trim()} (${code})`;
  }
  if (problem === undefined) return undefined;
  return new RingwireError('TLS_FAILED', `TLS with ${url} failed: ${problem}.`, { cause });
}
