/** Pages in a real browser call our server from another origin: over fetch, with JSON and SSE, and over WebSocket. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer } from '../../src/mcp/index.js';
import { chromium, chromiumMissing, startChromium } from './chromium.js';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface PageSite {
  readonly origin: string;
  /** What the page found, once it reported. */
  readonly found: Promise<Record<string, unknown>>;
}

/** Serves the page, and takes what it found. */
async function servePage(): Promise<PageSite> {
  const page = await readFile(new URL('browser-page.html', import.meta.url));
  let report = (_found: Record<string, unknown>): void => {};
  const found = new Promise<Record<string, unknown>>((resolve) => {
    report = resolve;
  });
  const site: Server = createHttpServer((request, response) => {
    if (request.url !== '/found') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(page);
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.end();
      report(JSON.parse(Buffer.concat(chunks).toString()));
    });
  });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  cleanups.push(async () => {
    site.closeAllConnections();
    await new Promise((resolve) => site.close(resolve));
  });
  return { origin: `http://127.0.0.1:${(site.address() as AddressInfo).port}`, found };
}

/** Opens the address in a browser of its own that ends with the test. */
async function browse(url: string): Promise<ChildProcess> {
  const browser = await startChromium([url]);
  cleanups.push(() => browser.close());
  return browser.process;
}

/** What the page found; rejects where the browser ends before. */
async function visit(site: PageSite, endpoint: string): Promise<Record<string, unknown>> {
  const browser = await browse(`${site.origin}/?endpoint=${encodeURIComponent(endpoint)}`);
  const gone = once(browser, 'exit').then(([code, signal]) => {
    throw new Error(`the browser ended with ${signal ?? code} before the page reported`);
  });
  gone.catch(() => {});
  return Promise.race([site.found, gone]);
}

/** A server that pages of one origin may call. */
async function serve(engine: 'uws' | 'node', origin: string): Promise<{ url: string; calls: string[] }> {
  const calls: string[] = [];
  const server = createServer({ name: 'for-pages', version: '1.0.0' });
  const text = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;
  server
    .tool('echo', { inputSchema: text }, (args) => {
      calls.push('echo');
      return args.text;
    })
    .tool('count', async (_args, context) => {
      calls.push('count');
      context.progress(1, 2);
      await new Promise((resolve) => setImmediate(resolve));
      return 'counted';
    });
  const listener = await server.listen('http://127.0.0.1:0/mcp', {
    http: { engine, allowedOrigins: [origin], cors: true },
  });
  cleanups.push(() => server.close({ drainTimeoutMs: 100 }));
  return { url: listener.url, calls };
}

const progress = {
  method: 'notifications/progress',
  params: { progressToken: 'page', progress: 1, total: 2 },
};
const answer = (id: unknown, words: string) => ({
  id,
  result: { resultType: 'complete', content: [{ type: 'text', text: words }] },
});

describe.skipIf(chromium === undefined)(`a page in Chromium${chromiumMissing}`, () => {
  it.each(['uws', 'node'] as const)('calls a server that allows its origin (engine %s)', async (engine) => {
    const site = await servePage();
    const { url } = await serve(engine, site.origin);
    const { json, events, mismatch, session, webSocket } = await visit(site, url);
    expect(json).toMatchObject({
      type: expect.stringMatching(/^application\/json/),
      body: answer('echo', 'grüße'),
    });
    expect(events).toMatchObject({
      type: expect.stringMatching(/^text\/event-stream/),
      messages: [progress, answer('count', 'counted')],
    });
    // Refusals carry the CORS fields, too: a page must be able to read what was wrong.
    expect(mismatch).toMatchObject({ status: 400, body: { error: { code: -32020 } } });
    expect(session).toEqual({ hasId: true, listsEcho: true, ended: true });
    expect(webSocket).toMatchObject({ messages: [progress, answer(1, 'counted')], wasClean: true });
  });

  it.each(['uws', 'node'] as const)('cannot call a server that does not (engine %s)', async (engine) => {
    const site = await servePage();
    const { url, calls } = await serve(engine, 'https://app.example.com');
    const found = await visit(site, url);
    const refused = { failed: expect.stringMatching(/^TypeError/) };
    expect(found).toEqual({
      json: refused,
      events: refused,
      mismatch: refused,
      session: refused,
      webSocket: { failed: 'Error: the WebSocket failed' },
    });
    expect(calls).toEqual([]);
  });
});
