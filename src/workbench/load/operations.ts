/** What a load consists of: named mixes, weights, and what they ask of the server at hand. */
import { RingwireError } from '../../errors.js';
import { closestName } from '../../transports/option-checks.js';
import type { Acquaintance } from './era.js';
import type { LoadEra, LoadOperation } from './load-plan.js';
import { sampleArguments, sampleText, type TextKind, textArgument } from './sample-arguments.js';

/** Kinds of requests that a mix weighs. */
export const operationKinds = ['read', 'call', 'subscribe', 'list', 'ping'] as const;
export type OperationKind = (typeof operationKinds)[number];

/** Mixes that have a name. `mcp` is what a host of many agents sends: it mostly reads. */
export const namedMixes: Readonly<Record<string, Readonly<Partial<Record<OperationKind, number>>>>> = {
  mcp: { read: 0.7, call: 0.2, subscribe: 0.1 },
  echo: { call: 1 },
  list: { list: 1 },
  ping: { ping: 1 },
};

export interface OperationChoice {
  /** A named mix or weights, as 'read=0.7,call=0.2,subscribe=0.1'. */
  readonly mix?: string;
  /** One method instead of a mix, with its params. */
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** The tool that calls call. Default: one called echo, else the first that says it only reads. */
  readonly tool?: string;
  /** Default: what the tool's schema requires, with the text in it. */
  readonly arguments?: Readonly<Record<string, unknown>>;
  /** The URI that reads read and subscriptions are for. Default: the first the server lists and gives. */
  readonly resource?: string;
  /** Bytes of the text in generated arguments, as JSON. Default: a short one. */
  readonly textBytes?: number;
  /** What the text consists of. Default ascii. */
  readonly text?: TextKind;
}

type Params = Readonly<Record<string, unknown>>;

function invalid(message: string): RingwireError {
  return new RingwireError('CONFIG_INVALID', message);
}

/** The weights of a mix. Throws CONFIG_INVALID. */
export function parseMix(mix: string): ReadonlyMap<OperationKind, number> {
  if (Object.hasOwn(namedMixes, mix))
    return new Map(Object.entries(namedMixes[mix])) as Map<OperationKind, number>;
  const names = Object.keys(namedMixes);
  const right = `Name ${names.join(', ')}, or weights as read=0.7,call=0.2,subscribe=0.1.`;
  const weights = new Map<OperationKind, number>();
  for (const part of mix.split(',')) {
    const match = /^\s*([a-z]+)\s*(?:=\s*(\d+(?:\.\d+)?|\.\d+)\s*)?$/i.exec(part);
    if (match === null || (match[2] === undefined && mix.includes(',')))
      throw invalid(`There is no mix "${mix}". ${right}`);
    const [, name, weight] = match;
    if (!(operationKinds as readonly string[]).includes(name)) {
      const near = closestName(name, [...operationKinds, ...names]);
      throw invalid(
        `"${name}" in the mix "${mix}" is no kind of request. ${near === undefined ? right : `Did you mean "${near}"?`}`,
      );
    }
    if (weights.has(name as OperationKind)) throw invalid(`The mix "${mix}" weighs "${name}" twice.`);
    weights.set(name as OperationKind, weight === undefined ? 1 : Number(weight));
  }
  if (![...weights.values()].some((weight) => weight > 0))
    throw invalid(`The mix "${mix}" weighs nothing above 0. ${right}`);
  return weights;
}

interface ToolFacts {
  readonly name: string;
  readonly inputSchema?: unknown;
  readonly annotations?: { readonly readOnlyHint?: boolean };
}

/** Items of the first page of a list; a server without it has none. */
async function firstPage(server: Acquaintance, method: string, key: string): Promise<unknown[]> {
  try {
    const items = (await server.ask(method))[key];
    return Array.isArray(items) ? items : [];
  } catch (error) {
    if (error instanceof RingwireError && error.code === 'RPC_ERROR') return [];
    throw error;
  }
}

function namesOf(tools: readonly ToolFacts[]): string {
  const shown = tools.slice(0, 12).map(({ name }) => name);
  return `${shown.join(', ')}${tools.length > shown.length ? ', …' : ''}`;
}

function pickTool(tools: readonly ToolFacts[], wanted: string | undefined): ToolFacts {
  if (wanted !== undefined) {
    const named = tools.find(({ name }) => name === wanted);
    if (named !== undefined) return named;
    const near = closestName(
      wanted,
      tools.map(({ name }) => name),
    );
    const hint = near === undefined ? `It offers ${namesOf(tools)}.` : `Did you mean "${near}"?`;
    throw invalid(`The server offers no tool "${wanted}". ${hint}`);
  }
  const safe =
    tools.find(({ name }) => name === 'echo') ??
    tools.find(({ annotations }) => annotations?.readOnlyHint === true);
  if (safe !== undefined) return safe;
  throw invalid(
    `The server offers the tools ${namesOf(tools)}; none is called echo or says that it only reads. ` +
      'Name the one to call with "tool", and its "arguments".',
  );
}

function filledArguments(tool: ToolFacts, { text = 'ascii', textBytes }: OperationChoice): Params {
  const filled = sampleArguments(tool.inputSchema);
  const name = textArgument(tool.inputSchema);
  if (name !== undefined) return { ...filled, [name]: sampleText(text, textBytes) };
  if (textBytes === undefined) return filled;
  throw invalid(
    `The tool "${tool.name}" takes no free text, so "textBytes" has no place. Leave it out, or give "arguments".`,
  );
}

async function callParams(server: Acquaintance, choice: OperationChoice): Promise<Params> {
  if (choice.tool !== undefined && choice.arguments !== undefined)
    return { name: choice.tool, arguments: choice.arguments };
  const tools = (await firstPage(server, 'tools/list', 'tools')) as ToolFacts[];
  if (tools.length === 0)
    throw invalid(
      'The server offers no tools; take a mix without "call", such as "list", or name a "method".',
    );
  const tool = pickTool(tools, choice.tool);
  const params = { name: tool.name, arguments: choice.arguments ?? filledArguments(tool, choice) };
  const { isError, content } = (await server.ask('tools/call', params)) as {
    isError?: boolean;
    content?: unknown;
  };
  if (isError !== true) return params;
  const said = JSON.stringify(content).slice(0, 200);
  throw invalid(
    `The tool "${tool.name}" fails with the arguments ${JSON.stringify(params.arguments).slice(0, 200)}: ${said}. Give "arguments" it takes.`,
  );
}

/** Resources tried before a server counts as one without any that can be read. */
const triedResources = 5;

async function pickResource(server: Acquaintance, choice: OperationChoice): Promise<string | undefined> {
  if (choice.resource !== undefined) return choice.resource;
  const resources = (await firstPage(server, 'resources/list', 'resources')) as { uri?: unknown }[];
  for (const { uri } of resources.slice(0, triedResources)) {
    if (typeof uri !== 'string') continue;
    try {
      await server.ask('resources/read', { uri });
      return uri;
    } catch (error) {
      if (!(error instanceof RingwireError) || error.code !== 'RPC_ERROR') throw error;
    }
  }
  return undefined;
}

function subscription(weight: number, server: Acquaintance, uri: string | undefined): LoadOperation {
  const { era, capabilities } = server.facts;
  if (era === 'modern') {
    const notifications = uri === undefined ? { toolsListChanged: true } : { resourceSubscriptions: [uri] };
    const params = { notifications };
    return { name: 'subscribe', weight, method: 'subscriptions/listen', params, expect: 'subscription' };
  }
  const { subscribe } = (capabilities.resources ?? {}) as { subscribe?: unknown };
  if (subscribe !== true || uri === undefined)
    throw invalid(
      'The server offers no subscriptions to resources; take a mix without "subscribe", such as read=0.8,call=0.2.',
    );
  return { name: 'subscribe', weight, method: 'resources/subscribe', params: { uri } };
}

/** A server that is known only by a name has its methods, and an echo of our own measured servers. */
function plainOperation(kind: OperationKind, weight: number, choice: OperationChoice): LoadOperation {
  if (kind === 'ping') return { name: 'ping', weight, method: 'ping', params: {} };
  if (kind === 'call') {
    const params = choice.arguments ?? { text: sampleText(choice.text ?? 'ascii', choice.textBytes) };
    return { name: 'call', weight, method: choice.tool ?? 'echo', params };
  }
  throw invalid(
    `The server speaks JSON-RPC without MCP, so it has nothing to ${kind}. Name a "method" and its "params".`,
  );
}

/** What one kind of a mix stands for. Throws CONFIG_INVALID that says what the server lacks. */
async function operationOf(
  kind: OperationKind,
  weight: number,
  choice: OperationChoice,
  server: Acquaintance,
  uri: string | undefined,
): Promise<LoadOperation> {
  if (kind === 'subscribe') return subscription(weight, server, uri);
  if (kind === 'list') return { name: 'list', weight, method: 'tools/list', params: {} };
  if (kind === 'ping') return pingOperation(weight, server.facts.era);
  if (kind === 'call')
    return { name: 'call', weight, method: 'tools/call', params: await callParams(server, choice) };
  if (uri === undefined)
    throw invalid(
      'The server offers no resources that can be read; take a mix without "read", such as "echo", or name a "resource".',
    );
  return { name: 'read', weight, method: 'resources/read', params: { uri } };
}

/**
 * What the weights of a mix stand for. Throws CONFIG_INVALID that says what the server lacks; where nobody asked for this
 * mix, what the server lacks is left out as long as something remains.
 */
async function mixed(
  weights: ReadonlyMap<OperationKind, number>,
  choice: OperationChoice,
  server: Acquaintance,
): Promise<LoadOperation[]> {
  const { era } = server.facts;
  const drawn = [...weights].filter(([, weight]) => weight > 0);
  if (era === 'none') return drawn.map(([kind, weight]) => plainOperation(kind, weight, choice));
  const needsUri = drawn.some(([kind]) => kind === 'read' || kind === 'subscribe');
  const uri = needsUri ? await pickResource(server, choice) : undefined;
  const operations: LoadOperation[] = [];
  const lacks: RingwireError[] = [];
  for (const [kind, weight] of drawn) {
    try {
      operations.push(await operationOf(kind, weight, choice, server, uri));
    } catch (error) {
      if (choice.mix !== undefined || !(error instanceof RingwireError) || error.code !== 'CONFIG_INVALID')
        throw error;
      lacks.push(error);
    }
  }
  if (operations.length === 0) throw lacks[0];
  return operations;
}

/** Modern revisions have no ping; what costs as little there is server/discover. */
function pingOperation(weight: number, era: LoadEra): LoadOperation {
  return { name: 'ping', weight, method: era === 'modern' ? 'server/discover' : 'ping', params: {} };
}

/** The mix where none is named: what the other options name, else `mcp`. */
function mixOf({ mix, tool, resource }: OperationChoice): string {
  return mix ?? (tool !== undefined ? 'echo' : resource !== undefined ? 'read=1' : 'mcp');
}

function checkChoice(choice: OperationChoice): void {
  const { mix, method, params, tool, textBytes } = choice;
  if (method !== undefined && mix !== undefined)
    throw invalid('"method" and "mix" exclude each other: a method is a load of its own.');
  if (params !== undefined && method === undefined)
    throw invalid('"params" are those of a "method", which is missing.');
  if (choice.arguments !== undefined && tool === undefined)
    throw invalid('"arguments" are those of a "tool", which is missing.');
  if (textBytes !== undefined && (choice.arguments !== undefined || method !== undefined))
    throw invalid('"textBytes" sizes the text of generated arguments; leave it out where they are given.');
}

/** The operations that need nobody to be asked; undefined where the server has to be. */
export function certainOperations(
  choice: OperationChoice,
  era: LoadEra | undefined,
): LoadOperation[] | undefined {
  checkChoice(choice);
  const { method, params = {} } = choice;
  if (method !== undefined) {
    const isSubscription = method === 'subscriptions/listen';
    return [
      { name: method, weight: 1, method, params, ...(isSubscription && { expect: 'subscription' as const }) },
    ];
  }
  const weights = parseMix(mixOf(choice));
  if (era === 'none') return [...weights].map(([kind, weight]) => plainOperation(kind, weight, choice));
  return undefined;
}

/** The operations of a choice, for the server at hand. Throws CONFIG_INVALID that says what it lacks. */
export async function chooseOperations(
  choice: OperationChoice,
  server: Acquaintance,
): Promise<LoadOperation[]> {
  return certainOperations(choice, undefined) ?? mixed(parseMix(mixOf(choice)), choice, server);
}
