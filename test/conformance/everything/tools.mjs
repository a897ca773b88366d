/** Tools that answer by themselves: contents, errors, progress, logging, lists that change, streams that are cut. */
import { setTimeout as delay } from 'node:timers/promises';
import { png, wav } from './samples.mjs';

/** Between two reports of a tool, so that they cannot be taken for one. */
const stepMs = 60;

const image = { type: 'image', data: png, mimeType: 'image/png' };

/** Keywords of JSON Schema 2020-12 that a server must list as they were given. */
const schema2020 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};

export function addTools(server) {
  addContentTools(server);
  addReportingTools(server);
  addChangeTools(server);
  server
    .tool(
      'json_schema_2020_12_tool',
      { description: 'Its schema uses 2020-12.', inputSchema: schema2020 },
      (args) => JSON.stringify(args),
    )
    .tool(
      'test_x_mcp_header',
      {
        description: 'Its arguments are mirrored in headers.',
        inputSchema: {
          type: 'object',
          properties: {
            region: { type: 'string', 'x-mcp-header': 'Region' },
            priority: { type: 'integer', 'x-mcp-header': 'Priority' },
            query: { type: 'string' },
          },
          required: ['region'],
        },
      },
      ({ region }) => `Region ${region}`,
    );
}

function addContentTools(server) {
  server
    .tool('test_simple_text', 'Answers with text.', () => 'This is a simple text response for testing.')
    .tool('test_image_content', 'Answers with an image.', () => ({ content: [image] }))
    .tool('test_audio_content', 'Answers with a sound.', () => ({
      content: [{ type: 'audio', data: wav, mimeType: 'audio/wav' }],
    }))
    .tool('test_embedded_resource', 'Answers with a resource.', () => ({
      content: [
        {
          type: 'resource',
          resource: {
            uri: 'test://embedded-resource',
            mimeType: 'text/plain',
            text: 'This is an embedded resource content.',
          },
        },
      ],
    }))
    .tool('test_multiple_content_types', 'Answers with text, an image and a resource.', () => ({
      content: [
        { type: 'text', text: 'Multiple content types test:' },
        image,
        {
          type: 'resource',
          resource: {
            uri: 'test://mixed-content-resource',
            mimeType: 'application/json',
            text: '{"test":"data","value":123}',
          },
        },
      ],
    }))
    .tool('test_error_handling', 'Fails always.', () => {
      throw new Error('This tool intentionally returns an error for testing');
    });
}

function addReportingTools(server) {
  server
    .tool('test_tool_with_logging', 'Logs while it works.', async (_args, context) => {
      context.log('info', 'Tool execution started');
      await delay(stepMs);
      context.log('info', 'Tool processing data');
      await delay(stepMs);
      context.log('info', 'Tool execution completed');
      return 'Tool with logging executed successfully';
    })
    .tool('test_tool_with_progress', 'Reports progress while it works.', async (_args, context) => {
      for (const progress of [0, 50, 100]) {
        context.progress(progress, 100, `Completed step ${progress} of 100`);
        if (progress < 100) await delay(stepMs);
      }
      return String(context.meta?.progressToken ?? 'done');
    })
    .tool('test_logging_tool', 'Logs where the request asks for it.', (_args, context) => {
      context.log('info', 'Logging evaluated');
      return 'Logging evaluated';
    })
    .tool('test_reconnection', 'Cuts its stream and answers on the next.', async (_args, context) => {
      context.closeStream();
      await delay(2 * stepMs);
      return 'Reconnection test completed successfully.';
    });
}

function addChangeTools(server) {
  server
    .tool('test_trigger_tool_change', 'Changes the list of tools.', () => {
      if (!server.removeTool('test_dynamic_tool'))
        server.tool('test_dynamic_tool', 'Comes and goes.', () => 'Still here.');
      return 'The list of tools has changed.';
    })
    .tool('test_trigger_prompt_change', 'Changes the list of prompts.', () => {
      if (!server.removePrompt('test_dynamic_prompt'))
        server.prompt('test_dynamic_prompt', { description: 'Comes and goes.' }, () => 'Still here.');
      return 'The list of prompts has changed.';
    });
}
