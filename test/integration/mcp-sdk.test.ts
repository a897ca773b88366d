/** The official clients of both SDK lines against our server, and our client against official servers, over stdio. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client as Client2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as Stdio2 } from '@modelcontextprotocol/client/stdio';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as Stdio1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema, LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import { type ConnectOptions, connect, type McpClient, type Target } from '../../src/mcp/index.js';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const fixture = { command: process.execPath, args: [path('mcp-fixture.mjs')] };
const bin = (name: string) => path(`../../node_modules/.bin/${name}`);

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

const accepted = { action: 'accept', content: { name: 'Ada' } } as const;

describe('the official client of SDK 1.x', () => {
  async function official(): Promise<Client1> {
    const client = new Client1({ name: 'sdk1', version: '1' }, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, async () => ({
      action: 'accept',
      content: { name: 'Ada' },
    }));
    await client.connect(new Stdio1(fixture));
    open.push(client);
    return client;
  }

  it('lists, calls, reads, gets, completes and pings', async () => {
    const client = await official();
    expect(client.getServerVersion()).toMatchObject({ name: 'fixture', version: '1.0.0' });
    expect(client.getInstructions()).toBe('For tests.');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('echo');
    expect((await client.callTool({ name: 'echo', arguments: { text: 'hé\n' } })).content).toEqual([
      { type: 'text', text: 'hé\n' },
    ]);
    // The client holds structuredContent to the outputSchema it listed.
    expect(await client.callTool({ name: 'sum', arguments: { numbers: [1, 2] } })).toMatchObject({
      structuredContent: { sum: 3 },
    });
    expect(await client.callTool({ name: 'fail' })).toMatchObject({ isError: true });
    expect(await client.callTool({ name: 'echo', arguments: {} })).toMatchObject({ isError: true });
    await expect(client.callTool({ name: 'none' })).rejects.toMatchObject({ code: -32602 });
    expect((await client.readResource({ uri: 'note://bytes' })).contents).toEqual([
      { uri: 'note://bytes', blob: 'AAH/' },
    ]);
    expect((await client.readResource({ uri: 'note://by/ada' })).contents[0]).toMatchObject({
      text: 'note by ada',
    });
    await expect(client.readResource({ uri: 'note://none' })).rejects.toMatchObject({ code: -32002 });
    expect((await client.listResourceTemplates()).resourceTemplates).toHaveLength(1);
    expect((await client.getPrompt({ name: 'greet', arguments: { who: 'Ada' } })).messages).toHaveLength(1);
    const completed = await client.complete({
      ref: { type: 'ref/resource', uri: 'note://by/{name}' },
      argument: { name: 'name', value: 'a' },
    });
    expect(completed.completion.values).toEqual(['ada']);
    expect(await client.ping()).toEqual({});
  });

  it('gets progress and logs, is asked for input, and hears of changes', async () => {
    const client = await official();
    const logs: unknown[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logs.push(params));
    await client.setLoggingLevel('info');
    await client.callTool({ name: 'work' }, undefined, {
      onprogress: ({ progress }) => {
        if (progress === 3) void client.callTool({ name: 'continue_work' });
      },
    });
    expect(logs).toEqual([{ level: 'info', data: 'working' }]);
    expect((await client.callTool({ name: 'ask' })).content).toEqual([{ type: 'text', text: 'Hello Ada' }]);
    const changes: string[] = [];
    const heard = new Promise<void>((resolve) => {
      client.fallbackNotificationHandler = async ({ method }) => {
        changes.push(method);
        if (changes.length === 2) resolve();
      };
    });
    await client.subscribeResource({ uri: 'note://one' });
    await client.callTool({ name: 'grow' });
    await heard;
    expect(changes.sort()).toEqual(['notifications/resources/updated', 'notifications/tools/list_changed']);
  });
});

describe.each(['legacy', 'auto'] as const)('the official client of SDK 2.x, mode %s', (mode) => {
  async function official(): Promise<Client2> {
    const client = new Client2(
      { name: 'sdk2', version: '1' },
      { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode } },
    );
    client.setRequestHandler('elicitation/create', async () => ({ ...accepted }));
    await client.connect(new Stdio2(fixture));
    open.push(client);
    return client;
  }

  it('agrees on the era', async () => {
    const client = await official();
    expect(client.getProtocolEra()).toBe(mode === 'auto' ? 'modern' : 'legacy');
    expect(client.getServerVersion()).toMatchObject({ name: 'fixture' });
    expect(client.getServerCapabilities()).toMatchObject({ tools: { listChanged: true } });
  });

  it('lists, calls, reads, gets and completes', async () => {
    const client = await official();
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('sum');
    expect((await client.callTool({ name: 'echo', arguments: { text: 'x' } })).content).toEqual([
      { type: 'text', text: 'x' },
    ]);
    expect(await client.callTool({ name: 'sum', arguments: { numbers: [4, 5] } })).toMatchObject({
      structuredContent: { sum: 9 },
    });
    expect(await client.callTool({ name: 'fail' })).toMatchObject({ isError: true });
    expect((await client.readResource({ uri: 'note://one' })).contents[0]).toMatchObject({
      text: 'first note',
    });
    await expect(client.readResource({ uri: 'note://none' })).rejects.toThrow(/not found/i);
    expect((await client.listResources()).resources).toHaveLength(2);
    expect((await client.getPrompt({ name: 'greet', arguments: { who: 'Bob' } })).messages).toHaveLength(1);
    const completed = await client.complete({
      ref: { type: 'ref/resource', uri: 'note://by/{name}' },
      argument: { name: 'name', value: 'b' },
    });
    expect(completed.completion.values).toEqual(['bob']);
  });

  it('gets progress and is asked for input', async () => {
    const client = await official();
    const done = await client.callTool(
      { name: 'work' },
      {
        onprogress: ({ progress }) => {
          if (progress === 3) void client.callTool({ name: 'continue_work' });
        },
      },
    );
    expect(done.content).toEqual([{ type: 'text', text: 'done' }]);
    expect((await client.callTool({ name: 'ask' })).content).toEqual([{ type: 'text', text: 'Hello Ada' }]);
  });
});

describe('subscriptions of the official client of SDK 2.x', () => {
  it('are acknowledged, filled, and closed by the client', async () => {
    const client = new Client2({ name: 'sdk2', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    const changed = new Promise<void>((resolve) => {
      client.setNotificationHandler('notifications/tools/list_changed', () => resolve());
    });
    await client.connect(new Stdio2(fixture));
    open.push(client);
    const subscription = await client.listen({
      toolsListChanged: true,
      resourceSubscriptions: ['note://one'],
    });
    expect(subscription.honoredFilter).toEqual({
      toolsListChanged: true,
      resourceSubscriptions: ['note://one'],
    });
    await client.callTool({ name: 'grow' });
    await changed;
    await subscription.close();
    expect(await subscription.closed).toBe('local');
  });
});

async function ours(target: Target, options: ConnectOptions = {}): Promise<McpClient> {
  const client = await connect(target, { transport: { stderr: 'ignore' }, ...options });
  open.push(client);
  return client;
}

describe('our client', () => {
  it.each(['modern', 'legacy'] as const)('drives our server over stdio in the %s era', async (era) => {
    const client = await ours(fixture, { era, onElicitation: () => accepted });
    expect([client.era, client.serverInfo?.name, client.instructions]).toEqual([
      era,
      'fixture',
      'For tests.',
    ]);
    expect((await client.callTool('ask')).content).toEqual([{ type: 'text', text: 'Hello Ada' }]);
    expect(await client.callTool('sum', { numbers: [1] })).toMatchObject({ structuredContent: { sum: 1 } });
  });

  it('survives a crash of the child: the call fails, retryable, and the next one starts it again', async () => {
    const client = await ours(fixture);
    await expect(client.callTool('crash')).rejects.toMatchObject({
      retryable: true,
      cause: { code: 'CHILD_EXITED' },
    });
    await client.closed;
    expect((await client.callTool('echo', { text: 'back' })).content).toEqual([
      { type: 'text', text: 'back' },
    ]);
  });

  it('drives a modern server of SDK 2.x: calls, input, subscriptions, errors', async () => {
    const target = { command: process.execPath, args: [path('mcp-sdk2-fixture.mjs')] };
    const client = await ours(target, { onElicitation: () => accepted });
    expect([client.era, client.serverInfo?.name, client.instructions]).toEqual([
      'modern',
      'official',
      'Official.',
    ]);
    expect((await client.listTools()).map(({ name }) => name)).toEqual(['echo', 'ask', 'grow']);
    expect((await client.callTool('echo', { text: 'hé' })).content).toEqual([{ type: 'text', text: 'hé' }]);
    expect((await client.callTool('ask')).content).toEqual([{ type: 'text', text: 'Hello Ada' }]);
    expect((await client.readResource('note://one')).contents[0].text).toBe('official');
    await expect(client.callTool('none')).rejects.toMatchObject({ rpcCode: -32602 });
    const subscription = await client.listen({ toolsListChanged: true });
    expect(subscription.accepted).toEqual({ toolsListChanged: true });
    await client.callTool('grow');
    for await (const event of subscription) {
      expect(event).toEqual({ type: 'toolsListChanged' });
      break;
    }
  });

  it('drives server-everything', async () => {
    const logs: unknown[] = [];
    const client = await ours(
      { command: bin('mcp-server-everything'), args: ['stdio'] },
      { onLog: (message) => logs.push(message), onRoots: () => [], onElicitation: () => accepted },
    );
    const tools = (await client.listTools()).map(({ name }) => name);
    expect(tools).toContain('echo');
    expect((await client.callTool('echo', { message: 'hi' })).content[0]).toMatchObject({ text: 'Echo: hi' });
    const progress: number[] = [];
    await client.callTool(
      'trigger-long-running-operation',
      { duration: 0.2, steps: 2 },
      { onProgress: (each) => progress.push(each.progress) },
    );
    expect(progress).toEqual([1, 2]);
    expect((await client.listResources()).length).toBeGreaterThan(0);
    expect((await client.listResourceTemplates()).length).toBeGreaterThan(0);
    const [prompt] = await client.listPrompts();
    expect((await client.getPrompt(prompt.name)).messages.length).toBeGreaterThan(0);
    await client.ping();
  });

  it('drives server-filesystem', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ringwire-mcp-'));
    try {
      await writeFile(join(folder, 'note.txt'), 'on disk');
      const client = await ours({ command: bin('mcp-server-filesystem'), args: [folder] });
      expect((await client.listTools()).map(({ name }) => name)).toContain('list_directory');
      const read = await client.callTool('read_text_file', { path: join(folder, 'note.txt') });
      expect(read.content[0]).toMatchObject({ text: 'on disk' });
      expect((await client.callTool('read_text_file', { path: '/etc/passwd' })).isError).toBe(true);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
