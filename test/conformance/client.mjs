/**
 * The client that the conformance suite tests: node test/conformance/client.mjs URL. The suite names its scenario, the
 * revision to speak and values to use in the environment.
 */
import { connect, legacyVersions } from '../../dist/mcp/index.js';

const { MCP_CONFORMANCE_SCENARIO, MCP_CONFORMANCE_PROTOCOL_VERSION, MCP_CONFORMANCE_CONTEXT } = process.env;
const version = MCP_CONFORMANCE_PROTOCOL_VERSION;
/** A server may answer initialize with an older revision than it was asked for. */
const legacyIndex = legacyVersions.indexOf(version);
const context = MCP_CONFORMANCE_CONTEXT === undefined ? {} : JSON.parse(MCP_CONFORMANCE_CONTEXT);

const text = { type: 'text', text: 'A text of the model.' };

/** What a person would send who leaves the form as it is. */
function asPrefilled({ requestedSchema }) {
  const filled = Object.entries(requestedSchema.properties).flatMap(([name, property]) =>
    property.default === undefined ? [] : [[name, property.default]],
  );
  return { action: 'accept', content: Object.fromEntries(filled) };
}

/** A value that fits a property of a tool's schema. */
function anyValue({ type, enum: choices }) {
  const samples = { string: 'x', integer: 1, number: 1.5, boolean: true, array: [], object: {}, null: null };
  return choices?.[0] ?? samples[type];
}

function anyArguments({ properties = {}, required = [] }) {
  return Object.fromEntries(required.map((name) => [name, anyValue(properties[name] ?? {})]));
}

async function callAll(client, calls) {
  for (const { name, arguments: args } of calls) await client.callTool(name, args);
}

/** Lists everything and uses each thing once. */
async function useEverything(client) {
  const { tools, resources, prompts } = client.capabilities;
  if (tools !== undefined)
    for (const { name, inputSchema } of await client.listTools())
      await client.callTool(name, anyArguments(inputSchema));
  if (resources !== undefined)
    for (const { uri } of await client.listResources()) await client.readResource(uri);
  if (prompts !== undefined) for (const { name } of await client.listPrompts()) await client.getPrompt(name);
}

const scenarios = {
  initialize: (client) => client.listTools(),
  async tools_call(client) {
    const [tool] = await client.listTools();
    await client.callTool(tool.name, { a: 2, b: 3 });
  },
  'elicitation-sep1034-client-defaults': async (client) => {
    for (const { name } of await client.listTools()) await client.callTool(name);
  },
  'sse-retry': (client) => client.callTool('test_reconnection'),
  'request-metadata': (client) => client.listTools(),
  'sep-2322-client-request-state': (client) =>
    callAll(client, [
      { name: 'test_mrtr_echo_state' },
      { name: 'test_mrtr_no_state' },
      { name: 'test_mrtr_no_result_type' },
    ]),
  'http-standard-headers': useEverything,
  async 'http-custom-headers'(client) {
    await client.listTools();
    await callAll(client, context.toolCalls);
  },
  'http-invalid-tool-headers': useEverything,
  'json-schema-ref-no-deref': (client) => client.listTools(),
  async 'json-schema-2020-12-preservation'(client) {
    const tools = await client.listTools();
    const { inputSchema } = tools.find(({ name }) => name === 'json_schema_2020_12_tool');
    await client.callTool('json_schema_echo', { schema: inputSchema });
  },
};

const [url] = process.argv.slice(2);
const run = scenarios[MCP_CONFORMANCE_SCENARIO];
if (url === undefined || run === undefined) {
  process.stderr.write(
    `Usage: MCP_CONFORMANCE_SCENARIO=${Object.keys(scenarios).join('|')} client.mjs URL\n`,
  );
  process.exit(2);
}

/** Answers "confirm" questions after a call of another tool, which must carry nothing of the one that asks. */
async function confirm(client, params) {
  if (MCP_CONFORMANCE_SCENARIO !== 'sep-2322-client-request-state') return asPrefilled(params);
  await client.callTool('test_mrtr_unrelated');
  return { action: 'accept', content: { confirmed: true } };
}

const client = await connect(url, {
  clientInfo: { name: 'ringwire-conformance', version: '1.0.0' },
  era: version === undefined ? 'auto' : legacyIndex === -1 ? 'modern' : 'legacy',
  protocolVersions: legacyIndex === -1 ? undefined : legacyVersions.slice(legacyIndex),
  onElicitation: (params) => confirm(client, params),
  onSampling: () => ({ role: 'assistant', content: text, model: 'none' }),
  onRoots: () => [{ uri: 'file:///tmp', name: 'tmp' }],
});
try {
  await run(client);
} finally {
  await client.close();
}
