import { afterEach, describe, expect, it } from 'vitest';
import { createRpcServer, type RpcServer } from '../../src/rpc/server.js';
import type { HttpOptions } from '../../src/transports/http/http-options.js';
import type { HttpListener } from '../../src/transports/http/http-server.js';
import { ask, engines, rpc } from '../integration/http-support.js';

const servers: RpcServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close({ drainTimeoutMs: 0 })));
});

describe.each(engines)('health, engine %s', (engine) => {
  async function listen(http: HttpOptions): Promise<{ server: RpcServer; listener: HttpListener }> {
    const server = createRpcServer().method('ping', () => 'pong');
    servers.push(server);
    const listener = (await server.listen('http://127.0.0.1:0/rpc', {
      http: { engine, ...http },
    })) as HttpListener;
    return { server, listener };
  }

  const get = (url: string, path: string, headers = {}, method = 'GET') =>
    ask(new URL(path, url).href, undefined, headers, method);

  it('answers probes under any host name, and metrics under its own', async () => {
    const { url } = (await listen({ health: true })).listener;
    for (const path of ['/healthz', '/readyz']) {
      expect(await get(url, path, { host: '10.0.0.7:8080' })).toMatchObject({ status: 200, text: 'ok\n' });
      expect((await get(url, path, {}, 'HEAD')).status).toBe(200);
      expect(await ask(new URL(path, url).href, '{}')).toMatchObject({
        status: 405,
        headers: { allow: 'GET, HEAD' },
      });
    }
    expect((await get(url, '/metrics', { host: '10.0.0.7:8080' })).status).toBe(403);
  });

  it('counts', async () => {
    const { url } = (await listen({ health: { readyPath: false, metricsPath: '/numbers' } })).listener;
    await ask(url, rpc('ping'));
    await ask(url, rpc('ping'));
    await ask(url, 'no json');
    const { status, headers, text } = await get(url, '/numbers');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text).toMatch(/^ringwire_http_requests_total [34]$/m);
    expect(text).toMatch(/^ringwire_http_responses_total\{class="2xx"\} 2$/m);
    expect(text).toMatch(/^ringwire_http_responses_total\{class="4xx"\} 1$/m);
    expect(text).toMatch(/^ringwire_http_calls_in_flight 0$/m);
    expect(text).toMatch(/^ringwire_http_connections \d+$/m);
    const name = '(ringwire|process|nodejs)_[a-z_]+';
    const label = String.raw`(\{class="[1-5]xx"\}|\{le="(\+Inf|[\d.]+)"\})?`;
    const known = new RegExp(String.raw`^(# (HELP|TYPE) ${name} .+|${name}${label} [\d.]+(e-\d+)?)$`);
    for (const line of text.trimEnd().split('\n')) expect(line).toMatch(known);
    expect(text).toMatch(/^ringwire_calls_total 3$/m);
    expect(text).toMatch(/^ringwire_call_duration_seconds_bucket\{le="\+Inf"\} 0$/m);
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_seconds_count \d+$/m);
    expect((await get(url, '/readyz')).status).toBe(404);
  });

  it('on an address of its own it says that the listener drains', async () => {
    const { server, listener } = await listen({ health: { url: 'http://127.0.0.1:0' } });
    const url = listener.healthUrl as string;
    expect(new URL(url).port).not.toBe(new URL(listener.url).port);
    expect((await get(listener.url, '/healthz')).status).toBe(404);
    expect((await get(url, '/readyz')).text).toBe('ok\n');
    expect(JSON.parse((await get(url, '/')).text).error.message).toBe('Only health is served here.');
    let finish: (value: string) => void = () => {};
    const begun = new Promise<void>((resolve) => {
      server.method('slow', () => {
        resolve();
        return new Promise<string>((end) => {
          finish = end;
        });
      });
    });
    const answer = ask(listener.url, rpc('slow'));
    await begun;
    expect((await get(url, '/metrics')).text).toContain('ringwire_http_calls_in_flight 1');
    const closed = server.close();
    expect(await get(url, '/readyz')).toMatchObject({ status: 503, text: 'draining\n' });
    expect(await get(url, '/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
    finish('done');
    expect((await answer).status).toBe(200);
    await closed;
    await expect(get(url, '/healthz')).rejects.toThrow();
  });

  it("refuses a health path that is the endpoint's own, and an address in use", async () => {
    await expect(listen({ health: { livePath: '/rpc' } })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    const { listener } = await listen({});
    await expect(listen({ health: { url: listener.url } })).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
  });
});
