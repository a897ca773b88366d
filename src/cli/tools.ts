import { connectTimeoutMs } from '../limits.js';
import type { Tool } from '../mcp/types.js';
import { defineCommand } from './command.js';
import { ExitCode } from './exit-codes.js';
import { httpClientOptionSpecs, httpClientOptions } from './http-options.js';
import { interruptible } from './interrupt.js';
import { integerOption } from './parse-input.js';
import { connectTarget } from './target.js';
import { columns, printJson, printLine, safeText } from './terminal.js';
import { transportOptionSpecs, transportOptions } from './transport-options.js';
import { UsageError } from './usage-error.js';

/** `text: string, depth?: integer`: the arguments as one would write them down. */
function signature({ inputSchema }: Tool): string {
  const properties = (inputSchema.properties ?? {}) as Record<string, { type?: unknown }>;
  const required = Array.isArray(inputSchema.required) ? inputSchema.required : [];
  return Object.entries(properties)
    .map(([name, { type }]) => {
      const types = Array.isArray(type) ? type.join('|') : String(type ?? 'any');
      return `${name}${required.includes(name) ? '' : '?'}: ${types}`;
    })
    .join(', ');
}

/** One line: a table with a paragraph in it is no table. */
function firstLine(text: string | undefined): string {
  return text?.split('\n', 1)[0] ?? '';
}

function table(tools: readonly Tool[]): string {
  return columns(
    tools.map((tool) =>
      [tool.name, `(${signature(tool)})`, firstLine(tool.description)].map((cell) => safeText(cell)),
    ),
  );
}

export const tools = defineCommand({
  name: 'tools',
  summary: 'List the tools of a server',
  usage: 'URL [-- COMMAND ARGS…]',
  options: {
    timeout: {
      type: 'string',
      placeholder: 'MS',
      description: `Wait this long for the answer, ${connectTimeoutMs} by default`,
    },
    ...transportOptionSpecs,
    ...httpClientOptionSpecs,
    json: { type: 'boolean', description: 'Print the tools with their schemas as JSON' },
  },
  examples: [
    'ringwire tools tcp://127.0.0.1:4000',
    'ringwire tools http://127.0.0.1:8080/mcp',
    'ringwire tools stdio: --json -- npx -y @modelcontextprotocol/server-everything',
  ],
  async run({ options, positionals, rest }) {
    const [url, ...more] = positionals;
    const target = connectTarget('tools', url, rest);
    if (more.length > 0)
      throw new UsageError(`ringwire tools takes one address; ${JSON.stringify(more[0])} is too much.`);
    const timeoutMs = integerOption('timeout', options.timeout, 1, connectTimeoutMs);
    const interrupt = interruptible();
    const { connect } = await import('../mcp/client.js');
    const client = await connect(target, {
      transport: {
        ...transportOptions(options),
        ...httpClientOptions(options),
        connectTimeoutMs: timeoutMs,
        signal: interrupt.signal,
      },
      timeoutMs,
      reconnect: false,
    });
    try {
      const listed = await client.listTools({ timeoutMs, signal: interrupt.signal });
      if (options.json === true) printJson(listed);
      else printLine(listed.length === 0 ? 'The server has no tools.' : table(listed));
      return ExitCode.Ok;
    } finally {
      interrupt.done();
      await client.close();
    }
  },
});
