/** Schemas: what is listed, what is checked, what is refused at registration, and what is not loaded before it is needed. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type } from 'arktype';
import * as v from 'valibot';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createServer } from '../../src/mcp/server.js';
import { type Served, serve } from './mcp-support.js';

let served: Served | undefined;
afterEach(async () => {
  await served?.close();
  served = undefined;
});

const fresh = () => createServer({ name: 'x', version: '1' });
const text = (result: { content: readonly object[] }) => (result.content[0] as { text: string }).text;

describe('Standard Schema', () => {
  it('zod, arktype and valibot check arguments and are listed as JSON Schema', async () => {
    served = await serve(
      fresh()
        .tool('zod', { inputSchema: z.object({ n: z.number().default(5) }) }, ({ n }) => `${n + 1}`)
        .tool('arktype', { inputSchema: type({ n: 'number' }) }, ({ n }) => `${n + 1}`)
        .tool(
          'valibot',
          {
            inputSchema: v.object({ n: v.pipe(v.string(), v.transform(Number)) }),
            inputJsonSchema: { type: 'object', properties: { n: { type: 'string' } }, required: ['n'] },
          },
          ({ n }) => `${n + 1}`,
        )
        .tool(
          'later',
          { inputSchema: z.object({ n: z.number().refine(async (n) => n > 0, 'must be positive') }) },
          ({ n }) => `${n}`,
        ),
    );
    const client = await served.client();
    const tools = await client.listTools();
    expect(tools.map(({ name, inputSchema }) => [name, inputSchema.type, inputSchema.required])).toEqual([
      ['zod', 'object', undefined],
      ['arktype', 'object', ['n']],
      ['valibot', 'object', ['n']],
      ['later', 'object', ['n']],
    ]);
    expect(text(await client.callTool('zod'))).toBe('6');
    expect(text(await client.callTool('arktype', { n: 1 }))).toBe('2');
    expect(text(await client.callTool('valibot', { n: '41' }))).toBe('42');
    expect(text(await client.callTool('later', { n: 3 }))).toBe('3');
    const refused = await client.callTool('later', { n: -1 });
    expect([refused.isError, text(refused)]).toEqual([
      true,
      'Invalid arguments for tool later: n: must be positive',
    ]);
    expect((await client.callTool('arktype', { n: 'x' })).isError).toBe(true);
  });

  it('without a JSON Schema of its own needs one beside it', () => {
    expect(() => fresh().tool('t', { inputSchema: v.object({}) }, () => '')).toThrow(
      /valibot.*inputJsonSchema/,
    );
  });
});

describe('JSON Schema', () => {
  it.each([
    [
      'a network $ref',
      { type: 'object', properties: { a: { $ref: 'https://example.com/s.json' } } },
      /\$ref.*outside/,
    ],
    ['an unknown dialect', { $schema: 'http://json-schema.org/draft-04/schema#', type: 'object' }, /dialect/],
    ['a root that is no object', { type: 'string' }, /root must have type "object"/],
    ['an array', [], /must be a JSON Schema object/],
  ])('%s is refused at registration', (_name, inputSchema, message) => {
    expect(() =>
      fresh().tool('t', { inputSchema: inputSchema as Record<string, unknown> }, () => ''),
    ).toThrow(message as RegExp);
  });

  it('that nests or grows without bound is refused at registration', () => {
    let deep: Record<string, unknown> = { type: 'string' };
    for (let level = 0; level < 100; level++) deep = { type: 'object', properties: { a: deep } };
    expect(() => fresh().tool('t', { inputSchema: deep }, () => '')).toThrow(/nests deeper/);
    const wide = { type: 'object', anyOf: Array.from({ length: 3000 }, () => ({ type: 'object' })) };
    expect(() => fresh().tool('t', { inputSchema: wide }, () => '')).toThrow(/subschemas/);
  });

  it('that is no valid schema fails at the first call with what is wrong, and warmUp() finds it before', async () => {
    const server = fresh().tool(
      't',
      { inputSchema: { type: 'object', properties: { a: { type: 'strin' } } } },
      () => '',
    );
    expect(() => server.warmUp()).toThrow(/Tool t, inputSchema: .*type/);
  });

  it.each([
    ['2020-12', { type: 'object', properties: { a: { type: 'array', prefixItems: [{ type: 'integer' }] } } }],
    [
      'draft-07',
      {
        $schema: 'http://json-schema.org/draft-07/schema#',
        type: 'object',
        properties: { a: { type: 'array', items: [{ type: 'integer' }] } },
      },
    ],
    [
      'local references',
      {
        type: 'object',
        properties: { a: { $ref: '#/$defs/list' } },
        $defs: { list: { type: 'array', items: { type: 'integer' } } },
      },
    ],
  ])('%s is checked', async (_name, inputSchema) => {
    served = await serve(
      fresh().tool('t', { inputSchema: inputSchema as Record<string, unknown> }, () => 'fine'),
    );
    const client = await served.client();
    expect(text(await client.callTool('t', { a: [1] }))).toBe('fine');
    expect(text(await client.callTool('t', { a: ['x'] }))).toBe(
      'Invalid arguments for tool t: a.0 must be integer',
    );
  });

  it('does not mistake inherited properties for arguments', async () => {
    const inputSchema = { type: 'object', properties: { toString: {} }, required: ['toString'] } as const;
    served = await serve(fresh().tool('t', { inputSchema }, () => ''));
    expect((await (await served.client()).callTool('t', {})).isError).toBe(true);
  });
});

describe('registration', () => {
  it('refuses names and doubles that could not be served', () => {
    expect(() => fresh().tool('a b', () => '')).toThrow(/Tool name/);
    expect(() =>
      fresh()
        .tool('a', () => '')
        .tool('a', () => ''),
    ).toThrow(/registered already/);
    expect(() => fresh().resource('no-scheme', {}, '')).toThrow(/absolute/);
    expect(() => fresh().resource('a:1', { ttlMs: -1 }, '')).toThrow(/ttlMs/);
    expect(() => createServer({ name: '', version: '1' })).toThrow(/"name"/);
    expect(() => createServer({ name: 'x', version: '1', protocolVersions: ['2020-01-01'] })).toThrow(
      /2020-01-01/,
    );
  });
});

describe('a cold start', () => {
  it('loads no validator before a call needs one', async () => {
    const server = fileURLToPath(new URL('../../dist/mcp/index.js', import.meta.url));
    const script = `
      import { createRequire } from 'node:module';
      const { createServer } = await import(${JSON.stringify(server)});
      const made = createServer({ name: 'x', version: '1' })
        .tool('t', { inputSchema: { type: 'object' } }, () => '');
      made.preparedReplies();
      const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('/ajv/'));
      const before = loaded();
      made.warmUp();
      console.log(before, loaded());`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    expect(stdout.trim()).toBe('false true');
  });
});
