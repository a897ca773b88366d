import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  cli,
  importRingwire,
  Running,
  ringwire,
  root,
  serveModule,
  temporaryFolder,
  temporaryModule,
} from './run.js';

const echoServer = `
const schema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
export default ringwire.createServer({ name: 'echo', version: '1.0.0' })
  .tool('echo', { description: 'Gives the text back.', inputSchema: schema }, ({ text }) => text)
  .tool('fail', () => { throw new Error('out of paper'); })
  .tool('mixed', () => ({ content: [{ type: 'text', text: 'one' }, { type: 'image', data: 'AAAA', mimeType: 'image/png' }] }))
  .tool('wait', (_args, context) => new Promise((resolve, reject) => {
    context.signal.addEventListener('abort', () => { process.stderr.write('cancelled\\n'); reject(context.signal.reason); });
    process.stderr.write('waiting\\n');
  }))
  .tool('steps', (_args, context) => { context.progress(1, 2, 'half'); context.progress(2, 2, 'whole'); return 'done'; });
`;

const hello = '{"text":"hällo 😀"}';

describe('ringwire', () => {
  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(await ringwire(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('explains itself on stdout when asked and on stderr when called without a command', async () => {
    const asked = await ringwire(['--help']);
    expect(asked).toMatchObject({ code: 0, stderr: '' });
    for (const name of ['serve', 'call', 'tools', 'doctor', 'bench', 'help'])
      expect(asked.stdout).toContain(`  ${name} `);
    expect(await ringwire([])).toEqual({ code: 2, stdout: '', stderr: asked.stdout });
  });

  it.each(['serve', 'call', 'tools', 'doctor', 'bench', 'help'])('explains %s', async (name) => {
    const byFlag = await ringwire([name, '--help']);
    expect(byFlag).toMatchObject({ code: 0, stderr: '' });
    expect(byFlag.stdout).toContain(`ringwire ${name}`);
    expect(byFlag.stdout).toContain('Examples');
    expect(await ringwire(['help', name])).toEqual(byFlag);
  });

  it('says in its documentation which exit codes there are', () => {
    const text = readFileSync(join(root, 'docs/cli.md'), 'utf8');
    for (const code of [0, 1, 2, 3, 4, 5, 130]) expect(text).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
  });
});

describe('ringwire call', () => {
  it('prints the text a tool answers', async () => {
    const { url } = await serveModule(echoServer);
    expect(await ringwire(['call', url, 'echo', hello])).toEqual({
      code: 0,
      stdout: 'hällo 😀\n',
      stderr: '',
    });
  });

  it('reads the arguments from stdin', async () => {
    const { url } = await serveModule(echoServer);
    expect(await ringwire(['call', url, 'echo', '-'], { input: hello })).toMatchObject({
      code: 0,
      stdout: 'hällo 😀\n',
    });
  });

  it('prints the whole result with --json, and content that is no text as JSON without', async () => {
    const { url } = await serveModule(echoServer);
    const json = await ringwire(['call', url, 'mixed', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ content: [{ type: 'text' }, { type: 'image' }] });
    const plain = await ringwire(['call', url, 'mixed']);
    expect(plain.stdout).toBe('one\n{"type":"image","data":"AAAA","mimeType":"image/png"}\n');
  });

  it('calls MCP methods, over a Unix socket as well', async () => {
    const folder = await temporaryFolder();
    const { url } = await serveModule(echoServer, `unix:${join(folder, 'echo.sock')}`);
    const { code, stdout } = await ringwire(['call', url, 'tools/list']);
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { tools: { name: string }[] }).tools[0].name).toBe('echo');
  });

  it('starts a server on stdio and ends it', async () => {
    const module = await temporaryModule(`${importRingwire}\n${echoServer}`);
    const call = ['call', 'stdio:', 'echo', hello, '--', process.execPath, cli, 'serve', module, '--stdio'];
    expect(await ringwire(call)).toEqual({ code: 0, stdout: 'hällo 😀\n', stderr: '' });
  });

  it('speaks plain JSON-RPC with --raw', async () => {
    const { url } = await serveModule(`export default ringwire.createRpcServer()
      .method('add', ([left, right]) => left + right)
      .method('params', (params) => params ?? null);`);
    expect(await ringwire(['call', '--raw', url, 'add', '[1,2]'])).toEqual({
      code: 0,
      stdout: '3\n',
      stderr: '',
    });
    expect((await ringwire(['call', '--raw', url, 'params', '{"a":1}'])).stdout).toBe('{"a":1}\n');
    expect((await ringwire(['call', '--raw', url, 'params'])).stdout).toBe('null\n');
  });

  it('ends with 4 when the tool fails, and tells why', async () => {
    const { url } = await serveModule(echoServer);
    const { code, stdout, stderr } = await ringwire(['call', url, 'fail']);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toBe('ringwire: the tool fail failed: out of paper\n');
  });

  it('ends with 5 when no answer comes in time', async () => {
    const { url } = await serveModule(echoServer);
    const { code, stderr } = await ringwire(['call', url, 'wait', '--timeout', '200']);
    expect(code).toBe(5);
    expect(stderr).toContain('(DEADLINE_EXCEEDED)');
  });

  it('cancels the call on Ctrl-C', async () => {
    const { child, url } = await serveModule(echoServer);
    const calling = new Running([cli, 'call', url, 'wait']);
    await child.match('stderr', /waiting/);
    calling.process.kill('SIGINT');
    expect((await calling.ended).code).toBe(130);
    await child.match('stderr', /cancelled/);
  });

  it('shows progress on stderr with --progress', async () => {
    const { url } = await serveModule(echoServer);
    const { stdout, stderr } = await ringwire(['call', url, 'steps', '--progress']);
    expect(stdout).toBe('done\n');
    expect(stderr).toBe('1/2 half\n2/2 whole\n');
  });
});

describe('ringwire tools', () => {
  it('prints a table, and the schemas with --json', async () => {
    const { url } = await serveModule(echoServer);
    const { code, stdout } = await ringwire(['tools', url]);
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(/^echo +\(text: string\) +Gives the text back\.$/);
    const listed = JSON.parse((await ringwire(['tools', url, '--json'])).stdout) as {
      name: string;
      inputSchema: object;
    }[];
    expect(listed.map(({ name }) => name)).toEqual(['echo', 'fail', 'mixed', 'wait', 'steps']);
    expect(listed[0].inputSchema).toMatchObject({ required: ['text'] });
  });
});

describe('ringwire serve', () => {
  it('serves several addresses at once', async () => {
    const folder = await temporaryFolder();
    const module = await temporaryModule(`${importRingwire}\n${echoServer}`);
    const unix = `unix:${join(folder, 'echo.sock')}`;
    const child = new Running([cli, 'serve', module, '--listen', 'tcp://127.0.0.1:0', '-l', unix]);
    const [, tcp] = await child.match('stderr', /listening on (tcp:\S+)\n/);
    await child.match('stderr', new RegExp(`listening on ${unix}`));
    for (const url of [tcp, unix]) expect((await ringwire(['call', url, 'echo', hello])).code).toBe(0);
    expect(child.stdout).toBe('');
  });

  it.each([
    ['an object', (server: string) => `export default ${server};`],
    ['a function', (server: string) => `export default () => ${server};`],
    ['an asynchronous function', (server: string) => `export default async () => ${server};`],
  ])('takes a module whose default export is %s', async (_kind, wrap) => {
    const { url } = await serveModule(
      wrap(`ringwire.createServer({ name: 'a', version: '1' }).tool('hi', () => 'there')`),
    );
    expect((await ringwire(['call', url, 'hi'])).stdout).toBe('there\n');
  });

  it('serves an McpServer of the official SDK, one for each connection', async () => {
    const sdk = join(root, 'node_modules/@modelcontextprotocol/sdk/dist/esm/server/mcp.js');
    const { url } = await serveModule(`import { McpServer } from ${JSON.stringify(sdk)};
      let made = 0;
      export default () => {
        const number = ++made;
        const server = new McpServer({ name: 'sdk', version: '1' });
        server.registerTool('number', {}, async () => ({ content: [{ type: 'text', text: String(number) }] }));
        return server;
      };`);
    const first = await ringwire(['call', url, 'number']);
    const second = await ringwire(['call', url, 'number']);
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(Number(second.stdout)).toBe(Number(first.stdout) + 1);
  });
});

describe('ringwire doctor', () => {
  it('says what runs, and ends with 0 when nothing is broken', async () => {
    const { code, stdout } = await ringwire(['doctor', '--json']);
    const { healthy, findings } = JSON.parse(stdout) as {
      healthy: boolean;
      findings: { name: string; status: string }[];
    };
    expect({ code, healthy }).toEqual({ code: 0, healthy: true });
    expect(findings.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['node', 'node-api', 'platform', 'addon']),
    );
    const lines = (await ringwire(['doctor'])).stdout.split('\n');
    for (const { name, status } of findings) {
      expect(lines.some((line) => line.startsWith(status) && line.includes(` ${name} `))).toBe(true);
    }
  });

  it('names what would be better and the command for it', async () => {
    const { code, stdout } = await ringwire(['doctor'], { env: { RINGWIRE_NO_ADDON: '1' } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^could be better +addon .*\n {2}change it: unset RINGWIRE_NO_ADDON$/m);
    expect(stdout).not.toMatch(/\bsimd\b/);
  });
});

describe('servers of others', () => {
  const server = (name: string): string[] => [
    '--',
    process.execPath,
    join(root, `node_modules/@modelcontextprotocol/server-${name}/dist/index.js`),
  ];

  it('server-everything over stdio', async () => {
    const listed = await ringwire(['tools', 'stdio:', '--json', ...server('everything')]);
    expect(listed.code, listed.stderr).toBe(0);
    const tools = JSON.parse(listed.stdout) as { name: string }[];
    expect(tools.map(({ name }) => name)).toContain('echo');
    const called = await ringwire(['call', 'stdio:', 'echo', '{"message":"grüße"}', ...server('everything')]);
    expect(called).toMatchObject({ code: 0, stdout: expect.stringContaining('grüße') });
  });

  it('server-filesystem over stdio', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'note.txt'), 'remember');
    const path = JSON.stringify({ path: join(folder, 'note.txt') });
    const read = await ringwire(['call', 'stdio:', 'read_text_file', path, ...server('filesystem'), folder]);
    expect(read).toMatchObject({ code: 0, stdout: 'remember\n' });
    const outside = await ringwire([
      'call',
      'stdio:',
      'read_text_file',
      '{"path":"/etc/hosts"}',
      ...server('filesystem'),
      folder,
    ]);
    expect(outside).toMatchObject({ code: 4, stdout: '', stderr: expect.stringContaining('denied') });
  });
});
