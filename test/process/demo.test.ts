/** `npm start`: the demo server with real clients of every kind. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client as Client2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as Stdio2 } from '@modelcontextprotocol/client/stdio';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as Stdio1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterEach, describe, expect, it } from 'vitest';
import { clientTransport, connect, type McpClient } from '../../src/index.js';
import { demo, Running, ringwire, root, temporaryFolder } from './run.js';

const info = { name: 'test', version: '1.0.0' };
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Demo {
  readonly child: Running;
  readonly http: string;
  readonly webSocket: string;
  readonly tcp: string;
  readonly unix: string;
  /** Of the page that calls it. */
  readonly page: string;
  /** The folder it serves. */
  readonly folder: string;
}

/** A folder with something to find, and things that must not be found. */
async function servedFolder(): Promise<string> {
  const outer = await temporaryFolder();
  const folder = join(outer, 'served');
  await mkdir(join(folder, 'src'), { recursive: true });
  await writeFile(join(outer, 'secret.txt'), 'needle outside');
  await writeFile(join(folder, 'notes.md'), 'one\nneedle here\nthree\n');
  await writeFile(join(folder, 'src/code.ts'), 'const needle = 1;\n');
  await writeFile(join(folder, 'binary.bin'), Buffer.from([1, 0, 2]));
  await writeFile(join(folder, 'large.txt'), 'x'.repeat(1024 * 1024 + 1));
  await symlink(join(outer, 'secret.txt'), join(folder, 'link.txt'));
  await symlink(outer, join(folder, 'up'));
  return folder;
}

async function startDemo(): Promise<Demo> {
  const folder = await servedFolder();
  const socket = join(await temporaryFolder(), 'demo.sock');
  const child = new Running([
    demo,
    ...['--port', '0', '--http-port', '0'],
    ...['--socket', socket, '--root', folder],
  ]);
  const [, http] = await child.match('stdout', /^ {2}(http:\S+) {2}\(HTTP engine: (?:uws|node)\)$/m);
  const [, webSocket] = await child.match('stdout', /^ {2}(ws:\S+)$/m);
  const [, page] = await child.match('stdout', /^ {2}(http:\S+\/)$/m);
  const [, tcp] = await child.match('stdout', /^ {2}(tcp:\S+)$/m);
  const [, unix] = await child.match('stdout', /^ {2}(unix:\S+)$/m);
  await child.match('stdout', /Ctrl-C/);
  return { child, http, webSocket, tcp, unix, page, folder };
}

async function client(url: string): Promise<McpClient> {
  const connected = await connect(url);
  cleanups.push(() => connected.close());
  return connected;
}

const textOf = (result: { content: readonly unknown[] }): string =>
  (result.content[0] as { text: string }).text;

describe('endpoints', () => {
  it('prints a line to copy that works, over every address', async () => {
    const { child, http, webSocket, tcp, unix } = await startDemo();
    const [, url, tool, json] = await child.match('stdout', /^ {2}npx ringwire call (\S+) (\S+) '(.*)'$/m);
    expect(url).toBe(http);
    for (const each of [http, webSocket, tcp, unix]) {
      expect(await ringwire(['call', each, tool, json])).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
    }
  });

  it('serves a page that calls its endpoint', async () => {
    const { http, page } = await startDemo();
    const answer = await fetch(page);
    expect(answer.headers.get('content-type')).toContain('text/html');
    const text = await answer.text();
    expect(text).toContain(`const endpoint = '${http}';`);
    const preflight = await fetch(http, {
      method: 'OPTIONS',
      headers: { origin: new URL(page).origin, 'access-control-request-method': 'POST' },
    });
    expect(preflight.headers.get('access-control-allow-origin')).toBe(new URL(page).origin);
  });

  it('takes another port when the default is taken', async () => {
    const ports: string[] = [];
    for (const name of ['a.sock', 'b.sock']) {
      const child = new Running([demo, '--socket', join(await temporaryFolder(), name)]);
      const [, port] = await child.match('stdout', /^ {2}tcp:\/\/127\.0\.0\.1:(\d+)$/m);
      const [, httpPort] = await child.match('stdout', /^ {2}http:\/\/127\.0\.0\.1:(\d+)\/mcp /m);
      ports.push(port, httpPort);
    }
    expect(new Set(ports).size).toBe(4);
  });

  it('ends when the port that was asked for is taken', async () => {
    const { tcp, http } = await startDemo();
    const socket = join(await temporaryFolder(), 'x.sock');
    for (const [option, taken] of [
      ['--port', tcp],
      ['--http-port', http],
    ]) {
      const { port } = new URL(taken);
      const { code, stderr } = await new Running([demo, option, port, '--socket', socket]).ended;
      expect(code).toBe(3);
      expect(stderr).toContain(port);
    }
  });

  it('refuses options it does not know', async () => {
    for (const args of [
      ['--prot', '1'],
      ['--port', '70000'],
      ['--port', 'x'],
      ['--http-port', '-1'],
      ['--engine', 'fast'],
    ]) {
      const { code, stderr } = await new Running([demo, ...args]).ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(/^demo: /);
    }
  });
});

describe('tools', () => {
  it('finds by name and by content, inside the folder only', async () => {
    const { tcp } = await startDemo();
    const demoClient = await client(tcp);
    const search = async (args: object): Promise<string[]> =>
      textOf(await demoClient.callTool('search_files', { ...args }))
        .split('\n')
        .sort();
    expect(await search({ glob: '*.md' })).toEqual(['notes.md']);
    expect(await search({ glob: '**/*.{ts,md}' })).toEqual(['notes.md', 'src/code.ts']);
    expect(await search({ pattern: 'needle' })).toEqual([
      'notes.md:2: needle here',
      'src/code.ts:1: const needle = 1;',
    ]);
    expect(await search({ glob: 'src/*', pattern: '^const' })).toEqual(['src/code.ts:1: const needle = 1;']);
    expect(await search({ pattern: 'nowhere' })).toEqual(['Nothing found.']);
    expect(await search({ pattern: 'e', maxResults: 1 })).toHaveLength(2);
  });

  it.each([
    [{ pattern: '(' }, /Invalid regular expression/],
    [{ glob: '{a' }, /without "}"/],
    [{}, /Give a glob, a pattern, or both/],
  ])('explains a search that cannot be made: %j', async (args, says) => {
    const { tcp } = await startDemo();
    const result = await (await client(tcp)).callTool('search_files', args);
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(says);
  });

  it('ends a pattern that would run for ever when the caller cancels, and answers others meanwhile', async () => {
    const { tcp, folder } = await startDemo();
    await writeFile(join(folder, 'evil.txt'), `${'a'.repeat(40)}!\n`);
    const demoClient = await client(tcp);
    const cancel = new AbortController();
    const endless = demoClient.callTool(
      'search_files',
      { glob: 'evil.txt', pattern: '^(a+)+$' },
      { signal: cancel.signal },
    );
    expect(textOf(await demoClient.callTool('echo', { text: 'still here' }))).toBe('still here');
    cancel.abort();
    await expect(endless).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('reads files of the folder', async () => {
    const { tcp } = await startDemo();
    const demoClient = await client(tcp);
    expect(textOf(await demoClient.callTool('read_file', { path: 'src/code.ts' }))).toBe(
      'const needle = 1;\n',
    );
    expect(textOf(await demoClient.callTool('read_file', { path: './src/../notes.md' }))).toContain(
      'needle here',
    );
  });

  it.each([
    ['../secret.txt', /outside/],
    ['src/../../secret.txt', /outside/],
    ['/etc/passwd', /absolute/],
    ['link.txt', /leads out/],
    ['up/secret.txt', /leads out/],
    ['missing.txt', /There is no/],
    ['src', /not a file/],
    ['binary.bin', /binary/],
    ['large.txt', /1048577 bytes; at most 1048576/],
    ['notes.md\0.txt', /NUL/],
  ])('does not read %j', async (path, says) => {
    const { tcp } = await startDemo();
    const result = await (await client(tcp)).callTool('read_file', { path });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(says);
    expect(textOf(result)).not.toContain('needle');
  });

  it('reports progress of a long task', async () => {
    const { tcp } = await startDemo();
    const seen: number[] = [];
    const onProgress = ({ progress }: { progress: number }): void => void seen.push(progress);
    const result = await (await client(tcp)).callTool('long_task', { steps: 3, stepMs: 1 }, { onProgress });
    expect(textOf(result)).toBe('Done in 3 steps.');
    expect(seen.at(-1)).toBe(3);
    expect(seen).toEqual([...seen].sort());
  });
});

describe('resources and prompts', () => {
  it('serves files and its status as resources', async () => {
    const { tcp } = await startDemo();
    const demoClient = await client(tcp);
    const uris = (await demoClient.listResources()).map(({ uri }) => uri);
    expect(uris).toEqual(
      expect.arrayContaining(['demo://status', 'demo://files/notes.md', 'demo://files/src/code.ts']),
    );
    expect(uris.some((uri) => uri.includes('link') || uri.includes('secret'))).toBe(false);
    const { contents } = await demoClient.readResource('demo://files/src/code.ts');
    expect(contents[0].text).toBe('const needle = 1;\n');
    const status = await demoClient.readResource('demo://status');
    expect(JSON.parse(status.contents[0].text ?? '')).toMatchObject({ toolCalls: 0 });
    await expect(demoClient.readResource('demo://files/..%2Fsecret.txt')).rejects.toThrow();
  });

  it('completes paths and offers a prompt', async () => {
    const { tcp } = await startDemo();
    const demoClient = await client(tcp);
    const ref = { type: 'ref/resource', uri: 'demo://files/{+path}' } as const;
    expect((await demoClient.complete(ref, { name: 'path', value: 'src/' })).values).toEqual(['src/code.ts']);
    const prompt = await demoClient.getPrompt('explain_file', { path: 'notes.md', audience: 'expert' });
    expect(prompt.messages[0]).toMatchObject({
      role: 'user',
      content: { text: expect.stringContaining('notes.md') },
    });
  });
});

describe('official clients', () => {
  const modern = { versionNegotiation: { mode: { pin: '2026-07-28' } } } as const;
  const command = { command: process.execPath, args: [demo, '--stdio'] };

  const peers: Record<string, (tcp: string) => Promise<Client1 | Client2>> = {
    'SDK 1.x over stdio': async () => {
      const peer = new Client1(info);
      await peer.connect(new Stdio1(command));
      return peer;
    },
    'SDK 2.x over stdio': async () => {
      const peer = new Client2(info);
      await peer.connect(new Stdio2(command));
      return peer;
    },
    'SDK 2.x over stdio, 2026-07-28': async () => {
      const peer = new Client2(info, modern);
      await peer.connect(new Stdio2(command));
      expect(peer.getNegotiatedProtocolVersion()).toBe('2026-07-28');
      return peer;
    },
    'SDK 2.x over stdio, started by npm': async () => {
      const peer = new Client2(info, modern);
      const args = ['start', '--silent', '--prefix', root, '--', '--stdio'];
      await peer.connect(new Stdio2({ command: 'npm', args, stderr: 'ignore' }));
      return peer;
    },
    'SDK 1.x over TCP': async (tcp) => {
      const peer = new Client1(info);
      await peer.connect(clientTransport(tcp));
      return peer;
    },
    'SDK 2.x over TCP': async (tcp) => {
      const peer = new Client2(info);
      await peer.connect(clientTransport(tcp));
      return peer;
    },
    'SDK 2.x over TCP, 2026-07-28': async (tcp) => {
      const peer = new Client2(info, modern);
      await peer.connect(clientTransport(tcp));
      expect(peer.getNegotiatedProtocolVersion()).toBe('2026-07-28');
      return peer;
    },
  };

  it.each(Object.entries(peers))('%s', async (name, open) => {
    const peer = await open(name.includes('TCP') ? (await startDemo()).tcp : '');
    cleanups.push(() => peer.close());
    expect(peer.getServerVersion()).toMatchObject({ name: 'ringwire-demo' });
    const { tools } = await peer.listTools();
    expect(tools.map((tool) => tool.name)).toEqual(['echo', 'search_files', 'read_file', 'long_task']);
    const echoed = await peer.callTool({ name: 'echo', arguments: { text: 'grüße 😀' } });
    expect(echoed.content).toEqual([{ type: 'text', text: 'grüße 😀' }]);
    const { resources } = await peer.listResources();
    expect(resources.map(({ uri }) => uri)).toContain('demo://status');
    const { contents } = await peer.readResource({ uri: 'demo://status' });
    expect(contents[0]).toMatchObject({ mimeType: 'application/json' });
    const { resourceTemplates } = await peer.listResourceTemplates();
    expect(resourceTemplates.map(({ name }) => name)).toEqual(['files']);
    const { prompts } = await peer.listPrompts();
    expect(prompts.map((prompt) => prompt.name)).toEqual(['explain_file']);
    const prompt = await peer.getPrompt({ name: 'explain_file', arguments: { path: 'a.md' } });
    expect(prompt.messages).toHaveLength(1);
    const refused = await peer.callTool({ name: 'echo', arguments: {} });
    expect(refused.isError).toBe(true);
  });

  it.each(['SDK 1.x over TCP', 'SDK 2.x over TCP, 2026-07-28'])(
    '%s sees progress and cancels',
    async (name) => {
      const peer = await peers[name]((await startDemo()).tcp);
      cleanups.push(() => peer.close());
      const cancel = new AbortController();
      const progress = new Promise<number>((resolve) => {
        const call = { name: 'long_task', arguments: { steps: 100, stepMs: 20 } };
        const options = {
          signal: cancel.signal,
          onprogress: (seen: { progress: number }) => resolve(seen.progress),
        };
        const called =
          peer instanceof Client1 ? peer.callTool(call, undefined, options) : peer.callTool(call, options);
        called.catch(() => {});
      });
      expect(await progress).toBeGreaterThan(0);
      cancel.abort();
      expect((await peer.callTool({ name: 'echo', arguments: { text: 'after' } })).content).toHaveLength(1);
    },
  );
});
