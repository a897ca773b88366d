import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authority, expiredDates } from '../integration/certificates.js';
import { ask } from '../integration/http-support.js';
import {
  cli,
  importRingwire,
  Running,
  ringwire,
  serveModule,
  temporaryFolder,
  temporaryModule,
} from './run.js';

const mcpServer = `export default ringwire.createServer({ name: 'hello', version: '1.0.0' })
  .tool('hello', ({ name }) => 'Hello ' + name + '!');`;
const rpcServer = `export default ringwire.createRpcServer().method('add', ([left, right]) => left + right);`;

describe('ringwire over HTTP and WebSocket', () => {
  it('serves, lists and calls tools', async () => {
    const { url, child } = await serveModule(mcpServer, 'http://127.0.0.1:0/mcp');
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/);
    expect(await ringwire(['tools', url])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('hello'),
    });
    for (const address of [url, url.replace('http:', 'ws:')]) {
      expect(await ringwire(['call', address, 'hello', '{"name":"wörld"}'])).toEqual({
        code: 0,
        stdout: 'Hello wörld!\n',
        stderr: '',
      });
    }
    child.process.kill('SIGTERM');
    expect((await child.ended).code).toBe(0);
  });

  it('speaks plain JSON-RPC with --raw', async () => {
    const { url } = await serveModule(rpcServer, 'http://127.0.0.1:0/rpc');
    for (const address of [url, url.replace('http:', 'ws:')])
      expect(await ringwire(['call', '--raw', address, 'add', '[1,2]'])).toMatchObject({
        code: 0,
        stdout: '3\n',
      });
  });

  it('says what is wrong with an address, and ends with the code for it', async () => {
    const { url } = await serveModule(mcpServer, 'http://127.0.0.1:0/mcp');
    const wrongPath = await ringwire(['call', '--raw', url.replace('/mcp', '/other'), 'ping']);
    expect(wrongPath.code).toBe(4);
    expect(wrongPath.stderr).toContain('The endpoint is "/mcp"');
    const nobody = await ringwire(['tools', 'http://127.0.0.1:1/mcp']);
    expect(nobody.code).toBe(3);
    const noPort = await ringwire(['serve', 'x.mjs', '--listen', 'http://127.0.0.1/mcp']);
    expect(noPort).toMatchObject({ code: 2, stderr: expect.stringContaining('the port is missing') });
  });

  it('sends the header fields it is given, and repeats none that is malformed', async () => {
    const seen: unknown[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers['x-tenant'], request.headers.authorization);
      request.resume();
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const headers = [
        '-H',
        'X-Tenant: one',
        '--header',
        'x-tenant:two',
        '--header',
        'authorization: Bearer a:b',
      ];
      const refused = await ringwire(['call', '--raw', url, 'x', ...headers]);
      expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining('UNAUTHORIZED') });
      expect(refused.stderr).not.toContain('a:b');
      expect(seen).toEqual(['one, two', 'Bearer a:b']);
      const malformed = await ringwire(['call', url, 'x', '--header', 'secret']);
      expect(malformed.code).toBe(2);
      expect(malformed.stderr).toContain('no name before a colon');
      expect(malformed.stderr).not.toContain('secret');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('serves on the engine it is told, to the pages and hosts it is told, with health', async () => {
    const module = await temporaryModule(`${importRingwire}\n${rpcServer}`);
    const listen = ['--listen', 'http://127.0.0.1:0/rpc', '--json', '--engine', 'node', '--health'];
    const allow = ['--allow-origin', 'https://app.example.com', '--allow-host', 'mcp.example.com'];
    const child = new Running([cli, 'serve', module, ...listen, ...allow]);
    const { listening } = JSON.parse(await child.line(0)) as { listening: string[] };
    const body = '{"jsonrpc":"2.0","id":1,"method":"add","params":[1,2]}';
    const json = { 'content-type': 'application/json' };
    expect((await ask(listening[0], body, json)).status).toBe(403);
    const origin = 'https://app.example.com';
    const answer = await ask(listening[0], body, { ...json, host: 'mcp.example.com', origin });
    expect(answer).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': origin } });
    expect((await ask(new URL('/readyz', listening[0]).href, undefined, {})).text).toBe('ok\n');
    const wrong = await ringwire(['serve', module, '--listen', 'http://127.0.0.1:0/rpc', '--engine', 'nod']);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean --engine node?') });
  });
});

describe('ringwire under TLS', () => {
  let authority: Authority;
  beforeAll(() => {
    authority = new Authority();
  });
  afterAll(() => authority.remove());

  async function files(
    dates?: readonly [string, string],
  ): Promise<{ cert: string; key: string; ca: string }> {
    const folder = await temporaryFolder();
    const pair = authority.issue('localhost', 'DNS:localhost,IP:127.0.0.1', dates);
    const names = {
      cert: join(folder, 'cert.pem'),
      key: join(folder, 'key.pem'),
      ca: join(folder, 'ca.pem'),
    };
    await writeFile(names.cert, pair.cert);
    await writeFile(names.key, pair.key);
    await writeFile(names.ca, authority.cert);
    return names;
  }

  it('serves https, and trusts the authority it is told', async () => {
    const { cert, key, ca } = await files();
    const module = await temporaryModule(`${importRingwire}\n${mcpServer}`);
    const listen = ['--listen', 'https://127.0.0.1:0/mcp', '--json', '--cert', cert, '--key', key];
    const child = new Running([cli, 'serve', module, ...listen]);
    const { listening } = JSON.parse(await child.line(0)) as { listening: string[] };
    const url = listening[0];
    expect(await ringwire(['call', url, 'hello', '{"name":"x"}', '--ca', ca])).toMatchObject({
      code: 0,
      stdout: 'Hello x!\n',
    });
    const untrusted = await ringwire(['call', url, 'hello', '{"name":"x"}']);
    expect(untrusted).toMatchObject({ code: 3, stderr: expect.stringContaining('TLS_FAILED') });
    const seen = await ringwire(['doctor', '--json', '--tls', url]);
    const { findings } = JSON.parse(seen.stdout) as { findings: { name: string; found: string }[] };
    expect(findings.at(-1)).toMatchObject({
      name: 'certificate',
      status: 'could be better',
      found: expect.stringMatching(/CN=localhost, https:.* \(TLSv1\.3, .*\): expires on .*, in \d+ days?/),
    });
    expect(await ringwire(['serve', module, '--listen', url, '--cert', cert])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--key is missing'),
    });
  });

  it('doctor tells whom the certificates of a file are for, and when they end', async () => {
    const good = await files();
    const old = await files(expiredDates);
    const both = await ringwire(['doctor', '--cert', good.cert, '--cert', old.cert]);
    expect(both.code).toBe(1);
    expect(both.stdout).toMatch(/CN=localhost, .*cert\.pem: expires on \d{4}-\d\d-\d\d, in \d+ days?/);
    expect(both.stdout).toMatch(/^broken +certificate .*expired on 2020-01-02\n {2}change it: renew it$/m);
    const key = await ringwire(['doctor', '--cert', good.key]);
    expect(key).toMatchObject({ code: 1, stdout: expect.stringContaining('holds no certificate') });
    expect(await ringwire(['doctor', '--tls', 'http://127.0.0.1:1/'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is not under TLS'),
    });
  });
});
