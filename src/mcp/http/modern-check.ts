/**
 * The checks of a modern request before any method runs: its `_meta`, its version, and its headers against its body.
 * Where several fail the earliest is answered: what the request says of itself comes before what headers repeat.
 * Source: 2026-07-28, basic/transports/streamable-http, "Server Validation"; basic, "_meta".
 */
import { EnvelopeField, EnvelopeFlag, EnvelopeKind } from '../../binding/constants.generated.js';
import { RpcError, RpcErrorCode } from '../../errors.js';
import { asObject } from '../../rpc/json-text.js';
import { methodText, nameText, rangeText } from '../../serialization/envelope.js';
import { decodeHeaderValue, trimHeaderValue } from '../header-values.js';
import { checkModernMeta } from '../modern.js';
import { brief, differs, invalidHeader, paramHeaderProblem } from '../param-headers.js';
import { MetaKey } from '../protocol.js';
import type { McpServer } from '../server.js';
import { type Refusal, refusal } from './refusal.js';
import { isModernVersion, type RequestFields } from './request-fields.js';

/** The methods whose name or uri is repeated in Mcp-Name, and which it is. */
const namedBy: Readonly<Record<string, 'name' | 'uri'>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

/** What keeps a request or notification from being served; undefined where nothing does. */
export function checkModern(
  server: McpServer,
  fields: RequestFields,
  body: Buffer,
  record: Int32Array,
): Refusal | undefined {
  const kind = record[EnvelopeField.Kind];
  if (kind === EnvelopeKind.Notification) return checkNotification(server, fields, body, record);
  if (kind !== EnvelopeKind.Request)
    return refusal(
      400,
      RpcErrorCode.InvalidRequest,
      'Invalid Request: a client sends requests and notifications, no responses',
    );
  return (
    checkMeta(server, fields, body, record) ??
    checkStandardHeaders(fields, body, record) ??
    checkParamHeaders(server, fields, body, record)
  );
}

/** Revisions to name in an error: those a client can speak here in the era it tried, or else in the other. */
export function supportedVersions(server: McpServer): readonly string[] {
  const { modern, legacy } = server.catalogue.options;
  return modern.length > 0 ? modern : legacy;
}

function checkMeta(
  server: McpServer,
  fields: RequestFields,
  body: Buffer,
  record: Int32Array,
): Refusal | undefined {
  const meta = metaOf(body, record) ?? {};
  const version = meta[MetaKey.ProtocolVersion];
  const mismatch = typeof version === 'string' ? versionMismatch(fields, version) : undefined;
  if (mismatch !== undefined) return mismatch;
  try {
    checkModernMeta(meta, server.catalogue.options.modern, supportedVersions(server));
  } catch (error) {
    if (error instanceof RpcError) return { status: 400, error };
    throw error;
  }
  return undefined;
}

function metaOf(body: Buffer, record: Int32Array): Record<string, unknown> | undefined {
  const text = rangeText(body, record, EnvelopeField.MetaStart);
  return text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>);
}

function versionMismatch(fields: RequestFields, version: string): Refusal | undefined {
  const header = trimHeaderValue(fields.protocolVersion);
  return header === '' || header === version
    ? undefined
    : headerMismatch(differs('MCP-Protocol-Version', header, version));
}

function checkStandardHeaders(fields: RequestFields, body: Buffer, record: Int32Array): Refusal | undefined {
  if (fields.protocolVersion === '')
    return headerMismatch('the MCP-Protocol-Version header is missing; send the revision that _meta names');
  const method = methodText(body, record);
  const header = trimHeaderValue(fields.method);
  if (header === '')
    return headerMismatch(`the Mcp-Method header is missing; the body's method is ${brief(method)}`);
  if (header !== method) return headerMismatch(differs('Mcp-Method', header, method));
  const key = Object.hasOwn(namedBy, method) ? namedBy[method] : undefined;
  return key === undefined ? undefined : checkName(fields.name, key, namedValue(key, body, record));
}

function checkName(raw: string, key: string, value: string | undefined): Refusal | undefined {
  if (raw === '')
    // Without either the method itself says what it lacks. An empty header and none look alike.
    return value === undefined || value === ''
      ? undefined
      : headerMismatch(`the Mcp-Name header is missing; the body has ${brief(value)} at params.${key}`);
  const decoded = decodeHeaderValue(raw);
  if (decoded === undefined) return headerMismatch(invalidHeader('Mcp-Name', raw));
  return decoded === value ? undefined : headerMismatch(differs('Mcp-Name', decoded, value));
}

/** params.name or params.uri; undefined where it is no string. */
function namedValue(key: 'name' | 'uri', body: Buffer, record: Int32Array): string | undefined {
  const isUri = (record[EnvelopeField.Flags] & EnvelopeFlag.NameIsUri) !== 0;
  if (record[EnvelopeField.NameStart] >= 0 && isUri === (key === 'uri')) return nameText(body, record);
  // A name hides a uri in the record.
  const text = rangeText(body, record, EnvelopeField.ParamsStart);
  const value = text === '' ? undefined : asObject(JSON.parse(text))?.[key];
  return typeof value === 'string' ? value : undefined;
}

function checkParamHeaders(
  server: McpServer,
  fields: RequestFields,
  body: Buffer,
  record: Int32Array,
): Refusal | undefined {
  if (methodText(body, record) !== 'tools/call') return undefined;
  const headers = server.toolEntry(nameText(body, record))?.paramHeaders ?? [];
  if (headers.length === 0) return undefined;
  const text = rangeText(body, record, EnvelopeField.ArgumentsStart);
  const problem = paramHeaderProblem(headers, fields.params, text === '' ? undefined : JSON.parse(text));
  return problem === undefined ? undefined : headerMismatch(problem);
}

/**
 * The specification leaves the headers of notifications open: they need not be there, and where they are they must
 * not contradict the body.
 */
function checkNotification(
  server: McpServer,
  fields: RequestFields,
  body: Buffer,
  record: Int32Array,
): Refusal | undefined {
  const named = metaOf(body, record)?.[MetaKey.ProtocolVersion];
  const mismatch = typeof named === 'string' ? versionMismatch(fields, named) : undefined;
  if (mismatch !== undefined) return mismatch;
  const version = typeof named === 'string' ? named : fields.protocolVersion;
  if (isModernVersion(version) && !server.catalogue.options.modern.includes(version))
    return unsupportedVersion(server, version);
  const method = methodText(body, record);
  const header = trimHeaderValue(fields.method);
  return header === '' || header === method
    ? undefined
    : headerMismatch(differs('Mcp-Method', header, method));
}

function headerMismatch(problem: string): Refusal {
  return refusal(400, RpcErrorCode.HeaderMismatch, `Header mismatch: ${problem}`);
}

export function unsupportedVersion(server: McpServer, requested: string): Refusal {
  const supported = supportedVersions(server);
  return refusal(
    400,
    RpcErrorCode.UnsupportedProtocolVersion,
    `Unsupported protocol version: ${requested}; this server speaks ${supported.join(', ')}`,
    { supported, requested },
  );
}

/** A request of the legacy era on a server that serves none of its revisions. */
export function refuseLegacy(
  server: McpServer,
  fields: RequestFields,
  body: Buffer,
  record: Int32Array,
): Refusal {
  const kind = record[EnvelopeField.Kind];
  if (kind !== EnvelopeKind.Request && kind !== EnvelopeKind.Notification)
    return refusal(400, RpcErrorCode.InvalidRequest, 'Invalid Request: a client sends no responses');
  if (methodText(body, record) === 'initialize') {
    const params = asObject(JSON.parse(rangeText(body, record, EnvelopeField.ParamsStart) || 'null'));
    return unsupportedVersion(server, String(params?.protocolVersion ?? 'none'));
  }
  if (fields.protocolVersion !== '')
    return unsupportedVersion(server, trimHeaderValue(fields.protocolVersion));
  return headerMismatch(
    `the MCP-Protocol-Version header is missing; this server speaks ${supportedVersions(server).join(', ')}`,
  );
}
