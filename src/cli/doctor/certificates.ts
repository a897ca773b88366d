import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { connectTimeoutMs } from '../../limits.js';
import { parseConnectEndpoint } from '../../transports/endpoint.js';
import { UsageError } from '../usage-error.js';
import { broken, couldBeBetter, type Finding, ok } from './check.js';

/** Certificates are renewed about a month before they end; later is late. */
const soonDays = 14;
const dayMs = 24 * 60 * 60 * 1000;

/** One line for each certificate in the files, and for what answers at each address. */
export async function certificateFindings(
  files: readonly string[],
  urls: readonly string[],
): Promise<Finding[]> {
  const servers = urls.map(serverOf);
  const found = await Promise.all([...files.map(ofFile), ...servers.map(ofServer)]);
  return found.flat();
}

async function ofFile(file: string): Promise<Finding[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return [broken('certificate', `${file} cannot be read: ${(error as Error).message}`, 'name a PEM file')];
  }
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0)
    return [broken('certificate', `${file} holds no certificate`, 'name a PEM file with a certificate')];
  return blocks.map((block) => {
    try {
      return finding(new X509Certificate(block), file);
    } catch (error) {
      return broken('certificate', `${file} is malformed: ${(error as Error).message}`, 'get it issued anew');
    }
  });
}

interface Server {
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

function serverOf(url: string): Server {
  const endpoint = parseConnectEndpoint(url);
  const isSecure = endpoint.kind === 'tls' || ('isSecure' in endpoint && endpoint.isSecure);
  if (!isSecure || !('host' in endpoint))
    throw new UsageError(`${JSON.stringify(url)} is not under TLS.`, 'Name an https, wss or tls address.');
  return { url, host: endpoint.host, port: endpoint.port };
}

/** What a client sees, trusted or not. */
function ofServer({ url, host, port }: Server): Promise<Finding[]> {
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // The certificate is to be looked at, whatever it is; nothing is sent.
      rejectUnauthorized: false,
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    const end = (findings: Finding[]): void => {
      socket.destroy();
      resolve(findings);
    };
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error('no answer in time')));
    socket.on('error', (error) =>
      end([broken('certificate', `${url}: ${error.message}`, 'start the server, or correct the address')]),
    );
    socket.on('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      if (certificate === undefined) {
        end([broken('certificate', `${url} shows none`, 'give the server a certificate')]);
        return;
      }
      const seen = finding(
        certificate,
        `${url} (${socket.getProtocol()}, ${socket.alpnProtocol || 'no ALPN'})`,
      );
      if (socket.authorized || seen.status !== 'ok') end([seen]);
      else
        end([
          couldBeBetter(
            seen.name,
            `${seen.found}; not trusted here: ${socket.authorizationError}`,
            'NODE_EXTRA_CA_CERTS=ca.pem ringwire doctor …, or tls: { ca } where you connect',
          ),
        ]);
    });
  });
}

function finding(certificate: X509Certificate, where: string): Finding {
  const expires = new Date(certificate.validTo);
  const days = Math.floor((expires.getTime() - Date.now()) / dayMs);
  const date = expires.toISOString().slice(0, 10);
  const subject = certificate.subject.replaceAll('\n', ', ') || certificate.subjectAltName || 'no subject';
  const found = `${subject}, ${where}`;
  if (days < 0) return broken('certificate', `${found}: expired on ${date}`, 'renew it');
  const left = `${found}: expires on ${date}, in ${days} ${days === 1 ? 'day' : 'days'}`;
  return days < soonDays ? couldBeBetter('certificate', left, 'renew it') : ok('certificate', left);
}
