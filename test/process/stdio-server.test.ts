/** Serving on our own stdin and stdout: a clean wire, and an end in order. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { importRingwire, Running, temporaryModule } from './run.js';

const fixture = fileURLToPath(new URL('../contract/fixtures/stdio-peer.mjs', import.meta.url));

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

function exit(child: Child): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', resolve));
}

describe.each(['twin', 'native'])('stdio server, %s', (implementation) => {
  const env = { ...process.env, RINGWIRE_TEST_IMPLEMENTATION: implementation };

  const start = (mode: string): Child =>
    spawn(process.execPath, [fixture, mode], { stdio: ['pipe', 'pipe', 'pipe'], env });

  test('what user code prints goes to stderr while we serve, and to stdout again afterwards', async () => {
    const child = start('chatter');
    const [stdout, stderr, code] = [text(child.stdout), text(child.stderr), exit(child)];
    child.stdin.end('{"a":1}\n{"b":2}\n');
    expect(await stdout).toBe('{"a":1}\n{"b":2}\nafter close\n');
    expect(await stderr).toBe('before start\nwhile serving\nraw write\nwhile serving\nraw write\n');
    expect(await code).toBe(0);
  });

  test('the end of stdin ends the server after its answers left', async () => {
    const child = start('echo');
    const [stdout, stderr, code] = [text(child.stdout), text(child.stderr), exit(child)];
    const input = `${'x'.repeat(1000)}\n`.repeat(5000);
    child.stdin.end(input);
    expect(await stdout).toBe(input);
    expect(await stderr).toBe('closed in order\n');
    expect(await code).toBe(0);
  });

  test('a reader that goes away closes the server instead of crashing it', async () => {
    const child = start('echo');
    const [stderr, code] = [text(child.stderr), exit(child)];
    child.stdin.on('error', () => {});
    child.stdout.destroy();
    child.stdin.write('{"nobody":"reads this"}\n');
    expect(await stderr).toBe('closed CONNECTION_RESET\n');
    expect(await code).toBe(0);
  });

  test('stdout as a file', async () => {
    const command = `printf 'one\\ntwo\\n' | "$0" "$1" echo 2>/dev/null > "$2" && cat "$2" && rm "$2"`;
    const directory = mkdtempSync(join(tmpdir(), 'ringwire-stdio-'));
    const child = spawn('/bin/sh', ['-c', command, process.execPath, fixture, join(directory, 'out')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env,
    });
    expect(await text(child.stdout)).toBe('one\ntwo\n');
    rmSync(directory, { recursive: true });
  });

  test('requests behind which stdin ends are answered, also by asynchronous tools, and the process ends', async () => {
    const path = await temporaryModule(`${importRingwire}
      const server = ringwire.createServer({ name: 'piped', version: '1.0.0' })
        .tool('later', async () => { await new Promise((resolve) => setTimeout(resolve, 20)); return 'later'; })
        .method('after-end', (_params, { connection }) => connection.request('x').catch((error) => error.code));
      await server.listen('stdio:', { implementation: '${implementation}' });`);
    const child = new Running([path]);
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'printf', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const requests = [
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'later', arguments: {}, _meta: meta } },
      { jsonrpc: '2.0', id: 2, method: 'after-end' },
    ];
    child.process.stdin.end(requests.map((request) => `${JSON.stringify(request)}\n`).join(''));
    const { code, stdout } = await child.ended;
    const messages = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(messages.find(({ id, method }) => id === 1 && method === undefined)).toMatchObject({
      result: { content: [{ type: 'text', text: 'later' }] },
    });
    expect(messages.find(({ id }) => id === 2)).toMatchObject({ result: 'CONNECTION_CLOSED' });
    expect(code).toBe(0);
  });
});
