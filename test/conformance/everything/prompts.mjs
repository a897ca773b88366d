import { form, png } from './samples.mjs';

const user = (content) => ({ role: 'user', content });
const text = (words) => user({ type: 'text', text: words });

export function addPrompts(server) {
  server
    .prompt(
      'test_simple_prompt',
      { description: 'A prompt without arguments.' },
      () => 'This is a simple prompt for testing.',
    )
    .prompt(
      'test_prompt_with_arguments',
      {
        description: 'A prompt with two arguments.',
        arguments: [
          {
            name: 'arg1',
            description: 'First test argument',
            required: true,
            complete: (value) => ['paris', 'park', 'party'].filter((each) => each.startsWith(value)),
          },
          { name: 'arg2', description: 'Second test argument', required: true },
        ],
      },
      ({ arg1, arg2 }) => `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`,
    )
    .prompt(
      'test_prompt_with_embedded_resource',
      {
        description: 'A prompt that holds a resource.',
        arguments: [{ name: 'resourceUri', description: 'URI of the resource to embed', required: true }],
      },
      ({ resourceUri }) => [
        user({
          type: 'resource',
          resource: {
            uri: resourceUri,
            mimeType: 'text/plain',
            text: 'Embedded resource content for testing.',
          },
        }),
        text('Please process the embedded resource above.'),
      ],
    )
    .prompt('test_prompt_with_image', { description: 'A prompt that holds an image.' }, () => [
      user({ type: 'image', data: png, mimeType: 'image/png' }),
      text('Please analyze the image above.'),
    ])
    .prompt(
      'test_input_required_result_prompt',
      { description: 'A prompt that asks before it answers.' },
      async (_args, context) => {
        const params = form('What context should the prompt use?', 'context');
        const { content } = await context.elicit(params, { key: 'user_context' });
        return `Prompt with context: ${content?.context}`;
      },
    );
}
