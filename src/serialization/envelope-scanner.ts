/**
 * The envelope scanner in TypeScript, used where the native one (native/src/json) cannot load. Both decide
 * identically, record for record: test/differential compares them.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import {
  EnvelopeKind,
  EnvelopeField as Field,
  EnvelopeFlag as Flag,
  ScanVerdict as Verdict,
} from '../binding/constants.generated.js';
import { JsonWalker, lexicalError } from './envelope-json.js';

/** The largest maxDepth, as in the native scanner. */
const maxDepthLimit = 1024;

const ascii = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** One bit per key that must not appear twice at its level, and the key's bytes. */
class KnownKey {
  readonly bytes: Uint8Array;
  readonly bit: number;
  constructor(text: string, index: number) {
    this.bytes = ascii(text);
    this.bit = 1 << index;
  }
}

const keys = [
  'jsonrpc',
  'id',
  'method',
  'params',
  'result',
  'error',
  'name',
  'uri',
  'arguments',
  '_meta',
  'inputResponses',
  'requestState',
  'io.modelcontextprotocol/protocolVersion',
  'io.modelcontextprotocol/clientCapabilities',
  'io.modelcontextprotocol/logLevel',
  'progressToken',
  'traceparent',
].map((text, index) => new KnownKey(text, index));
const [jsonrpc, id, method, params, result, error, name, uri, args, meta, inputResponses, requestState] =
  keys;
const [protocolVersion, clientCapabilities, logLevel, progressToken, traceparent] = keys.slice(12);
const envelopeKeys = [jsonrpc, id, method, params, result, error];
const paramsKeys = [name, uri, args, meta, inputResponses, requestState];
const metaKeys = [protocolVersion, clientCapabilities, logLevel, progressToken, traceparent];
const jsonrpcVersion = ascii('2.0');
const modernVersion = ascii('2026-07-28');

type Presence = 'absent' | 'good' | 'bad';

const openBrace = 0x7b;
const openBracket = 0x5b;
const quote = 0x22;
const backslash = 0x5c;

export class TwinEnvelopeScanner {
  readonly #walker: JsonWalker;
  #text: Uint8Array = new Uint8Array(0);
  #record: Int32Array = new Int32Array(0);
  #origin = 0;
  #hasEscapes = false;
  #flags = 0;
  #seen = 0;
  #duplicate = -1;
  #id: 'absent' | 'text' | 'integer' | 'null' | 'invalid' = 'absent';
  #jsonrpc: Presence = 'absent';
  #method: Presence = 'absent';
  #params: Presence = 'absent';
  #error: Presence = 'absent';
  #hasResult = false;
  /** Where the values stand that a rule may refuse. */
  readonly #at = { root: 0, jsonrpc: 0, id: 0, method: 0, params: 0, error: 0 };

  constructor(maxDepth: number) {
    if (!Number.isInteger(maxDepth) || maxDepth < 1 || maxDepth > maxDepthLimit)
      throw new TypeError(`"maxDepth" must be an integer between 1 and ${maxDepthLimit}`);
    this.#walker = new JsonWalker(maxDepth);
  }

  /** Fills the record (EnvelopeField.Count elements) and returns the ScanVerdict. */
  scan(frame: Uint8Array, record: Int32Array): number {
    if (record.length < Field.Count)
      throw new TypeError('"record" must be an Int32Array of EnvelopeField.Count elements or more');
    return this.#scan(frame, record, 0);
  }

  /** See NativeEnvelopeScanner.scanLines. */
  scanLines(buffer: Uint8Array, length: number, records: Int32Array): number {
    if (!Number.isInteger(length) || length < 0 || length > buffer.length)
      throw new TypeError('"length" must be an integer between 0 and the buffer\'s length');
    const room = Math.floor(records.length / Field.Count);
    let count = 0;
    for (let start = 0; count < room; count++) {
      const end = buffer.indexOf(0x0a, start);
      if (end < 0 || end >= length) break;
      const record = records.subarray(count * Field.Count, (count + 1) * Field.Count);
      this.#scan(buffer.subarray(start, end), record, start);
      start = end + 1;
    }
    return count;
  }

  #scan(frame: Uint8Array, record: Int32Array, origin: number): number {
    this.#reset(frame, record, origin);
    const root = this.#walker.skipSpace(0);
    if (root === frame.length) return this.#clear(Verdict.Empty, 0);
    const isAllAscii = isAscii(frame);
    if (!isAllAscii && !isUtf8(frame)) return this.#clear(Verdict.InvalidUtf8, 0);
    const walker = this.#walker;
    const after = frame[root] === openBrace ? this.#envelope(root) : walker.value(root, 0);
    if (after >= 0) {
      const rest = walker.skipSpace(after);
      if (rest < frame.length) walker.unexpected(rest);
    }
    if (walker.verdict !== Verdict.Ok) {
      const lexical = lexicalError(frame);
      return lexical < 0
        ? this.#clear(walker.verdict, walker.errorOffset)
        : this.#clear(Verdict.InvalidJson, lexical);
    }
    this.#at.root = root;
    const verdict = this.#finish();
    record[Field.Flags] |= (isAllAscii ? Flag.Ascii : 0) | (this.#hasEscapes ? Flag.HasEscapes : 0);
    return verdict;
  }

  #reset(frame: Uint8Array, record: Int32Array, origin: number): void {
    this.#walker.reset(frame);
    this.#text = frame;
    this.#record = record;
    this.#origin = origin;
    this.#hasEscapes = frame.indexOf(backslash) >= 0;
    this.#flags = 0;
    this.#seen = 0;
    this.#duplicate = -1;
    this.#id = 'absent';
    this.#jsonrpc = this.#method = this.#params = this.#error = 'absent';
    this.#hasResult = false;
    record.fill(-1, 0, Field.ErrorOffset);
    record[Field.FrameStart] = origin;
    record[Field.FrameEnd] = origin + frame.length;
  }

  /** A refusal that leaves nothing in the record but itself. */
  #clear(verdict: number, offset: number): number {
    this.#record.fill(-1, 0, Field.ErrorOffset);
    this.#record[Field.Flags] = 0;
    return this.#refuse(verdict, offset);
  }

  #refuse(verdict: number, offset: number): number {
    this.#record[Field.Verdict] = verdict;
    this.#record[Field.Kind] = 0;
    this.#record[Field.ErrorOffset] = offset + this.#origin;
    return verdict;
  }

  #set(field: number, start: number, end: number): void {
    this.#record[field] = start + this.#origin;
    this.#record[field + 1] = end + this.#origin;
  }

  /** Which of the keys stands at [start, end), which is marked as seen; undefined where it is another. */
  #key(known: readonly KnownKey[], start: number, end: number): KnownKey | undefined {
    for (const key of known) {
      if (!this.#equals(start, end, key.bytes)) continue;
      if ((this.#seen & key.bit) !== 0 && this.#duplicate < 0) this.#duplicate = start - 1;
      this.#seen |= key.bit;
      return key;
    }
    return undefined;
  }

  #equals(start: number, end: number, bytes: Uint8Array): boolean {
    const text = this.#text;
    if (end - start === bytes.length) {
      for (let i = 0; i < bytes.length; i++) if (text[start + i] !== bytes[i]) return false;
      return true;
    }
    return this.#hasEscapes && end - start > bytes.length && this.#equalsEscaped(start, end, bytes);
  }

  #equalsEscaped(start: number, end: number, bytes: Uint8Array): boolean {
    // The longest spelling of a character is six bytes (\u0069): longer text cannot be equal.
    if (end - start > 6 * bytes.length) return false;
    const slice = this.#text.subarray(start, end);
    if (slice.indexOf(backslash) < 0) return false;
    const plain = JSON.parse(`"${Buffer.from(slice).toString()}"`) as string;
    if (plain.length !== bytes.length) return false;
    for (let i = 0; i < bytes.length; i++) if (plain.charCodeAt(i) !== bytes[i]) return false;
    return true;
  }

  #envelope(start: number): number {
    return this.#walker.object(start, 0, (keyStart, keyEnd, value) => {
      const key = this.#key(envelopeKeys, keyStart, keyEnd);
      if (key === id) return this.#readId(value);
      if (key === method) return this.#readMethod(value);
      if (key === params) return this.#readParams(value);
      const end = this.#walker.value(value, 1);
      if (end < 0 || key === undefined) return end;
      if (key === jsonrpc) {
        this.#at.jsonrpc = value;
        const good = this.#text[value] === quote && this.#equals(value + 1, end - 1, jsonrpcVersion);
        this.#jsonrpc = good ? 'good' : 'bad';
        return end;
      }
      if (key === result) {
        this.#hasResult = true;
      } else {
        this.#at.error = value;
        this.#error = this.#text[value] === openBrace ? 'good' : 'bad';
      }
      this.#set(Field.ResultStart, value, end);
      return end;
    });
  }

  #readMethod(value: number): number {
    const end = this.#walker.value(value, 1);
    this.#at.method = value;
    this.#method = this.#text[value] === quote ? 'good' : 'bad';
    if (end >= 0 && this.#method === 'good') this.#set(Field.MethodStart, value + 1, end - 1);
    return end;
  }

  #readId(value: number): number {
    const end = this.#walker.value(value, 1);
    if (end < 0) return -1;
    const byte = this.#text[value];
    this.#at.id = value;
    this.#id = 'invalid';
    if (byte === quote) {
      this.#id = 'text';
    } else if (byte === 0x6e) {
      this.#id = 'null';
    } else {
      for (let i = value; i < end; i++) {
        const digit = this.#text[i];
        if (digit !== 0x2d && (digit < 0x30 || digit > 0x39)) return end;
      }
      this.#id = 'integer';
    }
    this.#set(Field.IdStart, value, end);
    return end;
  }

  #readParams(value: number): number {
    const byte = this.#text[value];
    const isObject = byte === openBrace;
    this.#at.params = value;
    this.#params = isObject || byte === openBracket ? 'good' : 'bad';
    const end = isObject ? this.#readParamsObject(value) : this.#walker.value(value, 1);
    if (end < 0 || this.#params === 'bad') return end;
    if (!isObject) this.#flags |= Flag.ParamsIsArray;
    this.#set(Field.ParamsStart, value, end);
    return end;
  }

  #readParamsObject(start: number): number {
    return this.#walker.object(start, 1, (keyStart, keyEnd, value) => {
      const key = this.#key(paramsKeys, keyStart, keyEnd);
      const byte = this.#text[value];
      if (key === meta && byte === openBrace) return this.#readMeta(value);
      const end = this.#walker.value(value, 2);
      if (end < 0) return end;
      if (key === name && byte === quote) {
        this.#flags &= ~Flag.NameIsUri;
        this.#set(Field.NameStart, value + 1, end - 1);
      } else if (key === uri && byte === quote) {
        if (this.#record[Field.NameStart] < 0) {
          this.#flags |= Flag.NameIsUri;
          this.#set(Field.NameStart, value + 1, end - 1);
        }
      } else if (key === args && byte === openBrace) {
        this.#set(Field.ArgumentsStart, value, end);
      } else {
        this.#flags |= Flag.HasOtherParams;
        if (key === inputResponses || key === requestState) this.#flags |= Flag.HasRetry;
      }
      return end;
    });
  }

  #readMeta(start: number): number {
    const metaEnd = this.#walker.object(start, 2, (keyStart, keyEnd, value) => {
      const end = this.#walker.value(value, 3);
      if (end < 0) return -1;
      const key = this.#key(metaKeys, keyStart, keyEnd);
      const byte = this.#text[value];
      if (key === protocolVersion || key === clientCapabilities) this.#flags |= Flag.HasModernMeta;
      if (key === protocolVersion && byte === quote) {
        this.#set(Field.VersionStart, value + 1, end - 1);
        if (this.#equals(value + 1, end - 1, modernVersion)) this.#flags |= Flag.VersionModern;
      } else if (key === clientCapabilities && byte === openBrace) {
        this.#flags |= Flag.HasClientCapabilities;
      } else if (key === logLevel) {
        this.#flags |= Flag.HasLogLevel;
      } else if (
        key === progressToken &&
        (byte === quote || byte === 0x2d || (byte >= 0x30 && byte <= 0x39))
      ) {
        this.#set(Field.ProgressTokenStart, value, end);
        this.#flags |= Flag.HasProgressToken;
      } else if (key === traceparent) {
        this.#flags |= Flag.HasTrace;
      }
      return end;
    });
    if (metaEnd >= 0) this.#set(Field.MetaStart, start, metaEnd);
    return metaEnd;
  }

  #finish(): number {
    const record = this.#record;
    const root = this.#at.root;
    record[Field.Flags] = 0;
    if (this.#text[root] === openBracket) return this.#refuse(Verdict.BatchArray, root);
    if (this.#text[root] !== openBrace) return this.#refuse(Verdict.NotAnObject, root);
    if (this.#duplicate >= 0) return this.#clear(Verdict.DuplicateKey, this.#duplicate);
    if (this.#id === 'text') this.#flags |= Flag.IdIsString;
    if (this.#isEscaped(Field.MethodStart)) this.#flags |= Flag.MethodEscaped;
    if (this.#isEscaped(Field.NameStart)) this.#flags |= Flag.NameEscaped;
    const verdict = this.#brokenRule();
    if (this.#id === 'null') {
      if (verdict === Verdict.Ok) this.#flags |= Flag.IdIsNull;
      else record.fill(-1, Field.IdStart, Field.IdEnd + 1);
    }
    record[Field.Flags] = this.#flags;
    if (verdict !== Verdict.Ok) return verdict;
    record[Field.Verdict] = Verdict.Ok;
    record[Field.Kind] = this.#kind();
    record[Field.ErrorOffset] = 0;
    return Verdict.Ok;
  }

  #isEscaped(field: number): boolean {
    const start = this.#record[field];
    if (!this.#hasEscapes || start < 0) return false;
    const range = this.#text.subarray(start - this.#origin, this.#record[field + 1] - this.#origin);
    return range.indexOf(backslash) >= 0;
  }

  #kind(): number {
    if (this.#method !== 'absent')
      return this.#id === 'absent' ? EnvelopeKind.Notification : EnvelopeKind.Request;
    return this.#hasResult ? EnvelopeKind.Response : EnvelopeKind.Error;
  }

  /** The first rule that the envelope breaks, by number, or Ok. */
  #brokenRule(): number {
    const at = this.#at;
    const hasMethod = this.#method !== 'absent';
    const hasError = this.#error !== 'absent';
    if (this.#jsonrpc !== 'good')
      return this.#refuse(Verdict.VersionMissing, this.#jsonrpc === 'bad' ? at.jsonrpc : at.root);
    const nullAllowed = hasError && !this.#hasResult && !hasMethod;
    if (this.#id === 'invalid' || (this.#id === 'null' && !nullAllowed))
      return this.#refuse(Verdict.InvalidId, at.id);
    if (this.#method === 'bad') return this.#refuse(Verdict.InvalidMethod, at.method);
    if (this.#params === 'bad') return this.#refuse(Verdict.InvalidParams, at.params);
    if (this.#error === 'bad') return this.#refuse(Verdict.InvalidShape, at.error);
    const parts = Number(hasMethod) + Number(this.#hasResult) + Number(hasError);
    const idMissing = this.#hasResult && this.#id === 'absent';
    return parts !== 1 || idMissing ? this.#refuse(Verdict.InvalidShape, at.root) : Verdict.Ok;
  }
}
