/** Prepared answers to clients that take gzip: compressed once, whatever the id. */
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, type McpServer } from '../../src/mcp/index.js';
import type { HttpOptions } from '../../src/transports/http/http-options.js';
import { type Answer, ask, engines } from './http-support.js';

const servers: McpServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close({ drainTimeoutMs: 0 }))));

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

async function list(url: string, id: unknown, acceptEncoding?: string): Promise<Answer> {
  const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params: { _meta: meta } });
  return ask(url, body, {
    'content-type': 'application/json',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/list',
    ...(acceptEncoding !== undefined && { 'accept-encoding': acceptEncoding }),
  });
}

describe.each(engines)('prepared answers over %s', (engine) => {
  async function serve(tools: number, compression?: HttpOptions['compression']): Promise<string> {
    const server = createServer({ name: 'prepared', version: '1.0.0' });
    for (let index = 0; index < tools; index += 1)
      server.tool(`tool-${index}`, `Does thing ${index} – and more of it.`, () => 'done');
    servers.push(server);
    return (await server.listen('http://127.0.0.1:0/mcp', { http: { engine, compression } })).url;
  }

  it.each([1, 987_654_321, 'an id', 'é"\\'])(
    'say in gzip what they say plainly, to the id %j',
    async (id) => {
      const url = await serve(100);
      const plain = await list(url, id);
      const coded = await list(url, id, 'gzip, deflate, br');
      expect(plain.headers['content-encoding']).toBeUndefined();
      expect(coded.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
      expect(gunzipSync(coded.body).toString()).toBe(plain.text);
      expect(JSON.parse(plain.text).id).toBe(id);
      expect(coded.body.length).toBeLessThan(plain.body.length / 3);
    },
  );

  it('change with the catalogue', async () => {
    const url = await serve(100);
    await list(url, 1, 'gzip');
    servers[0].removeTool('tool-7');
    const { result } = JSON.parse(gunzipSync((await list(url, 2, 'gzip')).body).toString());
    expect(result.tools).toHaveLength(99);
  });

  it('stay plain where they are small, where gzip is refused, and where it is switched off', async () => {
    expect((await list(await serve(2), 1, 'gzip')).headers['content-encoding']).toBeUndefined();
    expect((await list(await serve(100), 1, 'gzip;q=0')).headers['content-encoding']).toBeUndefined();
    expect((await list(await serve(100, false), 1, 'gzip')).headers['content-encoding']).toBeUndefined();
  });

  it('are brotli for those who take nothing else', async () => {
    expect((await list(await serve(100), 1, 'br')).headers['content-encoding']).toBe('br');
  });
});
