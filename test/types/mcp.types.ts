/** What handlers receive, checked by the compiler alone: `npm run typecheck` fails where an inference changes. */
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { createServer, type FromJsonSchema } from '../../src/mcp/index.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function expectType<Expected>() {
  return <Actual>(_value: Actual, ..._same: Same<Expected, Actual> extends true ? [] : [never]): void => {};
}

export function typed<const S>(_schema: S): FromJsonSchema<S> {
  return undefined as FromJsonSchema<S>;
}

expectType<string>()(typed({ type: 'string' }));
expectType<number>()(typed({ type: 'integer', minimum: 0 }));
expectType<'a' | 'b'>()(typed({ enum: ['a', 'b'] }));
expectType<7>()(typed({ const: 7 }));
expectType<string | null>()(typed({ type: ['string', 'null'] }));
expectType<string | number>()(typed({ anyOf: [{ type: 'string' }, { type: 'number' }] }));
expectType<boolean[]>()(typed({ type: 'array', items: { type: 'boolean' } }));
expectType<unknown[]>()(typed({ type: 'array' }));
expectType<unknown>()(typed({ $ref: '#/$defs/a' }));
expectType<Record<string, unknown>>()(typed({ type: 'object' }));
expectType<{ a: string; b?: number }>()(
  typed({ type: 'object', properties: { a: { type: 'string' }, b: { type: 'number' } }, required: ['a'] }),
);
expectType<{ list: { id: number }[]; mode?: 'x' | 'y' }>()(
  typed({
    type: 'object',
    properties: {
      list: {
        type: 'array',
        items: { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] },
      },
      mode: { enum: ['x', 'y'] },
    },
    required: ['list'],
  }),
);
const widened: Record<string, unknown> = { type: 'object' };
expectType<Record<string, unknown>>()(typed(widened));

const server = createServer({ name: 'types', version: '1' })
  .tool(
    'json',
    {
      inputSchema: {
        type: 'object',
        properties: { text: { type: 'string' }, times: { type: 'integer' } },
        required: ['text'],
      },
    },
    (args, context) => {
      expectType<{ text: string; times?: number }>()(args);
      expectType<'modern' | 'legacy'>()(context.era);
      // @ts-expect-error no such argument
      void args.missing;
      return args.text;
    },
  )
  .tool('zod', { inputSchema: z.object({ n: z.number().default(1) }) }, (args) => {
    expectType<{ n: number }>()(args);
    return args.n;
  })
  .tool(
    'valibot',
    { inputSchema: v.object({ s: v.optional(v.string()) }), inputJsonSchema: { type: 'object' } },
    (args) => {
      expectType<{ s?: string | undefined }>()(args);
    },
  )
  .tool('arktype', { inputSchema: type({ s: 'string', 'n?': 'number' }) }, (args) => {
    expectType<{ s: string; n?: number }>()(args);
    return null;
  })
  .tool('plain', (args) => {
    expectType<Record<string, unknown>>()(args);
  })
  .tool('described', 'Says nothing.', async () => {})
  .tool('asks', async (_args, context) => {
    const answers = await context.requireInput({
      form: { method: 'elicitation/create', params: { message: '?', requestedSchema: {} } },
      roots: { method: 'roots/list' },
    });
    expectType<'accept' | 'decline' | 'cancel'>()(answers.form.action);
    return answers.roots.roots.length;
  })
  .prompt('free', { arguments: [{ name: 'who', required: true }] }, (args) => {
    expectType<Record<string, string>>()(args);
    return `Hi ${args.who}`;
  })
  .prompt('checked', { argsSchema: z.object({ who: z.string() }) }, (args) => {
    expectType<{ who: string }>()(args);
    return args.who;
  });

// @ts-expect-error a handler is required
server.tool('none', {});
// @ts-expect-error a description alone is no tool
server.tool('none', 'text');
// @ts-expect-error name and version are required
createServer({ name: 'x' });
