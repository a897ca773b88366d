/** What a user sees who got something wrong: the message, the exit code, and a server that goes on. */
import { mkdir, writeFile } from 'node:fs/promises';
import { connect as connectSocket, createServer as createSocketServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importRingwire, ringwire, root, serveModule, temporaryFolder, temporaryModule } from './run.js';

interface Row {
  readonly args: readonly string[];
  readonly code: number;
  readonly says: string | RegExp;
  readonly hint?: string | RegExp;
}

const unreachable = 'tcp://127.0.0.1:1';

const commandLines: Record<string, Row> = {
  'unknown command': {
    args: ['cal'],
    code: 2,
    says: 'ringwire has no command "cal".',
    hint: 'Did you mean call?',
  },
  'command nothing like any': {
    args: ['frobnicate'],
    code: 2,
    says: 'no command "frobnicate"',
    hint: 'Commands: serve, call',
  },
  'unknown option': {
    args: ['doctor', '--jsn'],
    code: 2,
    says: 'ringwire doctor has no option --jsn.',
    hint: 'Did you mean --json?',
  },
  'unknown short option': {
    args: ['doctor', '-x'],
    code: 2,
    says: 'ringwire doctor has no option -x.',
    hint: 'See ringwire help doctor.',
  },
  'option without its value': {
    args: ['serve', 'm.mjs', '--listen'],
    code: 2,
    says: '--listen needs a value.',
    hint: '--listen URL',
  },
  'value for a flag': {
    args: ['doctor', '--json=yes'],
    code: 2,
    says: '--json takes no value, but "yes" was given.',
  },
  'option twice': {
    args: ['tools', unreachable, '--timeout', '1', '--timeout', '2'],
    code: 2,
    says: '--timeout was given more than once.',
  },
  'number that is none': {
    args: ['tools', unreachable, '--timeout', 'soon'],
    code: 2,
    says: '--timeout must be a whole number of at least 1, not "soon".',
  },
  'number out of range': {
    args: ['bench', 'quick', '--seconds', '0'],
    code: 2,
    says: '--seconds must be a number between 0.1 and 86400, not "0".',
  },
  'unknown word': {
    args: ['tools', unreachable, '--implementation', 'nativ'],
    code: 2,
    says: '--implementation must be auto, native or twin, not "nativ".',
    hint: 'Did you mean --implementation native?',
  },
  'unknown benchmark': {
    args: ['bench', 'quik'],
    code: 2,
    says: 'There is no scenario "quik". Did you mean quick?',
  },

  'no address': { args: ['call'], code: 2, says: 'ringwire call needs an address.' },
  'no tool': {
    args: ['call', unreachable],
    code: 2,
    says: 'ringwire call needs the name of a tool or a method.',
  },
  'address without a scheme': {
    args: ['tools', 'localhost'],
    code: 2,
    says: '"localhost" is no usable endpoint: it has no scheme.',
  },
  'host and port without a scheme': {
    args: ['tools', 'localhost:4000'],
    code: 2,
    says: 'Write "tcp://localhost:4000".',
  },
  'scheme of a later version': {
    args: ['tools', 'shm:tools'],
    code: 2,
    says: 'the scheme "shm:" is not served by this version',
  },
  'unknown scheme': {
    args: ['tools', 'gopher://example.org'],
    code: 2,
    says: 'the scheme "gopher:" is unknown',
  },
  'port out of range': {
    args: ['tools', 'tcp://127.0.0.1:70000'],
    code: 2,
    says: 'the port "70000" is not an integer from 0 to 65535',
  },
  'port 0 to connect to': {
    args: ['tools', 'tcp://127.0.0.1:0'],
    code: 2,
    says: 'port 0 means "any free port"',
  },
  'stdio without a command': {
    args: ['tools', 'stdio:'],
    code: 2,
    says: 'stdio: needs the command to start.',
  },
  'command with a socket': {
    args: ['tools', unreachable, '--', 'node'],
    code: 2,
    says: 'A command after -- goes with the address stdio:',
  },
  'argument that is no JSON': {
    args: ['call', unreachable, 'echo', '{text:1}'],
    code: 2,
    says: /^ringwire: The arguments are not JSON: .*position 1/,
    hint: `'{"text":"hello"}'`,
  },
  'argument that is no object': {
    args: ['call', unreachable, 'echo', '5'],
    code: 2,
    says: 'The arguments must be a JSON object, not 5.',
  },
  'array as arguments of a tool': {
    args: ['call', unreachable, 'echo', '[1]'],
    code: 2,
    says: 'The arguments must be a JSON object, not an array.',
  },
  'unquoted arguments': {
    args: ['call', unreachable, 'echo', '{"a":1,', '"b":2}'],
    code: 2,
    says: `${JSON.stringify('"b":2}')} is too much`,
    hint: 'Quote the JSON',
  },

  'nothing listens': {
    args: ['tools', unreachable],
    code: 3,
    says: /127\.0\.0\.1:1\b.*\(CONNECTION_REFUSED\)/,
  },
  'no such Unix socket': {
    args: ['tools', 'unix:/nonexistent/mcp.sock'],
    code: 3,
    says: /\/nonexistent\/mcp\.sock/,
  },
  'command that does not exist': {
    args: ['tools', 'stdio:', '--', 'no-such-command-here'],
    code: 2,
    says: 'The command "no-such-command-here" was not found on PATH.',
  },
  'command that ends at once': {
    args: ['tools', 'stdio:', '--', process.execPath, '-e', 'process.exit(7)'],
    code: 3,
    says: '(CONNECTION_CLOSED)',
    hint: 'exited with code 7',
  },

  'no module': { args: ['serve'], code: 2, says: 'ringwire serve needs a module.' },
  'no place to listen': {
    args: ['serve', 'm.mjs'],
    code: 2,
    says: 'was not told where to listen',
    hint: '--listen tcp://127.0.0.1:4000',
  },
  'missing file': {
    args: ['serve', './missing.mjs', '--stdio'],
    code: 2,
    says: 'There is no module "./missing.mjs".',
    hint: join(root, 'missing.mjs'),
  },
  'missing package': {
    args: ['serve', 'no-such-package', '--stdio'],
    code: 2,
    says: 'There is no module "no-such-package".',
    hint: 'a package of that name',
  },
  'a folder as module': { args: ['serve', './test', '--stdio'], code: 2, says: './test is a folder.' },
};

describe('command line', () => {
  it.each(Object.entries(commandLines))('%s', async (_name, { args, code, says, hint }) => {
    const ended = await ringwire(args);
    expect({ code: ended.code, stdout: ended.stdout }, ended.stderr).toEqual({ code, stdout: '' });
    const [first, second] = ended.stderr.split('\n');
    expect(first).toMatch(/^ringwire: /);
    if (typeof says === 'string') expect(first).toContain(says);
    else expect(first).toMatch(says);
    if (hint !== undefined) expect(second).toContain(hint);
    expect(ended.stderr, 'no stack trace for what a user did').not.toMatch(/\n\s+at /);
  });

  it('reports errors as JSON on stderr where --json was given', async () => {
    const { code, stdout, stderr } = await ringwire(['tools', unreachable, '--json']);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'CONNECTION_REFUSED', message: expect.any(String) },
    });
    const usage = await ringwire(['tools', '--json', '--tiemout', '1']);
    expect(JSON.parse(usage.stderr)).toMatchObject({
      error: { code: 'USAGE', hint: 'Did you mean --timeout?' },
    });
  });

  it('refuses JSON on stdout beside the protocol', async () => {
    const { code, stderr } = await ringwire(['serve', 'm.mjs', '--stdio', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({
      error: { message: expect.stringContaining('--json prints to stdout') },
    });
  });

  it('colours nothing when it does not print to a terminal', async () => {
    const { stderr } = await ringwire(['cal'], { env: { NO_COLOR: '' } });
    expect(stderr).not.toContain('\u001b');
  });
});

describe('modules', () => {
  const modules: Record<string, { source: string; code: number; says: string }> = {
    'no default export': { source: 'export const server = 1;', code: 2, says: 'has no default export.' },
    'a number': { source: 'export default 5;', code: 2, says: 'is a number.' },
    'something else': { source: 'export default { tool() {} };', code: 2, says: 'is an object with tool.' },
    'a function that returns nothing': {
      source: 'export default () => {};',
      code: 2,
      says: 'returned undefined.',
    },
    'a syntax error': { source: 'export default {', code: 1, says: 'SyntaxError' },
    'an error of its own': { source: 'throw new Error("no database");', code: 1, says: 'no database' },
    'an import that is missing': {
      source: 'import "./gone.mjs"; export default 1;',
      code: 1,
      says: 'gone.mjs',
    },
    'a tool name that is not allowed': {
      source: `${importRingwire}\nexport default ringwire.createServer({ name: 'a', version: '1' }).tool('a b', () => '');`,
      code: 2,
      says: 'Tool name "a b" must have 1 to 128 characters',
    },
  };

  it.each(Object.entries(modules))('%s', async (_name, { source, code, says }) => {
    const path = await temporaryModule(source);
    const ended = await ringwire(['serve', path, '--stdio']);
    expect({ code: ended.code, stdout: ended.stdout }, ended.stderr).toEqual({ code, stdout: '' });
    expect(ended.stderr).toContain(says);
  });

  it('TypeScript where Node.js cannot run it', async () => {
    const path = await temporaryModule('export default 1 as number;', 'server.ts');
    const { code, stderr } = await ringwire(['serve', path, '--stdio']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/cannot run .*server\.ts|is a number/);
  });
});

describe('addresses to listen on', () => {
  const source = `export default ringwire.createServer({ name: 'a', version: '1' });`;
  const server = `${importRingwire}\n${source}`;

  it('port in use', async () => {
    const { url } = await serveModule(source);
    const { code, stderr } = await ringwire(['serve', await temporaryModule(server), '--listen', url]);
    expect(code).toBe(3);
    expect(stderr).toMatch(new RegExp(`^ringwire: .*${new URL(url).port}.*\\(ADDRESS_IN_USE\\)`));
  });

  it('socket path where something else is', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), 'not a socket');
    await mkdir(join(folder, 'folder'));
    for (const name of ['file', 'folder', 'missing/x.sock']) {
      const path = join(folder, name);
      const { code, stderr } = await ringwire([
        'serve',
        await temporaryModule(server),
        '--listen',
        `unix:${path}`,
      ]);
      expect(code, stderr).toBe(2);
      expect(stderr).toContain(path);
    }
  });

  it('socket option that is out of range', async () => {
    const { code, stderr } = await ringwire([
      'serve',
      await temporaryModule(server),
      '--stdio',
      '--max-frame-bytes',
      '0',
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain('--max-frame-bytes must be a whole number between 1 and');
  });
});

describe('frames', () => {
  const echo = `export default ringwire.createServer({ name: 'a', version: '1' }).tool('echo', ({ text }) => text);`;
  const ping = '{"jsonrpc":"2.0","id":"ping","method":"ping"}';
  const frames: Record<string, { frame: string | Buffer; code: number; says: RegExp }> = {
    'no JSON': { frame: '{"jsonrpc":"2.0","id":1,', code: -32700, says: /JSON|Parse/i },
    'not an object': { frame: '5', code: -32600, says: /object|Request/i },
    'a version of its own': {
      frame: '{"jsonrpc":"1.0","id":1,"method":"ping"}',
      code: -32600,
      says: /jsonrpc/,
    },
    'no method': { frame: '{"jsonrpc":"2.0","id":1}', code: -32600, says: /./ },
    'an id that is an object': {
      frame: '{"jsonrpc":"2.0","id":{},"method":"ping"}',
      code: -32600,
      says: /id/,
    },
    'bytes that are no UTF-8': {
      frame: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]),
      code: -32700,
      says: /UTF-8/,
    },
    'a million brackets': {
      frame: `{"jsonrpc":"2.0","id":1,"method":"ping","params":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`,
      code: -32600,
      says: /depth|deep|nest/i,
    },
    'larger than maxFrameBytes': {
      frame: `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"text":"${'x'.repeat(5_000_000)}"}}`,
      code: -32600,
      says: /5\d{6}.*4194304|4194304/,
    },
    'unknown method': { frame: '{"jsonrpc":"2.0","id":1,"method":"nothing"}', code: -32601, says: /nothing/ },
  };

  it.each(Object.entries(frames))('%s', async (_name, { frame, code, says }) => {
    const { url } = await serveModule(echo);
    const { hostname, port } = new URL(url);
    const socket = connectSocket(Number(port), hostname);
    const replies = await new Promise<string[]>((resolve, reject) => {
      let text = '';
      socket
        .setEncoding('utf8')
        .on('error', reject)
        .on('data', (chunk) => {
          text += chunk;
          const lines = text.split('\n');
          if (lines.length > 2) resolve(lines);
        });
      socket.write(Buffer.concat([Buffer.from(frame), Buffer.from(`\n${ping}\n`)]));
    });
    socket.destroy();
    const answer = JSON.parse(replies[0]) as { error: { code: number; message: string } };
    expect(answer.error.code, replies[0]).toBe(code);
    expect(answer.error.message).toMatch(says);
    // The same connection is served on, and so are others.
    expect(JSON.parse(replies[1])).toMatchObject({ id: 'ping' });
    expect((await ringwire(['call', url, 'echo', '{"text":"alive"}'])).stdout).toBe('alive\n');
  });
});

describe('answers', () => {
  const server = `export default ringwire.createServer({ name: 'a', version: '1' })
    .tool('echo', { inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } }, ({ text }) => text)
    .method('own/refuse', () => { throw new ringwire.RpcError(-32602, 'the number must be even', { given: 3 }); });`;

  it('unknown tool', async () => {
    const { url } = await serveModule(server);
    const { code, stderr } = await ringwire(['call', url, 'ecko']);
    expect(code).toBe(4);
    expect(stderr).toMatch(/ecko/);
  });

  it('arguments that do not fit the schema', async () => {
    const { url } = await serveModule(server);
    const { code, stderr } = await ringwire(['call', url, 'echo', '{"text":5}']);
    expect(code).toBe(4);
    expect(stderr).toMatch(/Invalid arguments for tool echo: .*text/);
  });

  it('an error of the peer, with its data as JSON', async () => {
    const { url } = await serveModule(server);
    const { code, stderr } = await ringwire(['call', url, 'own/refuse', '--json']);
    expect(code).toBe(4);
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'RPC_ERROR', message: 'the number must be even', rpcCode: -32602, data: { given: 3 } },
    });
  });

  it('a peer that closes the connection, and one that answers no JSON', async () => {
    for (const [answer, says] of [
      ['', /CONNECTION_CLOSED|CONNECTION_RESET/],
      ['HTTP/1.1 400 Bad Request\r\n\r\n', /./],
    ] as const) {
      const peer = createSocketServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end(answer));
      });
      await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
      const { port } = peer.address() as { port: number };
      const { code, stderr } = await ringwire(['tools', `tcp://127.0.0.1:${port}`, '--timeout', '5000']);
      expect(code, stderr).toBe(3);
      expect(stderr).toMatch(says);
      await new Promise((resolve) => peer.close(resolve));
    }
  });
});
