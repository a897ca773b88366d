/**
 * Endpoints: where a server listens and what a client connects to, as a URL or as an object.
 *
 *     stdio:                              our own stdin and stdout (listen only)
 *     stdio:node?arg=server.mjs&cwd=/srv  a child process (connect only); each arg percent-encoded, no shell
 *     tcp://127.0.0.1:4000                TCP; IPv6 in brackets; port 0 lets the kernel choose (listen only)
 *     unix:/run/ringwire.sock             a Unix socket; a relative path is taken from the working directory
 *     memory:name                         inside this process
 *     tls://host:4000                     TCP under TLS
 *     http://host:8080/mcp, https://…     HTTP; a listener serves one path and WebSocket upgrades on it
 *     ws://host:8080/mcp, wss://…         WebSocket; a listener refuses everything else on the path
 *     stdio+h2:                           HTTP/2 on our own stdin and stdout (listen only), experimental
 *     stdio+h2:node?arg=server.mjs        HTTP/2 on the pipes of a child process (connect only)
 *
 * A child may also be given as `{ command, args, env, cwd }`, the shape of an `mcpServers` entry; only that form
 * carries environment variables, because URLs end up in logs and process lists.
 */
import { RingwireError } from '../errors.js';

/** Our own stdin and stdout. */
export interface StdioEndpoint {
  readonly kind: 'stdio';
}

/** A child process that speaks on its stdin and stdout. */
export interface ChildEndpoint {
  readonly kind: 'child';
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface TcpEndpoint {
  readonly kind: 'tcp';
  /** Host name or address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface UnixEndpoint {
  readonly kind: 'unix';
  readonly path: string;
}

export interface MemoryEndpoint {
  readonly kind: 'memory';
  readonly name: string;
}

/** TCP under TLS. */
export interface TlsEndpoint {
  readonly kind: 'tls';
  readonly host: string;
  readonly port: number;
}

export interface WebSocketEndpoint {
  readonly kind: 'ws';
  /** wss. */
  readonly isSecure: boolean;
  readonly host: string;
  readonly port: number;
  /** From the first slash, with the query; a listener has no query. */
  readonly path: string;
}

/** Answers requests instead of carrying frames. */
export interface HttpEndpoint {
  readonly kind: 'http';
  /** https. */
  readonly isSecure: boolean;
  readonly host: string;
  readonly port: number;
  /** From the first slash, with the query; a listener has no query. */
  readonly path: string;
}

/** HTTP/2 on our own stdin and stdout. */
export interface StdioHttpEndpoint {
  readonly kind: 'stdio-h2';
}

/** HTTP/2 on the pipes of a child process. */
export interface ChildHttpEndpoint {
  readonly kind: 'child-h2';
  readonly child: ChildEndpoint;
}

/** Endpoints that carry frames. */
export type ListenEndpoint = StdioEndpoint | TcpEndpoint | TlsEndpoint | UnixEndpoint | MemoryEndpoint;
export type ConnectEndpoint =
  | ChildEndpoint
  | TcpEndpoint
  | TlsEndpoint
  | UnixEndpoint
  | MemoryEndpoint
  | WebSocketEndpoint;
/** Endpoints of HTTP listeners. */
export type HttpListenEndpoint = HttpEndpoint | WebSocketEndpoint | StdioHttpEndpoint;
/** Endpoints of HTTP clients. */
export type HttpConnectEndpoint = HttpEndpoint | ChildHttpEndpoint;
export type Endpoint = ListenEndpoint | ConnectEndpoint | HttpListenEndpoint | HttpConnectEndpoint;

/** A child process as users and `mcpServers` entries write it. */
export interface ChildCommand {
  readonly command: string;
  readonly args?: readonly string[];
  /** Added to the minimal environment a child gets. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** sun_path of struct sockaddr_un holds 108 bytes with its terminating zero (unix(7)). */
const maxUnixPathBytes = 107;

const laterSchemes = new Set(['shm']);
const examples = 'stdio:, tcp://127.0.0.1:4000, http://127.0.0.1:8080/mcp, unix:/run/app.sock or memory:name';
const webSchemes: Readonly<Record<string, { kind: 'http' | 'ws'; isSecure: boolean; port: number }>> = {
  http: { kind: 'http', isSecure: false, port: 80 },
  https: { kind: 'http', isSecure: true, port: 443 },
  ws: { kind: 'ws', isSecure: false, port: 80 },
  wss: { kind: 'ws', isSecure: true, port: 443 },
};

function invalid(text: string, problem: string, right: string): RingwireError {
  return new RingwireError('ADDRESS_INVALID', `"${text}" is no usable endpoint: ${problem}. Write ${right}.`);
}

/**
 * Reads the URL of a listener.
 * @throws RingwireError ADDRESS_INVALID saying what is wrong, where, and what would be right.
 */
export function parseListenEndpoint(text: string): ListenEndpoint | HttpListenEndpoint {
  const { scheme, rest } = splitScheme(text);
  if (scheme !== 'stdio' && scheme !== 'stdio+h2') return parseAddress(text, scheme, rest, 'listen');
  if (rest !== '') {
    throw invalid(text, 'a server listens on its own stdin and stdout, not on a command', `"${scheme}:"`);
  }
  return { kind: scheme === 'stdio' ? 'stdio' : 'stdio-h2' };
}

/**
 * Reads the URL of something to connect to, or a child command object.
 * @throws RingwireError ADDRESS_INVALID, or CONFIG_INVALID for a malformed command object.
 */
export function parseConnectEndpoint(target: string | ChildCommand): ConnectEndpoint | HttpConnectEndpoint {
  if (typeof target !== 'string') return childEndpoint(target);
  const { scheme, rest } = splitScheme(target);
  if (scheme === 'stdio+h2') return { kind: 'child-h2', child: parseChild(target, rest) };
  return scheme === 'stdio' ? parseChild(target, rest) : parseAddress(target, scheme, rest, 'connect');
}

/** The URL of an endpoint. A child's environment is left out, so the text is safe to log. */
export function formatEndpoint(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'stdio':
      return 'stdio:';
    case 'stdio-h2':
      return 'stdio+h2:';
    case 'child-h2':
      return formatEndpoint(endpoint.child).replace('stdio:', 'stdio+h2:');
    case 'child': {
      const words = endpoint.args.map((arg) => `arg=${encodeURIComponent(arg)}`);
      if (endpoint.cwd !== undefined) words.push(`cwd=${encodeURIComponent(endpoint.cwd)}`);
      const query = words.length === 0 ? '' : `?${words.join('&')}`;
      return `stdio:${encodeURIComponent(endpoint.command).replaceAll('%2F', '/')}${query}`;
    }
    case 'tcp':
    case 'tls':
      return `${endpoint.kind}://${authorityOf(endpoint)}`;
    case 'http':
    case 'ws':
      return `${endpoint.kind}${endpoint.isSecure ? 's' : ''}://${authorityOf(endpoint)}${endpoint.path}`;
    case 'unix':
      return `unix:${endpoint.path}`;
    case 'memory':
      return `memory:${endpoint.name}`;
  }
}

function authorityOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function splitScheme(text: string): { scheme: string; rest: string } {
  if (typeof text !== 'string' || text === '') {
    throw new RingwireError('ADDRESS_INVALID', `An endpoint must be a URL such as ${examples}.`);
  }
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(text);
  if (match === null) throw invalid(text, 'it has no scheme', examples);
  return { scheme: match[1].toLowerCase(), rest: match[2] };
}

type Purpose = 'listen' | 'connect';

function parseAddress(
  text: string,
  scheme: string,
  rest: string,
  purpose: Purpose,
): TcpEndpoint | TlsEndpoint | UnixEndpoint | MemoryEndpoint | HttpEndpoint | WebSocketEndpoint {
  if (scheme === 'tcp' || scheme === 'tls') return parseTcp(text, scheme, rest, purpose);
  if (Object.hasOwn(webSchemes, scheme)) return parseWeb(text, scheme, rest, purpose);
  if (scheme === 'unix') return parseUnix(text, rest);
  if (scheme === 'memory') return parseMemory(text, rest);
  if (laterSchemes.has(scheme)) {
    throw invalid(text, `the scheme "${scheme}:" is not served by this version`, examples);
  }
  if (/^\d+$/.test(rest)) throw invalid(text, `"${scheme}:" is no scheme`, `"tcp://${text}"`);
  throw invalid(text, `the scheme "${scheme}:" is unknown`, examples);
}

function parseTcp(
  text: string,
  scheme: 'tcp' | 'tls',
  rest: string,
  purpose: Purpose,
): TcpEndpoint | TlsEndpoint {
  const right =
    purpose === 'listen'
      ? `"${scheme}://127.0.0.1:0" or "${scheme}://[::1]:4000"`
      : `"${scheme}://127.0.0.1:4000"`;
  if (!rest.startsWith('//')) throw invalid(text, `after "${scheme}:" two slashes are missing`, right);
  const authority = rest.slice(2).replace(/\/$/, '');
  if (/[/?#]/.test(authority)) throw invalid(text, 'TCP has no path, query or fragment', right);
  const { host, port } = parseAuthority(text, authority, `${scheme}://[::1]:4000`, right);
  return { kind: scheme, host, port: parsePort(text, port, purpose, right) };
}

function parseWeb(
  text: string,
  scheme: string,
  rest: string,
  purpose: Purpose,
): HttpEndpoint | WebSocketEndpoint {
  const { kind, isSecure, port: defaultPort } = webSchemes[scheme];
  const right = `"${scheme}://127.0.0.1:8080/mcp"`;
  if (!rest.startsWith('//')) throw invalid(text, `after "${scheme}:" two slashes are missing`, right);
  const at = rest.slice(2).search(/[/?#]/);
  const authority = at < 0 ? rest.slice(2) : rest.slice(2, at + 2);
  const after = at < 0 ? '/' : rest.slice(at + 2);
  if (after.includes('#')) throw invalid(text, 'a fragment is never sent', right);
  const path = after.startsWith('/') ? after : `/${after}`;
  if (/[^\x21-\x7e]/.test(path)) {
    throw invalid(text, 'the path holds a character that must be percent-encoded', right);
  }
  if (purpose === 'listen' && path.includes('?')) {
    throw invalid(text, 'a listener serves a path, whatever the query', right);
  }
  const { host, port } = parseAuthority(text, authority, `${scheme}://[::1]:8080/mcp`, right);
  const digits = port ?? (purpose === 'connect' ? String(defaultPort) : undefined);
  return { kind, isSecure, host, port: parsePort(text, digits, purpose, right), path };
}

function parseAuthority(
  text: string,
  authority: string,
  bracketed: string,
  right: string,
): { host: string; port: string | undefined } {
  if (authority.includes('@')) throw invalid(text, 'an endpoint has no user name or password', right);
  const match = /^(?:\[([^[\]]*)\]|([^[\]:]*))(?::([^:]*))?$/.exec(authority);
  if (match === null) {
    const bare = authority.includes(':') && !authority.includes('[');
    throw invalid(text, bare ? 'an IPv6 address needs brackets' : 'the host is malformed', `"${bracketed}"`);
  }
  const host = match[1] ?? match[2];
  if (host === '') throw invalid(text, 'the host is missing', right);
  if (match[1] !== undefined && !/^[0-9A-Fa-f:.]+(%[\w.-]+)?$/.test(host)) {
    throw invalid(text, 'between the brackets stands no IPv6 address', `"${bracketed}"`);
  }
  if (/[\s\0]/.test(host)) throw invalid(text, 'the host holds white space', right);
  return { host, port: match[3] };
}

function parsePort(text: string, digits: string | undefined, purpose: Purpose, right: string): number {
  if (digits === undefined || digits === '') throw invalid(text, 'the port is missing', right);
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(port <= 65_535)) throw invalid(text, `the port "${digits}" is not an integer from 0 to 65535`, right);
  if (port === 0 && purpose === 'connect') {
    throw invalid(text, 'port 0 means "any free port" and only a listener may ask for it', right);
  }
  return port;
}

function parseUnix(text: string, rest: string): UnixEndpoint {
  const right = '"unix:/run/app.sock" or "unix:app.sock"';
  const path = rest.startsWith('///') ? rest.slice(2) : rest;
  if (path.startsWith('//')) {
    throw invalid(text, 'what follows "//" is a host, and a Unix socket has none', right);
  }
  if (path === '') throw invalid(text, 'the path is missing', right);
  if (path.includes('\0')) throw invalid(text, 'the path holds a NUL', right);
  if (path.endsWith('/')) throw invalid(text, 'the path names a directory', right);
  const bytes = Buffer.byteLength(path);
  if (bytes > maxUnixPathBytes) {
    throw invalid(
      text,
      `the path has ${bytes} bytes and the kernel takes at most ${maxUnixPathBytes}`,
      'a shorter path, for instance one relative to the working directory',
    );
  }
  return { kind: 'unix', path };
}

function parseMemory(text: string, rest: string): MemoryEndpoint {
  if (!/^[\w.:-]+$/.test(rest)) {
    throw invalid(text, 'the name must be made of letters, digits and "_.:-"', '"memory:name"');
  }
  return { kind: 'memory', name: rest };
}

function parseChild(text: string, rest: string): ChildEndpoint {
  const right = '"stdio:node?arg=server.mjs" or { command: "node", args: ["server.mjs"] }';
  const at = rest.indexOf('?');
  const decode = (part: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw invalid(text, `"${part}" is not percent-encoded correctly`, right);
    }
  };
  const command = decode(at < 0 ? rest : rest.slice(0, at));
  if (command === '') throw invalid(text, 'the command to start is missing', right);
  if (/\s/.test(command) && at < 0) {
    throw invalid(text, 'the command holds white space and no shell will split it', right);
  }
  const args: string[] = [];
  let cwd: string | undefined;
  for (const pair of at < 0 ? [] : rest.slice(at + 1).split('&')) {
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1));
    if (name === 'arg') args.push(value);
    else if (name === 'cwd') cwd = value;
    else throw invalid(text, `the query has "${name}", known are arg and cwd`, right);
  }
  return childEndpoint({ command, args, cwd });
}

function childEndpoint(target: ChildCommand): ChildEndpoint {
  const fail = (problem: string): never => {
    throw new RingwireError(
      'CONFIG_INVALID',
      `A child command is an object { command, args?, env?, cwd? }: ${problem}.`,
    );
  };
  if (target === null || typeof target !== 'object') return fail(`this is ${String(target)}`);
  const { command, args = [], env, cwd } = target;
  if (typeof command !== 'string' || command === '') fail('"command" must be a non-empty string');
  if (!Array.isArray(args) || !args.every((arg) => typeof arg === 'string')) {
    fail('"args" must be an array of strings');
  }
  if (cwd !== undefined && typeof cwd !== 'string') fail('"cwd" must be a string');
  if (env !== undefined && (env === null || typeof env !== 'object'))
    fail('"env" must be an object of strings');
  for (const [name, value] of Object.entries(env ?? {})) {
    if (typeof value !== 'string') fail(`"env.${name}" must be a string`);
  }
  if ([command, ...args, cwd ?? ''].some((word) => word.includes('\0'))) fail('no word may hold a NUL');
  return { kind: 'child', command, args, env, cwd };
}
