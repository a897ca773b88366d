/** What makes a request to become a WebSocket a good one (RFC 6455, sections 4.2.1 and 9.1; RFC 7692, section 7.1). */
import type { HeaderList, HttpRequestHead } from './http-server.js';

export interface HandshakeProblem {
  readonly status: number;
  readonly problem: string;
  /** Fields the answer must have. */
  readonly fields: HeaderList;
}

/** 16 bytes in base64. Some clients take 22 characters at random: the four bits too many are not looked at. */
const key = /^[+/0-9A-Za-z]{22}==$/;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Of an extension's parameter: a token, which may be quoted. */
const quotedToken = /^"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)"$/;

/** What is wrong with the fields of a handshake; undefined where nothing is. */
export function handshakeProblem(head: HttpRequestHead): HandshakeProblem | undefined {
  if (head.header('sec-websocket-version') !== '13') {
    const problem = 'Sec-WebSocket-Version is not 13.';
    return { status: 426, problem, fields: ['sec-websocket-version', '13'] };
  }
  if (!key.test(head.header('sec-websocket-key'))) {
    return malformed('Sec-WebSocket-Key is not 16 bytes in base64.');
  }
  if (!areProtocols(head.header('sec-websocket-protocol'))) {
    return malformed('Sec-WebSocket-Protocol is not a list of different tokens.');
  }
  if (parseExtensions(head.header('sec-websocket-extensions')) === undefined) {
    return malformed('Sec-WebSocket-Extensions is not a list of extensions and their parameters.');
  }
  return undefined;
}

/** Whether Connection names the upgrade: else the request asks for none. */
export function namesUpgrade(connection: string): boolean {
  // The usual value first.
  if (connection === 'Upgrade') return true;
  return connection.split(',').some((each) => each.trim().toLowerCase() === 'upgrade');
}

/**
 * The first offer of permessage-deflate in a Sec-WebSocket-Extensions that a server can take which compresses with a
 * window of so many bits. Those with a parameter that is unknown, repeated or wrong must be declined; undefined where
 * none is left.
 */
export function deflateOffer(field: string, serverWindowBits: number): string | undefined {
  const offer = parseExtensions(field)?.find(
    ({ name, parameters }) => name === 'permessage-deflate' && canDeflate(parameters, serverWindowBits),
  );
  if (offer === undefined) return undefined;
  const parameters = offer.parameters.map(([name, value]) =>
    value === undefined ? name : `${name}=${value}`,
  );
  return [offer.name, ...parameters].join('; ');
}

type Parameters = readonly (readonly [name: string, value: string | undefined])[];

interface ExtensionOffer {
  readonly name: string;
  readonly parameters: Parameters;
}

function malformed(problem: string): HandshakeProblem {
  return { status: 400, problem, fields: [] };
}

function areProtocols(field: string): boolean {
  if (field === '') return true;
  const names = field.split(',').map((each) => each.trim());
  return names.every((each) => token.test(each)) && new Set(names).size === names.length;
}

/** undefined where the field is malformed. */
function parseExtensions(field: string): readonly ExtensionOffer[] | undefined {
  if (field === '') return [];
  const offers: ExtensionOffer[] = [];
  // Quoted values are tokens: no comma or semicolon can be in one.
  for (const each of field.split(',')) {
    const [name, ...rest] = each.split(';').map((part) => part.trim());
    const parameters = rest.map(parseParameter);
    if (!token.test(name) || parameters.includes(undefined)) return undefined;
    offers.push({ name, parameters: parameters as Parameters });
  }
  return offers;
}

function parseParameter(text: string): readonly [string, string | undefined] | undefined {
  const at = text.indexOf('=');
  const name = at < 0 ? text : text.slice(0, at).trimEnd();
  if (!token.test(name)) return undefined;
  if (at < 0) return [name, undefined];
  const value = text.slice(at + 1).trimStart();
  const unquoted = quotedToken.exec(value)?.[1] ?? value;
  return token.test(unquoted) ? [name, unquoted] : undefined;
}

function canDeflate(parameters: Parameters, serverWindowBits: number): boolean {
  const names = new Set(parameters.map(([name]) => name));
  if (names.size !== parameters.length) return false;
  return parameters.every(([name, value]) => {
    switch (name) {
      case 'server_no_context_takeover':
      case 'client_no_context_takeover':
        return value === undefined;
      case 'client_max_window_bits':
        return value === undefined || isWindow(value);
      case 'server_max_window_bits':
        return value !== undefined && isWindow(value) && Number(value) >= serverWindowBits;
      default:
        return false;
    }
  });
}

/** RFC 7692, section 7.1.2: 8 to 15, without leading zeros. */
function isWindow(value: string): boolean {
  return /^([89]|1[0-5])$/.test(value);
}
