/** What a server speaks, and a few questions to it before it is put under load. */
import { RingwireError, RpcError, RpcErrorCode } from '../../errors.js';
import { legacyVersions, probeTimeoutMs } from '../../mcp/protocol.js';
import { type JsonRpc, problemOf } from './javascript/answers.js';
import { Conversation, initialize } from './javascript/conversation.js';
import { modernVersion, requestMessage } from './javascript/message.js';
import { openLink } from './javascript/open-link.js';
import type { LoadEra, LoadTarget } from './load-plan.js';
import { isHttp } from './transport-name.js';

/** What a server said of itself. */
export interface ServerFacts {
  readonly era: LoadEra;
  /** undefined where it speaks JSON-RPC alone. */
  readonly protocolVersion?: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
}

type Params = Readonly<Record<string, unknown>>;

/** 'legacy' says no more than that it is no modern server. */
type Probed = ServerFacts | 'legacy';

function noCommonVersion(versions: readonly unknown[]): RingwireError {
  const text = `The server speaks MCP ${versions.join(', ')}; a load speaks ${[modernVersion, ...legacyVersions].join(', ')}.`;
  return new RingwireError('PROTOCOL_VERSION', text);
}

/** What a server's list of revisions means. */
function chosen(versions: readonly unknown[], capabilities: Params): Probed {
  if (versions.includes(modernVersion))
    return { era: 'modern', protocolVersion: modernVersion, capabilities };
  if (legacyVersions.some((version) => versions.includes(version))) return 'legacy';
  throw noCommonVersion(versions);
}

function readDiscovery({ result, error }: JsonRpc): Probed {
  const { supportedVersions, capabilities } = (result ?? {}) as {
    supportedVersions?: unknown;
    capabilities?: Params;
  };
  if (Array.isArray(supportedVersions)) return chosen(supportedVersions, capabilities ?? {});
  const { code, data } = (error ?? {}) as { code?: unknown; data?: { supported?: unknown } };
  if (code === RpcErrorCode.UnsupportedProtocolVersion && Array.isArray(data?.supported))
    return chosen(data.supported, {});
  return 'legacy';
}

/** A refusal that says nothing of what the server speaks, but that it does not speak with us. */
function refused(reason: string): RingwireError | undefined {
  if (/^HTTP 40[13]\b/.test(reason)) {
    const text = `The server wants an authorization (${reason}). Give it with a header, such as "Authorization: Bearer …".`;
    return new RingwireError('UNAUTHORIZED', text);
  }
  if (/^HTTP (?:3\d\d|429|50[234])\b/.test(reason))
    return new RingwireError('HTTP_STATUS', `The server did not answer: ${reason}`);
  return undefined;
}

async function probe(conversation: Conversation, overHttp: boolean): Promise<Probed> {
  const message = requestMessage('server/discover', {}, 'modern');
  try {
    // Silence tells a server of older revisions from a modern one, but not over HTTP, where every request is answered.
    const answer = await conversation.ask(message, overHttp ? undefined : probeTimeoutMs);
    if (!('refusal' in answer)) return readDiscovery(answer.message);
    const problem = refused(answer.refusal);
    if (problem !== undefined) throw problem;
    return 'legacy';
  } catch (error) {
    if (overHttp || !(error instanceof RingwireError) || error.code !== 'DEADLINE_EXCEEDED') throw error;
    return 'legacy';
  }
}

/** A connection to a server whose era is known. */
export class Acquaintance {
  readonly facts: ServerFacts;
  readonly #conversation: Conversation;

  private constructor(conversation: Conversation, facts: ServerFacts) {
    this.#conversation = conversation;
    this.facts = facts;
  }

  /**
   * Connects, finds out the era unless it is given, and greets the server as the era wants.
   * @throws RingwireError what connecting throws, and UNAUTHORIZED, HTTP_STATUS, PROTOCOL_VERSION, DEADLINE_EXCEEDED;
   *   CANCELLED once `signal` is aborted, also of ask().
   */
  static async make(target: LoadTarget, era?: LoadEra, signal?: AbortSignal): Promise<Acquaintance> {
    const conversation = new Conversation(await openLink(target), signal);
    try {
      if (era === undefined) return await Acquaintance.#findOut(target, conversation, signal);
      if (era !== 'legacy') return new Acquaintance(conversation, { era, capabilities: {} });
      return await Acquaintance.#greet(target, conversation, false);
    } catch (error) {
      await conversation.close();
      throw error;
    }
  }

  /** The result of a request. Throws RpcError for the server's errors, and what the connection failed with. */
  async ask(method: string, params: Params = {}): Promise<Params> {
    const answer = await this.#conversation.ask(requestMessage(method, params, this.facts.era));
    if ('refusal' in answer)
      throw new RingwireError('HTTP_STATUS', `"${method}" was answered with: ${answer.refusal}`);
    const { error, result } = answer.message as {
      error?: { code?: number } | null;
      result?: Params;
    };
    if (error !== undefined && error !== null) {
      const problem = problemOf(answer.message);
      throw new RpcError(error.code ?? 0, `"${method}" was answered with ${problem}`);
    }
    return result ?? {};
  }

  async close(): Promise<void> {
    await this.#conversation.close();
  }

  static async #findOut(
    target: LoadTarget,
    conversation: Conversation,
    signal: AbortSignal | undefined,
  ): Promise<Acquaintance> {
    let probed: Probed;
    try {
      probed = await probe(conversation, isHttp(target));
    } catch (error) {
      const ends = ['CHILD_EXITED', 'CONNECTION_CLOSED', 'CONNECTION_RESET'];
      if (!(error instanceof RingwireError) || !ends.includes(error.code)) throw error;
      // Some servers of older revisions end at a message they do not know.
      await conversation.close();
      return Acquaintance.make(target, 'legacy', signal).catch((second: unknown) => {
        throw second instanceof RingwireError && ends.includes(second.code) ? error : second;
      });
    }
    if (probed !== 'legacy') return new Acquaintance(conversation, probed);
    return Acquaintance.#greet(target, conversation, true);
  }

  /** @param maybePlain a server that has no initialize speaks JSON-RPC alone. */
  static async #greet(
    target: LoadTarget,
    conversation: Conversation,
    maybePlain: boolean,
  ): Promise<Acquaintance> {
    const greeting = await initialize(conversation, isHttp(target));
    if (!('problem' in greeting)) {
      const { protocolVersion, capabilities } = greeting;
      return new Acquaintance(conversation, { era: 'legacy', protocolVersion, capabilities });
    }
    if (maybePlain && greeting.isRpc)
      return new Acquaintance(conversation, { era: 'none', capabilities: {} });
    const wants = maybePlain ? 'neither server/discover nor initialize' : 'no initialize';
    throw (
      refused(greeting.problem) ??
      new RingwireError('PROTOCOL_VERSION', `The server answers ${wants} of MCP: ${greeting.problem}`)
    );
  }
}

/** The era of a server: asks server/discover, then initialize; a server that knows neither speaks JSON-RPC alone. */
export async function detectEra(target: LoadTarget): Promise<ServerFacts> {
  const acquaintance = await Acquaintance.make(target);
  await acquaintance.close();
  return acquaintance.facts;
}
