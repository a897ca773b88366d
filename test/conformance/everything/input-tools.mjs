/** Tools that need input from the client's side: server requests in the legacy era, input_required in the modern one. */
import { inputRequired } from '../../../dist/index.js';
import { form } from './samples.mjs';

const noArguments = { type: 'object', properties: {} };

function question(text, maxTokens = 100) {
  return { messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens };
}

function described({ action, content = {} }) {
  return `action=${action}, content=${JSON.stringify(content)}`;
}

export function addInputTools(server) {
  addElicitationTools(server);
  addFormTools(server);
  addRoundTools(server);
  addStateTools(server);
}

function addElicitationTools(server) {
  server
    .tool(
      'test_sampling',
      {
        description: "Asks the client's model.",
        inputSchema: { type: 'object', properties: { prompt: { type: 'string' } }, required: ['prompt'] },
      },
      async ({ prompt }, context) => {
        const { content } = await context.sample(question(prompt));
        return `LLM response: ${content.text}`;
      },
    )
    .tool(
      'test_elicitation',
      {
        description: 'Asks the user.',
        inputSchema: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
      },
      async ({ message }, context) => {
        const properties = {
          username: { type: 'string', description: "User's response" },
          email: { type: 'string', description: "User's email address" },
        };
        const requestedSchema = { type: 'object', properties, required: ['username', 'email'] };
        return `User response: ${described(await context.elicit({ message, requestedSchema }))}`;
      },
    )
    .tool('test_missing_capability', 'Cannot do without sampling.', async (_args, context) => {
      await context.sample(question('Are you there?'));
      return 'The model answered.';
    })
    .tool('test_streaming_elicitation', 'Reports progress, then asks.', async (_args, context) => {
      context.progress(50, 100, 'Half way');
      return `Streaming complete: ${described(await context.elicit(form('Go on?', 'ok', 'boolean')))}`;
    });
}

const oneOf = (count, first, second) =>
  ['First', 'Second', 'Third'].slice(0, count).map((title, index) => ({
    const: `${first}${index + 1}`,
    title: `${title} ${second}`,
  }));

const options = ['option1', 'option2', 'option3'];

function addFormTools(server) {
  const ask = (message, properties) => async (_args, context) => {
    const requestedSchema = { type: 'object', properties, required: [] };
    return `Elicitation completed: ${described(await context.elicit({ message, requestedSchema }))}`;
  };
  server
    .tool(
      'test_elicitation_sep1034_defaults',
      'Asks with a form that is filled in.',
      ask('Please review and update the form fields with defaults', {
        name: { type: 'string', description: 'User name', default: 'John Doe' },
        age: { type: 'integer', description: 'User age', default: 30 },
        score: { type: 'number', description: 'User score', default: 95.5 },
        status: {
          type: 'string',
          description: 'User status',
          enum: ['active', 'inactive', 'pending'],
          default: 'active',
        },
        verified: { type: 'boolean', description: 'Verification status', default: true },
      }),
    )
    .tool(
      'test_elicitation_sep1330_enums',
      'Asks with every kind of choice.',
      ask('Please select options from the enum fields', {
        untitledSingle: { type: 'string', enum: options },
        titledSingle: { type: 'string', oneOf: oneOf(3, 'value', 'Option') },
        legacyEnum: {
          type: 'string',
          enum: ['opt1', 'opt2', 'opt3'],
          enumNames: ['Option One', 'Option Two', 'Option Three'],
        },
        untitledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string', enum: options } },
        titledMulti: {
          type: 'array',
          minItems: 1,
          maxItems: 3,
          items: { anyOf: oneOf(3, 'value', 'Choice') },
        },
      }),
    );
}

function addRoundTools(server) {
  server
    .tool('test_input_required_result_elicitation', 'Asks for a name.', async (_args, context) => {
      const { content } = await context.elicit(form('What is your name?', 'name'), { key: 'user_name' });
      return `Hello, ${content?.name}!`;
    })
    .tool('test_input_required_result_sampling', 'Asks a model.', async (_args, context) => {
      const { content } = await context.sample(question('What is the capital of France?'), {
        key: 'capital_question',
      });
      return `Sampling result: ${content.text}`;
    })
    .tool('test_input_required_result_list_roots', 'Asks for roots.', async (_args, context) => {
      const roots = await context.listRoots({ key: 'client_roots' });
      return `Roots: ${roots.map(({ uri }) => uri).join(', ')}`;
    })
    .tool(
      'test_input_required_result_multiple_inputs',
      'Asks three things at once.',
      async (_args, context) => {
        const { user_name, greeting, client_roots } = await context.requireInput({
          user_name: { method: 'elicitation/create', params: form('What is your name?', 'name') },
          greeting: { method: 'sampling/createMessage', params: question('Generate a greeting', 50) },
          client_roots: { method: 'roots/list', params: {} },
        });
        const { roots } = client_roots;
        return `Name: ${user_name.content.name}; greeting: ${greeting.content.text}; roots: ${roots.length}`;
      },
    )
    .tool('test_input_required_result_multi_round', 'Asks twice.', async (_args, context) => {
      const name = await context.elicit(form('Step 1: What is your name?', 'name'), { key: 'step1' });
      const color = await context.elicit(form('Step 2: What is your favorite color?', 'color'), {
        key: 'step2',
      });
      return `${name.content.name} likes ${color.content.color}`;
    })
    .tool(
      'test_input_required_result_capabilities',
      'Asks only what the client can do.',
      async (_args, context) => {
        const { elicitation, sampling } = context.clientCapabilities;
        const requests = {
          ...(elicitation && {
            elicit_input: { method: 'elicitation/create', params: form('Elicitation input', 'value') },
          }),
          ...(sampling && {
            sample_input: { method: 'sampling/createMessage', params: question('Sample', 50) },
          }),
        };
        if (Object.keys(requests).length === 0) return 'The client can do neither.';
        return `Received ${Object.keys(await context.requireInput(requests)).join(', ')}`;
      },
    );
}

/** Handlers that keep a state of their own between the rounds; ringwire signs it. */
function addStateTools(server) {
  const confirmed = (kind, text) => (_args, context) => {
    if (context.inputState?.kind === kind && context.inputResponses.confirm?.content?.ok === true)
      return text;
    const confirm = { method: 'elicitation/create', params: form('Please confirm', 'ok', 'boolean') };
    return inputRequired({ confirm }, { kind });
  };
  server
    .tool(
      'test_input_required_result_request_state',
      { description: 'Keeps a state.', inputSchema: noArguments },
      confirmed('request-state', 'state-ok'),
    )
    .tool(
      'test_input_required_result_tampered_state',
      { description: 'Keeps a state that must not be altered.', inputSchema: noArguments },
      confirmed('tamper-test', 'integrity-ok'),
    );
}
