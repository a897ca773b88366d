import type { HttpOptions } from '../transports/http/http-options.js';
import type { TransportOptions } from '../transports/transport.js';
import type { OptionValues } from './command.js';
import { wordOption } from './transport-options.js';
import { UsageError } from './usage-error.js';

/** What the command line offers of an HTTP or WebSocket client. */
export const httpClientOptionSpecs = {
  header: {
    type: 'string',
    short: 'H',
    multiple: true,
    placeholder: 'NAME:VALUE',
    description: 'A header field to send, on http and ws addresses',
  },
  ca: {
    type: 'string',
    placeholder: 'FILE',
    description: 'PEM file of an authority to trust, on https, wss and tls addresses',
  },
} as const;

export function httpClientOptions(values: OptionValues<typeof httpClientOptionSpecs>): TransportOptions {
  const headers: Record<string, string> = {};
  for (const field of values.header ?? []) {
    const colon = field.indexOf(':');
    const name = field.slice(0, colon).trim().toLowerCase();
    // The value may be a secret, so a field without a colon is not repeated in the message.
    if (colon < 0 || !/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name))
      throw new UsageError(
        'A --header has no name before a colon.',
        `For instance --header 'authorization: Bearer TOKEN'.`,
      );
    const value = field.slice(colon + 1).trim();
    headers[name] = Object.hasOwn(headers, name) ? `${headers[name]}, ${value}` : value;
  }
  return {
    ...(values.header === undefined ? {} : { httpClient: { headers } }),
    ...(values.ca === undefined ? {} : { tls: { ca: { file: values.ca } } }),
  };
}

/** What the command line offers of an HTTP or WebSocket listener. */
export const httpServerOptionSpecs = {
  engine: {
    type: 'string',
    placeholder: 'NAME',
    description: 'HTTP engine: auto (default), uws or node',
  },
  cert: {
    type: 'string',
    placeholder: 'FILE',
    description: 'PEM file with the certificate of https, wss and tls',
  },
  key: { type: 'string', placeholder: 'FILE', description: 'PEM file with the key of the certificate' },
  'allow-origin': {
    type: 'string',
    multiple: true,
    placeholder: 'ORIGIN',
    description: 'Let pages of this origin call over HTTP, or * for any; answers CORS',
  },
  'allow-host': {
    type: 'string',
    multiple: true,
    placeholder: 'HOST',
    description: 'Serve HTTP requests to this host name, or * for any',
  },
  cors: {
    type: 'boolean',
    description: 'Answer CORS to pages that may call by default: those of this machine',
  },
  health: { type: 'boolean', description: 'Serve /healthz, /readyz and /metrics beside the HTTP path' },
} as const;

const engines = ['auto', 'uws', 'node'];

export function httpServerOptions(values: OptionValues<typeof httpServerOptionSpecs>): TransportOptions {
  const { cert, key } = values;
  if ((cert === undefined) !== (key === undefined))
    throw new UsageError(
      `--${cert === undefined ? 'cert' : 'key'} is missing.`,
      'A certificate and its key go together: --cert FILE --key FILE.',
    );
  const origins = values['allow-origin'];
  const hosts = values['allow-host'];
  const engine = wordOption('engine', values.engine, engines) as HttpOptions['engine'];
  return {
    ...(cert === undefined || key === undefined ? {} : { tls: { cert: { file: cert }, key: { file: key } } }),
    http: {
      ...(engine === undefined ? {} : { engine }),
      ...(origins === undefined ? {} : { allowedOrigins: listOrAny(origins) }),
      ...(hosts === undefined ? {} : { allowedHosts: listOrAny(hosts) }),
      ...(origins !== undefined || values.cors === true ? { cors: true } : {}),
      ...(values.health === true ? { health: true } : {}),
    },
  };
}

function listOrAny(values: readonly string[]): readonly string[] | '*' {
  return values.includes('*') ? '*' : values;
}
