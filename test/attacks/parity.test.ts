/** What one engine answers, the other answers: status, header fields and bytes, over one corpus of requests. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpListener } from '../../src/transports/http/http-server.js';
import { type Fixture, httpFixture } from '../integration/http-fixture.js';
import { engines } from './attack-server.js';
import { conversations, mismatches, type Sent } from './parity-corpus.js';
import { fieldOf, RawConnection } from './raw-http.js';

interface Seen {
  readonly status: number | undefined;
  readonly fields: readonly string[];
  readonly body: string;
}

const fixtures: Fixture[] = [];
const ports: number[] = [];
beforeAll(async () => {
  for (const engine of engines) {
    const fixture = httpFixture();
    const listener = (await fixture.server.listen('http://127.0.0.1:0/mcp', {
      http: {
        engine,
        cors: true,
        health: true,
        maxBodyBytes: 200_000,
        maxHeaderBytes: 8_000,
        maxHeaderFields: 50,
      },
    })) as HttpListener;
    fixtures.push(fixture);
    ports.push(Number(new URL(listener.url).port));
  }
});
afterAll(() => Promise.all(fixtures.map(({ server }) => server.close({ drainTimeoutMs: 0 }))));

function bytesOf({ method, path, headers, body }: Sent, session: string): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`];
  for (const [name, value] of Object.entries(headers))
    lines.push(`${name}: ${value.replace('{{session}}', session)}`);
  if (body.length > 0 || method === 'POST') lines.push(`content-length: ${body.length}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

/** What no two answers share. */
const requestState = /"requestState":"[^"]+"/;

/** What no two answers share: session ids, dates. How the connection goes on is said in `connection` and compared. */
function masked([name, value]: readonly [string, string]): string {
  return `${name}: ${name === 'date' || name === 'mcp-session-id' ? '*' : value}`;
}

async function hold(port: number, steps: readonly Sent[]): Promise<Seen[]> {
  const seen: Seen[] = [];
  let session = '';
  for (const step of steps) {
    const connection = new RawConnection(port, { isHead: step.method === 'HEAD' }).write(
      bytesOf(step, session),
    );
    await connection.answered(1);
    connection.destroy();
    const [answer] = connection.answers;
    session = (answer === undefined ? undefined : fieldOf(answer, 'mcp-session-id')) ?? session;
    seen.push({
      status: answer?.status,
      fields: (answer?.fields ?? []).map(masked).sort(),
      body: (answer?.body ?? '').replace(requestState, '"requestState":"*"'),
    });
  }
  return seen;
}

describe('one corpus on both engines', () => {
  it.each(Object.entries(conversations))('%s', async (_, steps) => {
    const [one, other] = await Promise.all(ports.map((port) => hold(port, steps)));
    expect(one.map(({ status }) => typeof status)).toEqual(steps.map(() => 'number'));
    expect(other).toEqual(one);
  });

  it.each(Object.keys(mismatches))('refuses %s', async (name) => {
    const refusals: Readonly<Record<string, readonly [number, number?]>> = {
      'a name in base64': [200],
      'an empty _meta': [400, -32602],
      'no _meta': [400, -32602],
      'an unknown version in both': [400, -32022],
      'no version in the header': [400, -32020],
    };
    const [status, code] = refusals[name] ?? [400, -32020];
    for (const port of ports) {
      const [{ status: found, body }] = await hold(port, [mismatches[name]]);
      expect([found, JSON.parse(body).error?.code]).toEqual([status, code]);
    }
  });

  it('has more than 100 requests', () => {
    expect(Object.values(conversations).flat().length).toBeGreaterThan(100);
  });
});
