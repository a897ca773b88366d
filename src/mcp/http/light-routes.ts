/**
 * Answers the usual modern requests past the generic path: tools straight by their handlers, lists and fixed resources
 * with prepared text. A request with anything unusual about it, and whatever has to be refused, is left to others.
 * What is answered here is byte for byte what the generic path answers.
 */
import { EnvelopeField, EnvelopeFlag, EnvelopeKind } from '../../binding/constants.generated.js';
import { frameSizeError, jsonHead } from '../../rpc/http/exchange-transport.js';
import { AnswerCompressor } from '../../transports/http/content-coding.js';
import type { HttpExchange } from '../../transports/http/http-server.js';
import { PreparedGzip } from '../../transports/http/prepared-gzip.js';
import type { ResolvedHttpOptions } from '../../transports/http/resolve-http-options.js';
import { McpCallContext } from '../context.js';
import { onlyText, unusual } from '../direct-routes.js';
import { paramHeaderProblem } from '../param-headers.js';
import { failed, isPromise, succeeded } from '../serve-handler.js';
import type { McpServer } from '../server.js';
import { invalidArguments, type ToolEntry, type ToolOutcome } from '../tool.js';
import { LightCall, type LightCallOwner } from './light-call.js';
import type { AnswerForm } from './media-types.js';
import type { RequestFields } from './request-fields.js';

/** The revision of EnvelopeFlag.VersionModern. */
const version = '2026-07-28';

const usualMask =
  unusual |
  EnvelopeFlag.MethodEscaped |
  EnvelopeFlag.NameEscaped |
  EnvelopeFlag.VersionModern |
  EnvelopeFlag.HasClientCapabilities;
const usual = EnvelopeFlag.VersionModern | EnvelopeFlag.HasClientCapabilities;

/** What follows the id in an answer that is known. */
class PreparedRest {
  readonly text: string;
  #gzip: PreparedGzip | undefined;

  constructor(result: string) {
    this.text = `,"result":${result}}`;
  }

  /** Compressed when it is first asked for. */
  get gzip(): PreparedGzip {
    this.#gzip ??= new PreparedGzip(this.text);
    return this.#gzip;
  }
}

export class LightRoutes {
  readonly #server: McpServer;
  readonly #owner: LightCallOwner;
  readonly #isServed: boolean;
  /** Ends the text of a result that is one text. */
  readonly #textEnd: string;
  /** By name; made when they are first called. */
  readonly #tools = new Map<string, ToolRoute>();
  /** What follows the id in the answer, by method and by URI; undefined after a change. */
  #replies: ReadonlyMap<string, PreparedRest> | undefined;
  #resources: ReadonlyMap<string, PreparedRest> | undefined;
  /** For prepared answers, of which only gzip can be put together from parts; undefined where it is not to be used. */
  readonly #compressor: AnswerCompressor | undefined;
  readonly #stopListening: () => void;

  constructor(server: McpServer, owner: LightCallOwner, compression: ResolvedHttpOptions['compression']) {
    if (compression !== false && compression.encodings.includes('gzip'))
      this.#compressor = new AnswerCompressor({ ...compression, encodings: ['gzip'] });
    this.#server = server;
    this.#owner = owner;
    this.#isServed = server.catalogue.options.modern.includes(version);
    this.#textEnd = `}],${JSON.stringify(server.catalogue.complete({})).slice(1)}}`;
    this.#stopListening = server.onCatalogueChange(() => {
      this.#tools.clear();
      this.#replies = undefined;
      this.#resources = undefined;
    });
  }

  /** Frees what the server holds of this. */
  close(): void {
    this.#stopListening();
  }

  /** Answers a request whose scan was Ok, if it is a usual one. False: nothing was done. */
  serve(exchange: HttpExchange, fields: RequestFields, body: Buffer, record: Int32Array): boolean {
    const flags = record[EnvelopeField.Flags];
    if ((flags & usualMask) !== usual || record[EnvelopeField.Kind] !== EnvelopeKind.Request) return false;
    if (fields.protocolVersion !== version || fields.form === 'events' || !this.#isServed) return false;
    const { method } = fields;
    if (!equals(method, body, record, EnvelopeField.MethodStart) || this.#server.hasInterceptors)
      return false;
    if (method === 'tools/call')
      return (flags & EnvelopeFlag.NameIsUri) === 0 && this.#callTool(exchange, fields, body, record);
    const isRead = method === 'resources/read';
    const rest = isRead ? this.#resource(fields, body, record, flags) : this.#reply(method);
    if (rest === undefined) return false;
    const beginning = `{"jsonrpc":"2.0","id":${idOf(body, record)}`;
    const text = beginning + rest.text;
    if (frameSizeError(text, this.#owner.maxFrameBytes) !== undefined) return false;
    const compressor = this.#compressor;
    const coding = compressor?.choose(fields.acceptEncoding, rest.text.length, jsonHead);
    const coded = coding === undefined ? undefined : rest.gzip.after(beginning);
    if (coded === undefined) exchange.respond(200, jsonHead, text);
    else exchange.respond(200, compressor!.headFor('gzip', jsonHead), coded);
    return true;
  }

  /** Whether Accept-Encoding matters for prepared answers. */
  get compresses(): boolean {
    return this.#compressor !== undefined;
  }

  #reply(method: string): PreparedRest | undefined {
    this.#replies ??= withEnds(this.#server.preparedReplies());
    return this.#replies.get(method);
  }

  #resource(
    { name }: RequestFields,
    body: Buffer,
    record: Int32Array,
    flags: number,
  ): PreparedRest | undefined {
    if ((flags & EnvelopeFlag.NameIsUri) === 0 || !equals(name, body, record, EnvelopeField.NameStart))
      return undefined;
    // Such a value has to be decoded first.
    if (name.startsWith('=')) return undefined;
    this.#resources ??= withEnds(this.#server.preparedResources());
    return this.#resources.get(name);
  }

  #callTool(exchange: HttpExchange, fields: RequestFields, body: Buffer, record: Int32Array): boolean {
    const route = this.#tools.get(fields.name) ?? this.#addTool(fields.name);
    if (route === undefined || !equals(fields.name, body, record, EnvelopeField.NameStart)) return false;
    const start = record[EnvelopeField.ArgumentsStart];
    const args: unknown =
      start < 0 ? undefined : JSON.parse(textOf(body, record, start, record[EnvelopeField.ArgumentsEnd]));
    const { paramHeaders } = route.tool;
    if (paramHeaders.length > 0 && paramHeaderProblem(paramHeaders, fields.params, args) !== undefined)
      return false;
    const metaStart = record[EnvelopeField.MetaStart];
    const metaEnd = record[EnvelopeField.MetaEnd];
    const form = fields.form as AnswerForm;
    const call = new LightCall(this.#owner, exchange, form, idOf(body, record), body, metaStart, metaEnd);
    route.serve(call, args);
    return true;
  }

  #addTool(name: string): ToolRoute | undefined {
    const tool = this.#server.toolEntry(name);
    if (tool === undefined) return undefined;
    const route = new ToolRoute(this.#server, tool, this.#textEnd);
    this.#tools.set(name, route);
    return route;
  }
}

/**
 * tools/call of one tool. Does what Methods and invokeTool() do, step by step, so that a call whose handler returns
 * one text makes no closure and no promise of ours.
 */
class ToolRoute {
  readonly tool: ToolEntry;
  readonly #server: McpServer;
  readonly #textEnd: string;

  constructor(server: McpServer, tool: ToolEntry, textEnd: string) {
    this.#server = server;
    this.tool = tool;
    this.#textEnd = textEnd;
  }

  /** `input` is params.arguments as sent; undefined where there is none. */
  serve(call: LightCall, input: unknown): void {
    const { tool } = this;
    const context = new McpCallContext(call, this.#server.methods.modernCaller(call), () => ({
      name: tool.name,
      arguments: input,
    }));
    let args = input ?? {};
    let outcome: unknown;
    try {
      if (tool.input !== undefined) {
        const verdict = tool.input.validate(args);
        if (isPromise(verdict)) {
          this.#followOutcome(call, tool.invoke(args, context));
          return;
        }
        if ('problem' in verdict) {
          this.#finish(call, invalidArguments(tool, verdict.problem));
          return;
        }
        args = verdict.value as object;
      }
      outcome = tool.handler(args as never, context);
    } catch (error) {
      this.#fail(call, context, error);
      return;
    }
    if (isPromise(outcome)) this.#follow(call, context, outcome);
    else this.#settle(call, context, outcome);
  }

  #follow(call: LightCall, context: McpCallContext, promise: PromiseLike<unknown>): void {
    call.track();
    Promise.resolve(promise).then(
      (value) => this.#settle(call, context, value),
      (error) => this.#fail(call, context, error),
    );
  }

  /** The handler's value has come. */
  #settle(call: LightCall, context: McpCallContext, value: unknown): void {
    const { tool } = this;
    if (!call.isWanted) {
      context.finish();
      return;
    }
    const text = tool.output === undefined && context.openedInput === undefined ? onlyText(value) : undefined;
    if (text !== undefined) {
      context.finish();
      call.answer(
        `{"jsonrpc":"2.0","id":${call.id},"result":{"content":[{"type":"text","text":${JSON.stringify(text)}${this.#textEnd}`,
      );
      return;
    }
    try {
      const outcome = succeeded(context, value, neverAgain, tool.finish);
      if (isPromise(outcome)) this.#followOutcome(call, outcome);
      else this.#finish(call, outcome as ToolOutcome);
    } catch (error) {
      call.fail(error);
    }
  }

  #followOutcome(call: LightCall, outcome: unknown): void {
    call.track();
    Promise.resolve(outcome).then(
      (settled) => {
        if (call.isWanted) this.#finish(call, settled as ToolOutcome);
      },
      (error) => {
        if (call.isWanted) call.fail(error);
      },
    );
  }

  #fail(call: LightCall, context: McpCallContext, error: unknown): void {
    if (!call.isWanted) {
      context.finish();
      return;
    }
    try {
      this.#finish(call, failed(context, error, this.tool.finish));
    } catch (told) {
      call.fail(told);
    }
  }

  #finish(call: LightCall, outcome: ToolOutcome): void {
    let result: object;
    try {
      result = this.#server.methods.dress('modern', outcome);
    } catch (error) {
      call.fail(error);
      return;
    }
    call.answerResult(result);
  }
}

/** A modern handler that needs input is answered so, and runs again in another request. */
function neverAgain(): never {
  throw new Error('A modern call does not run its handler twice.');
}

function withEnds(results: ReadonlyMap<string, string>): ReadonlyMap<string, PreparedRest> {
  return new Map([...results].map(([key, text]) => [key, new PreparedRest(text)]));
}

function idOf(body: Buffer, record: Int32Array): string {
  return textOf(body, record, record[EnvelopeField.IdStart], record[EnvelopeField.IdEnd]);
}

function textOf(body: Buffer, record: Int32Array, start: number, end: number): string {
  const isAscii = (record[EnvelopeField.Flags] & EnvelopeFlag.Ascii) !== 0;
  return body.toString(isAscii ? 'latin1' : 'utf8', start, end);
}

/** Whether a header's value is the range of the body at record[field], byte by byte. */
function equals(value: string, body: Buffer, record: Int32Array, field: number): boolean {
  const start = record[field];
  const { length } = value;
  if (record[field + 1] - start !== length) return false;
  for (let index = 0; index < length; index += 1)
    if (value.charCodeAt(index) !== body[start + index]) return false;
  return true;
}
