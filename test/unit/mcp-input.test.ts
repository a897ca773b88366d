/** Input that servers ask of clients: one handler, both eras. */
import { afterEach, describe, expect, it } from 'vitest';
import type { RpcError } from '../../src/errors.js';
import { type ConnectOptions, inputRequired } from '../../src/mcp/index.js';
import { RequestStateSigner } from '../../src/mcp/request-state.js';
import { createServer, type McpServer } from '../../src/mcp/server.js';
import { meta, type Served, serve } from './mcp-support.js';

let served: Served | undefined;
afterEach(async () => {
  await served?.close();
  served = undefined;
});

const form = (message: string) => ({
  message,
  requestedSchema: { type: 'object', properties: { value: { type: 'string' } }, required: ['value'] },
});

function asking(): McpServer & { runs: number } {
  const server = createServer({ name: 'asking', version: '1' }) as McpServer & { runs: number };
  server.runs = 0;
  server
    .tool('two_questions', async (_args, context) => {
      server.runs++;
      const first = await context.elicit(form('first?'));
      const second = await context.elicit(form('second?'));
      return `${first.content?.value}-${second.content?.value}`;
    })
    .tool('at_once', async (_args, context) => {
      const answers = await context.requireInput({
        name: { method: 'elicitation/create', params: form('name?') },
        roots: { method: 'roots/list' },
      });
      return `${answers.name.content?.value} ${answers.roots.roots.length}`;
    })
    .tool('by_hand', (_args, context) => {
      const round = (context.inputState as { round: number } | undefined)?.round ?? 0;
      if (round < 2)
        return inputRequired(
          { q: { method: 'elicitation/create', params: form(`round ${round}`) } },
          { round: round + 1 },
        );
      return JSON.stringify(context.inputResponses.q);
    })
    .tool('swallows', async (_args, context) => {
      try {
        return (await context.elicit(form('?'))).action;
      } catch {
        return 'swallowed';
      }
    })
    .tool('samples', async (_args, context) => {
      const { content } = await context.sample({ messages: [], maxTokens: 1 });
      return (content as { text: string }).text;
    })
    .prompt('asks', {}, async (_args, context) => `Hi ${(await context.elicit(form('who?'))).content?.value}`)
    .resource(
      'ask://me',
      {},
      async (_uri, context) => `${(await context.elicit(form('what?'))).content?.value}`,
    );
  return server;
}

const answers: ConnectOptions = {
  onElicitation: (params) => ({ action: 'accept', content: { value: `<${params.message}>` } }),
  onRoots: () => [{ uri: 'file:///a' }, { uri: 'file:///b' }],
  onSampling: async () => ({ role: 'assistant', model: 'm', content: { type: 'text', text: 'sampled' } }),
};

const text = (result: { content: readonly object[] }) => (result.content[0] as { text: string }).text;

describe.each(['modern', 'legacy'] as const)('in the %s era', (era) => {
  it('one handler asks in turn, at once, by hand, in prompts and in resources', async () => {
    served = await serve(asking());
    const client = await served.client({ ...answers, era });
    expect(client.era).toBe(era);
    expect(text(await client.callTool('two_questions'))).toBe('<first?>-<second?>');
    expect(text(await client.callTool('at_once'))).toBe('<name?> 2');
    expect(JSON.parse(text(await client.callTool('by_hand')))).toMatchObject({
      content: { value: '<round 1>' },
    });
    expect(text(await client.callTool('swallows'))).toBe('accept');
    expect(text(await client.callTool('samples'))).toBe('sampled');
    expect((await client.getPrompt('asks')).messages[0].content).toMatchObject({ text: 'Hi <who?>' });
    expect((await client.readResource('ask://me')).contents[0].text).toBe('<what?>');
  });
});

describe('modern input', () => {
  it('runs the handler once per round and never sends requests of its own', async () => {
    const server = asking();
    served = await serve(server);
    const client = await served.client(answers);
    await client.callTool('two_questions');
    expect(server.runs).toBe(3);
  });

  it('of a kind the client did not declare: -32021 and what is missing', async () => {
    served = await serve(asking());
    const raw = await served.raw();
    const call = (name: string, capabilities: object) =>
      raw
        .request('tools/call', { name, _meta: meta(capabilities as Record<string, unknown>) })
        .catch((e: RpcError) => e);
    expect(await call('two_questions', {})).toMatchObject({
      rpcCode: -32021,
      data: { requiredCapabilities: { elicitation: { form: {} } } },
    });
    expect(await call('two_questions', { elicitation: { url: {} } })).toMatchObject({ rpcCode: -32021 });
    expect(await call('samples', { elicitation: {} })).toMatchObject({
      rpcCode: -32021,
      data: { requiredCapabilities: { sampling: {} } },
    });
    expect(await call('two_questions', { elicitation: {} })).toMatchObject({ resultType: 'input_required' });
  });

  it('that does not fit the form: -32602', async () => {
    served = await serve(asking());
    const raw = await served.raw();
    for (const response of [
      { action: 'maybe' },
      { action: 'accept', content: {} },
      'no',
      { action: 'accept', content: { value: 1 } },
    ]) {
      const call = raw.request('tools/call', {
        name: 'two_questions',
        inputResponses: { 'input-1': response },
        _meta: meta({ elicitation: {} }),
      });
      // The tool turns errors of its own into results; what the client sent wrong is the client's error.
      await expect(call).rejects.toMatchObject({ rpcCode: -32602 });
    }
  });

  it('state that was altered, or belongs to another call, is refused', async () => {
    served = await serve(asking());
    const raw = await served.raw();
    type Asked = { requestState: string };
    const first = await raw.request<Asked>('tools/call', {
      name: 'by_hand',
      _meta: meta({ elicitation: {} }),
    });
    const retry = (requestState: unknown, name = 'by_hand') =>
      raw.request('tools/call', {
        name,
        requestState,
        inputResponses: { q: { action: 'decline' } },
        _meta: meta({ elicitation: {} }),
      });
    expect(await retry(first.requestState)).toMatchObject({ resultType: 'input_required' });
    const [body, signature] = first.requestState.split('.');
    const forged = Buffer.from(Buffer.from(body, 'base64url').toString().replace('"round":1', '"round":2'));
    for (const bad of [`${forged.toString('base64url')}.${signature}`, `${body}.`, body, 'x.y', 7])
      await expect(retry(bad)).rejects.toMatchObject({ rpcCode: -32602 });
    await expect(retry(first.requestState, 'two_questions')).rejects.toMatchObject({ rpcCode: -32602 });
  });

  it('rounds are capped on the client', async () => {
    served = await serve(
      createServer({ name: 'x', version: '1' }).tool('forever', () =>
        inputRequired(undefined, { again: true }),
      ),
    );
    const client = await served.client({ maxInputRounds: 3 });
    await expect(client.callTool('forever')).rejects.toMatchObject({ code: 'OVERLOADED' });
  });
});

describe('legacy input', () => {
  it('of a kind the client did not declare fails the tool', async () => {
    served = await serve(asking());
    const client = await served.client({ era: 'legacy' });
    const result = await client.callTool('two_questions');
    expect(result.isError).toBe(true);
    expect(text(result)).toContain('elicitation');
  });
});

describe('requestState', () => {
  const binding = { method: 'tools/call', name: 't', arguments: { a: 1, b: [2] }, principal: 'ada' };

  it('opens for its request and principal until it expires', () => {
    let now = 1000;
    const signer = new RequestStateSigner({ ttlMs: 500, now: () => now });
    const state = signer.seal({ kept: true }, binding);
    expect(signer.open(state, { ...binding, arguments: { b: [2], a: 1 } })).toEqual({
      payload: { kept: true },
    });
    expect(signer.open(state, { ...binding, principal: 'eve' })).toBeUndefined();
    expect(signer.open(state, { ...binding, arguments: { a: 2, b: [2] } })).toBeUndefined();
    expect(signer.open(state, { ...binding, method: 'prompts/get' })).toBeUndefined();
    now = 1501;
    expect(signer.open(state, binding)).toBeUndefined();
  });

  it('opens in every process that has the key, and in no other', () => {
    const key = new Uint8Array(32).fill(7);
    const state = new RequestStateSigner({ key, ttlMs: 60_000 }).seal(1, binding);
    expect(new RequestStateSigner({ key, ttlMs: 60_000 }).open(state, binding)).toEqual({ payload: 1 });
    expect(new RequestStateSigner({ ttlMs: 60_000 }).open(state, binding)).toBeUndefined();
    expect(() => new RequestStateSigner({ key: new Uint8Array(31), ttlMs: 1 })).toThrow(/32 bytes/);
  });
});
