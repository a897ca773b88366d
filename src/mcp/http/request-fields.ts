/** What is read of a request's head before its body comes. Each field read costs, so nobody reads what is not needed. */
import type { HttpExchange } from '../../transports/http/http-server.js';
import { modernVersions } from '../protocol.js';
import { type AcceptedForm, acceptedForm } from './media-types.js';

export class RequestFields {
  /** MCP-Protocol-Version, '' where it is absent; the fields below likewise. */
  readonly protocolVersion: string;
  /** Mcp-Method. */
  readonly method: string;
  /** Mcp-Name. */
  readonly name: string;
  readonly accept: string;
  /** What Accept allows. */
  readonly form: AcceptedForm;
  /** Mcp-Session-Id; not read where the header names a modern revision. */
  readonly sessionId: string;
  /** Accept-Encoding; read for prepared answers alone. */
  acceptEncoding = '';
  /** Mcp-Param-* by lower-case name, where a tool was named whose arguments are repeated in headers. */
  params: ReadonlyMap<string, string> | undefined = undefined;

  constructor(exchange: HttpExchange) {
    this.protocolVersion = exchange.header('mcp-protocol-version');
    this.method = exchange.header('mcp-method');
    this.name = exchange.header('mcp-name');
    this.accept = exchange.header('accept');
    this.form = acceptedForm(this.accept);
    this.sessionId = isModernVersion(this.protocolVersion) ? '' : exchange.header('mcp-session-id');
  }

  /** Collects the Mcp-Param-* fields. */
  readParams(exchange: HttpExchange): void {
    const params = new Map<string, string>();
    exchange.eachHeader((name, value) => {
      if (!name.startsWith('mcp-param-')) return;
      const before = params.get(name);
      params.set(name, before === undefined ? value : `${before}, ${value}`);
    });
    this.params = params;
  }
}

const newest = modernVersions[0];
const oldest = modernVersions[modernVersions.length - 1];

/** Whether a header names a revision without sessions, served or not: revisions are dates. */
export function isModernVersion(version: string): boolean {
  return version === newest || (/^\d{4}-\d{2}-\d{2}$/.test(version) && version >= oldest);
}
