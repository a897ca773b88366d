import { readFileSync } from 'node:fs';
import { defaultTimeoutMs } from '../limits.js';
import type { CallToolResult, ContentBlock } from '../mcp/types.js';
import type { RequestOptions } from '../rpc/types.js';
import type { ChildCommand } from '../transports/endpoint.js';
import type { TransportOptions } from '../transports/transport.js';
import { defineCommand } from './command.js';
import { ExitCode } from './exit-codes.js';
import { httpClientOptionSpecs, httpClientOptions } from './http-options.js';
import { interruptible } from './interrupt.js';
import { integerOption } from './parse-input.js';
import { connectTarget } from './target.js';
import { printError, printJson, printLine, safeText } from './terminal.js';
import { transportOptionSpecs, transportOptions } from './transport-options.js';
import { UsageError } from './usage-error.js';

/** What is called, and how. */
interface CallPlan {
  readonly target: string | ChildCommand;
  readonly name: string;
  readonly params: Record<string, unknown> | readonly unknown[] | undefined;
  readonly json: boolean;
  readonly transport: TransportOptions;
  readonly request: RequestOptions;
}

/** Names of MCP methods hold a slash; `ping` and `initialize` are the two that do not. */
function isMethod(name: string): boolean {
  return name.includes('/') || name === 'ping' || name === 'initialize';
}

/** The JSON of the command line, or of stdin for `-`. */
function readParams(text: string | undefined): CallPlan['params'] {
  if (text === undefined) return undefined;
  const source = text === '-' ? readFileSync(0, 'utf8') : text;
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    throw new UsageError(
      `The arguments are not JSON: ${(error as Error).message}.`,
      `Quote them for the shell, for instance '{"text":"hello"}'.`,
    );
  }
  if (typeof value !== 'object' || value === null) {
    throw new UsageError(
      `The arguments must be a JSON object, not ${source.trim().slice(0, 40)}.`,
      `For instance '{"text":"hello"}'.`,
    );
  }
  return value as CallPlan['params'];
}

/** Plain JSON-RPC: nothing is added to params, no handshake is made. */
async function callRaw(plan: CallPlan): Promise<ExitCode> {
  const { connectRpc } = await import('../rpc/client.js');
  const client = await connectRpc(plan.target, { transport: plan.transport });
  try {
    printJson(await client.request(plan.name, plan.params, plan.request));
    return ExitCode.Ok;
  } finally {
    await client.close();
  }
}

async function callMcp(plan: CallPlan, asMethod: boolean): Promise<ExitCode> {
  if (Array.isArray(plan.params)) {
    throw new UsageError('The arguments must be a JSON object, not an array.', 'Arrays go with --raw only.');
  }
  const params = plan.params as Record<string, unknown> | undefined;
  const { connect } = await import('../mcp/client.js');
  const client = await connect(plan.target, {
    transport: plan.transport,
    timeoutMs: plan.request.timeoutMs,
    reconnect: false,
  });
  try {
    if (asMethod) {
      printJson(await client.request(plan.name, params, plan.request));
      return ExitCode.Ok;
    }
    return printToolResult(await client.callTool(plan.name, params, plan.request), plan);
  } finally {
    await client.close();
  }
}

function printToolResult(result: CallToolResult, { json, name }: CallPlan): ExitCode {
  const failed = result.isError === true;
  if (json) {
    printJson(result);
  } else if (failed) {
    const text = result.content.map((block) => contentText(block, process.stderr)).join('\n');
    printError(`ringwire: the tool ${name} failed: ${text}`);
  } else {
    for (const block of result.content) printLine(contentText(block, process.stdout));
  }
  return failed ? ExitCode.Remote : ExitCode.Ok;
}

/** Text as it is; what a terminal cannot show as JSON. */
function contentText(block: ContentBlock, stream: NodeJS.WriteStream): string {
  return safeText(block.type === 'text' ? block.text : JSON.stringify(block), stream);
}

function showProgress({
  progress,
  total,
  message,
}: {
  progress: number;
  total?: number;
  message?: string;
}): void {
  const share = total === undefined ? String(progress) : `${progress}/${total}`;
  printError(message === undefined ? share : `${share} ${safeText(message, process.stderr)}`);
}

export const call = defineCommand({
  name: 'call',
  summary: 'Call a tool or a JSON-RPC method and print the answer',
  usage: 'URL TOOL|METHOD [JSON|-] [-- COMMAND ARGS…]',
  details:
    'A name with a slash (tools/list, resources/read) is an MCP method, any other name a tool. JSON is an object;\n- reads it from stdin. The text a tool answers is printed as it is, anything else as JSON. With the address\nstdio: the server is started from the command after --.',
  options: {
    raw: {
      type: 'boolean',
      description: 'Plain JSON-RPC: TOOL|METHOD is a method, nothing is added, no handshake',
    },
    timeout: {
      type: 'string',
      placeholder: 'MS',
      description: `Wait this long for the answer, ${defaultTimeoutMs} by default`,
    },
    progress: { type: 'boolean', description: 'Print progress notifications on stderr' },
    ...transportOptionSpecs,
    ...httpClientOptionSpecs,
    json: { type: 'boolean', description: 'Print the whole result as JSON' },
  },
  examples: [
    `ringwire call http://127.0.0.1:8080/mcp echo '{"text":"hello"}'`,
    `ringwire call https://mcp.example.com/mcp search '{"query":"x"}' --header "authorization: Bearer $TOKEN"`,
    `ringwire call unix:/run/mcp.sock resources/read '{"uri":"demo://status"}'`,
    `ringwire call stdio: echo '{"text":"hello"}' -- node server.mjs --stdio`,
    `ringwire call --raw tcp://127.0.0.1:4001 add '[1,2]'`,
  ],
  async run({ options, positionals, rest }) {
    const [url, name, json, ...more] = positionals;
    const target = connectTarget('call', url, rest);
    if (name === undefined)
      throw new UsageError(
        'ringwire call needs the name of a tool or a method.',
        `For instance ringwire call ${url} echo '{"text":"hello"}'.`,
      );
    if (more.length > 0)
      throw new UsageError(
        `ringwire call takes an address, a name and one JSON argument; ${JSON.stringify(more[0])} is too much.`,
        'Quote the JSON for the shell.',
      );
    const timeoutMs = integerOption('timeout', options.timeout, 1, defaultTimeoutMs);
    const interrupt = interruptible();
    const plan: CallPlan = {
      target,
      name,
      params: readParams(json),
      json: options.json === true,
      transport: {
        ...transportOptions(options),
        ...httpClientOptions(options),
        connectTimeoutMs: timeoutMs,
        signal: interrupt.signal,
      },
      request: {
        timeoutMs,
        signal: interrupt.signal,
        ...(options.progress === true ? { onProgress: showProgress } : {}),
      },
    };
    try {
      return options.raw === true ? await callRaw(plan) : await callMcp(plan, isMethod(name));
    } finally {
      interrupt.done();
    }
  },
});
