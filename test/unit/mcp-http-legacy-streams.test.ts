/** Messages of the legacy era over HTTP: which stream they take, and what becomes of calls whose client left. */
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, type McpServer } from '../../src/mcp/index.js';
import { gate, request, type ServedLegacy, serveLegacy, toolCall } from './mcp-http-legacy-support.js';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(server: McpServer): Promise<ServedLegacy> {
  const served = await serveLegacy(server);
  cleanups.push(() => served.close());
  return served;
}

const named = { name: 'streams', version: '1' };
const text = (words: string) => ({ content: [{ type: 'text', text: words }] });
const elicitation = { type: 'object', properties: { name: { type: 'string' } } } as const;

describe('a POST', () => {
  it('is answered with JSON where nothing comes before the response, at once or later', async () => {
    const server = createServer(named)
      .tool('now', () => 'now')
      .tool('later', async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return 'later';
      });
    const client = await (await serve(server)).session();
    expect((await client.json(toolCall(1, 'now'))).result).toEqual(text('now'));
    expect((await client.json(toolCall(2, 'later'))).result).toEqual(text('later'));
  });

  it('is answered with events that end behind the response where messages come before it', async () => {
    const server = createServer(named).tool('steps', async (_args, context) => {
      context.log('info', 'one');
      context.progress(1, 2);
      await new Promise((resolve) => setImmediate(resolve));
      return 'done';
    });
    const client = await (await serve(server)).session();
    const events = await client.events(toolCall('a', 'steps', {}, 'token'));
    expect(events.response.headers.get('x-accel-buffering')).toBe('no');
    const messages = (await events.rest()).map(({ data, id }) => {
      expect(id).toBeUndefined();
      return JSON.parse(data ?? '');
    });
    expect(messages).toMatchObject([
      { method: 'notifications/message', params: { data: 'one' } },
      { method: 'notifications/progress', params: { progressToken: 'token', progress: 1 } },
      { id: 'a', result: text('done') },
    ]);
  });

  it('goes on when its client leaves', async () => {
    const release = gate();
    const running = gate();
    const ended = gate();
    let aborted = true;
    const server = createServer(named).tool('wait', async (_args, context) => {
      running.open();
      await release.opened;
      aborted = context.signal.aborted;
      ended.open();
      return 'done';
    });
    const served = await serve(server);
    const client = await served.session();
    const leave = new AbortController();
    const call = client.post(toolCall(1, 'wait'), {}, leave.signal);
    await running.opened;
    const noticed = served.nextAbort();
    leave.abort();
    await expect(call).rejects.toThrow();
    await noticed;
    release.open();
    await ended.opened;
    expect(aborted).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(served.endpoint.undelivered).toBe(1);
  });

  it('that replies to nothing we asked is accepted and changes nothing', async () => {
    const client = await (await serve(createServer(named).tool('a', () => ''))).session();
    const response = await client.post({ jsonrpc: '2.0', id: 77, result: {} });
    expect(response.status).toBe(202);
  });
});

describe('calls with equal ids', () => {
  it('are two calls, and their answers do not cross', async () => {
    const gates = { a: gate(), b: gate() };
    const both = gate();
    let running = 0;
    const server = createServer(named).tool('wait', async ({ key }: { key?: unknown }) => {
      running += 1;
      if (running === 2) both.open();
      await gates[key as 'a' | 'b'].opened;
      return `answer ${key}`;
    });
    const client = await (await serve(server)).session();
    const first = client.json(toolCall(5, 'wait', { key: 'a' }));
    const second = client.json(toolCall(5, 'wait', { key: 'b' }));
    await both.opened;
    gates.b.open();
    expect((await second).result).toEqual(text('answer b'));
    gates.a.open();
    expect((await first).result).toEqual(text('answer a'));
  });

  it('of two sessions do not meet either', async () => {
    const server = createServer(named).tool('me', async (_args, { clientInfo }) => {
      await new Promise((resolve) => setImmediate(resolve));
      return clientInfo?.name ?? '';
    });
    const served = await serve(server);
    const [one, two] = await Promise.all([served.session(), served.session({ principal: 'p' })]);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, id) => (id % 2 === 0 ? one : two).json(toolCall(1, 'me'))),
    );
    for (const { id, result } of answers) expect({ id, result }).toEqual({ id: 1, result: text('test') });
  });
});

describe('requests of the server', () => {
  const asking = () =>
    createServer(named).tool('ask', async ({ who }: { who?: unknown }, context) => {
      const answer = await context.elicit({ message: String(who), requestedSchema: elicitation });
      return `${who} is ${answer.content?.name}`;
    });

  it('go out on the stream of the call and are answered by another POST', async () => {
    const client = await (await serve(asking())).session({ capabilities: { elicitation: {} } });
    const events = await client.events(toolCall(1, 'ask', { who: 'it' }));
    const asked = await events.message();
    expect(asked).toMatchObject({ method: 'elicitation/create', params: { message: 'it' } });
    const reply = await client.post({
      jsonrpc: '2.0',
      id: asked.id,
      result: { action: 'accept', content: { name: 'ringwire' } },
    });
    expect(reply.status).toBe(202);
    expect(await events.message()).toMatchObject({ id: 1, result: text('it is ringwire') });
    expect(await events.rest()).toEqual([]);
  });

  it('have ids of their own in the session, so that replies find their calls in any order', async () => {
    const client = await (await serve(asking())).session({ capabilities: { elicitation: {} } });
    const streams = await Promise.all(
      ['a', 'b', 'c'].map((who) => client.events(toolCall(9, 'ask', { who }))),
    );
    const asked = await Promise.all(streams.map((events) => events.message()));
    expect(new Set(asked.map(({ id }) => id)).size).toBe(3);
    for (const index of [2, 0, 1]) {
      const { id, params } = asked[index];
      const result = { action: 'accept', content: { name: `reply to ${params?.message}` } };
      await client.post({ jsonrpc: '2.0', id, result });
    }
    for (const [index, who] of ['a', 'b', 'c'].entries())
      expect(await streams[index].message()).toMatchObject({
        id: 9,
        result: text(`${who} is reply to ${who}`),
      });
  });

  it('are not answered by another session', async () => {
    const served = await serve(asking());
    const client = await served.session({ capabilities: { elicitation: {} } });
    const other = await served.session({ capabilities: { elicitation: {} } });
    const events = await client.events(toolCall(1, 'ask', { who: 'it' }));
    const { id } = await events.message();
    const reply = (name: string) => ({ jsonrpc: '2.0', id, result: { action: 'accept', content: { name } } });
    expect((await other.post(reply('forged'))).status).toBe(202);
    await client.post(reply('real'));
    expect(await events.message()).toMatchObject({ result: text('it is real') });
  });
});

describe('the stream of GET', () => {
  it('carries what the session hears of, from initialized on', async () => {
    const server = createServer(named)
      .tool('a', () => '')
      .resource('x:1', { name: 'x' }, 'text');
    const served = await serve(server);
    const client = await served.session();
    await client.json(request(1, 'resources/subscribe', { uri: 'x:1' }));
    const stream = await client.listen();
    server.tool('b', () => '');
    expect(await stream.message()).toEqual({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    server.resourceUpdated('x:1');
    expect(await stream.message()).toMatchObject({ method: 'notifications/resources/updated' });
  });

  it('gets what came up while none was open, each change once', async () => {
    const server = createServer(named).tool('a', () => '');
    const client = await (await serve(server)).session();
    for (const name of ['b', 'c', 'd']) {
      server.tool(name, () => '');
      await new Promise((resolve) => setImmediate(resolve));
    }
    const stream = await client.listen();
    expect(await stream.message()).toMatchObject({ method: 'notifications/tools/list_changed' });
    server.resourceUpdated('none');
    server.prompt('p', {}, () => 'x');
    expect(await stream.message()).toMatchObject({ method: 'notifications/prompts/list_changed' });
  });

  it('is one: a newer connection takes over, and each message goes to it alone', async () => {
    const server = createServer(named).tool('a', () => '');
    const client = await (await serve(server)).session();
    const older = await client.listen();
    const newer = await client.listen();
    expect(await older.rest()).toEqual([]);
    server.tool('b', () => '');
    expect(await newer.message()).toMatchObject({ method: 'notifications/tools/list_changed' });
  });

  it('says nothing to a client that has not said initialized', async () => {
    const server = createServer(named).tool('a', () => '');
    const client = await (await serve(server)).session({ initialized: false });
    const stream = await client.listen();
    server.tool('b', () => '');
    await new Promise((resolve) => setImmediate(resolve));
    await client.notify('notifications/initialized');
    server.prompt('p', {}, () => 'x');
    expect(await stream.message()).toMatchObject({ method: 'notifications/prompts/list_changed' });
  });
});

describe('notifications of the client', () => {
  it('cancel the call they name, which is not answered', async () => {
    const aborted = gate();
    const running = gate();
    const server = createServer(named).tool('wait', async (_args, context) => {
      context.signal.addEventListener('abort', () => aborted.open());
      running.open();
      await aborted.opened;
      return 'late';
    });
    const client = await (await serve(server)).session();
    const call = client.post(toolCall('x', 'wait'));
    await running.opened;
    expect(await client.notify('notifications/cancelled', { requestId: 'y' })).toBe(202);
    expect(await client.notify('notifications/cancelled', { requestId: 'x' })).toBe(202);
    await aborted.opened;
    const response = await call;
    expect(response.status).toBe(202);
    expect(await response.text()).toBe('');
  });

  it('end the events of a call that they cancel', async () => {
    const server = createServer(named).tool('wait', async (_args, context) => {
      context.log('info', 'at work');
      await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
      return 'late';
    });
    const client = await (await serve(server)).session();
    const events = await client.events(toolCall(4, 'wait'));
    await events.message();
    await client.notify('notifications/cancelled', { requestId: 4 });
    expect(await events.rest()).toEqual([]);
  });

  it('reach their handlers', async () => {
    const heard = gate();
    const server = createServer(named).notification('custom/hello', () => heard.open());
    const client = await (await serve(server)).session();
    expect(await client.notify('custom/hello')).toBe(202);
    await heard.opened;
  });
});

describe('what a request sets', () => {
  it('holds for the requests behind it: the log level', async () => {
    const server = createServer(named).tool('log', (_args, context) => {
      context.log('info', 'quiet');
      context.log('error', 'loud');
      return 'done';
    });
    const client = await (await serve(server)).session();
    expect((await client.json(request(1, 'logging/setLevel', { level: 'error' }))).result).toEqual({});
    const messages = (await (await client.events(toolCall(2, 'log'))).rest()).map(({ data }) =>
      JSON.parse(data ?? ''),
    );
    expect(messages).toMatchObject([{ params: { data: 'loud' } }, { id: 2 }]);
  });
});

describe('the end', () => {
  it('of a session aborts its calls and ends its streams', async () => {
    const running = gate();
    const aborted = gate();
    const server = createServer(named).tool('wait', async (_args, context) => {
      context.signal.addEventListener('abort', () => aborted.open());
      running.open();
      await aborted.opened;
      return '';
    });
    const client = await (await serve(server)).session();
    const stream = await client.listen();
    const call = client.post(toolCall(1, 'wait'));
    await running.opened;
    expect(await client.delete()).toBe(204);
    await aborted.opened;
    expect(await stream.rest()).toEqual([]);
    expect((await call).status).toBe(404);
  });

  it('of the server lets calls finish and their answers leave', async () => {
    const release = gate();
    const running = gate();
    const server = createServer(named)
      .tool('echo', () => '')
      .tool('wait', async () => {
        running.open();
        await release.opened;
        return 'finished';
      });
    const served = await serve(server);
    const client = await served.session();
    // Something waits for a stream that nobody opens; it must not hold up the end.
    server.tool('more', () => '');
    const call = client.json(toolCall(1, 'wait'));
    await running.opened;
    const closing = Promise.all([server.close(), served.endpoint.close()]);
    const refused = await client.post(toolCall(2, 'echo'));
    expect(refused.status).toBe(503);
    release.open();
    expect((await call).result).toEqual(text('finished'));
    await closing;
    expect(served.endpoint.sessions).toBe(0);
  });
});

describe('a call that waits for its client', () => {
  it('gets the answer while the endpoint drains', async () => {
    const server = createServer(named).tool('ask', async (_args, context) => {
      const answer = await context.elicit({ message: 'Who?', requestedSchema: elicitation });
      return `It is ${answer.content?.name}`;
    });
    const served = await serve(server);
    const client = await served.session({ capabilities: { elicitation: {} } });
    const events = await client.events(toolCall(1, 'ask'));
    const { id } = await events.message();
    const closing = served.endpoint.close();
    const reply = { jsonrpc: '2.0', id, result: { action: 'accept', content: { name: 'Ada' } } };
    expect((await client.post(reply)).status).toBe(202);
    expect(await events.message()).toMatchObject({ id: 1, result: text('It is Ada') });
    await closing;
    expect((await client.post(toolCall(2, 'ask'))).status).toBe(404);
  });
});

describe('batches', () => {
  it('are served in 2025-03-26: requests in one answer, the rest by itself', async () => {
    const heard = gate();
    const server = createServer(named)
      .tool('echo', ({ x }: { x?: unknown }) => String(x))
      .notification('custom/hello', () => heard.open());
    const client = await (await serve(server)).session({ version: '2025-03-26' });
    const response = await client.post([
      toolCall(1, 'echo', { x: 1 }),
      { jsonrpc: '2.0', method: 'custom/hello' },
      { jsonrpc: '2.0' },
      toolCall('two', 'echo', { x: 2 }),
    ]);
    expect(await response.json()).toMatchObject([
      { id: 1, result: text('1') },
      { id: null, error: { code: -32600 } },
      { id: 'two', result: text('2') },
    ]);
    await heard.opened;
    const notifications = await client.post([
      { jsonrpc: '2.0', method: 'custom/hello' },
      { jsonrpc: '2.0', id: 1, result: {} },
    ]);
    expect(notifications.status).toBe(202);
    expect((await client.post([])).status).toBe(400);
  });

  it('answer requests of the server, too', async () => {
    const server = createServer(named).tool('ask', async (_args, context) => {
      const answer = await context.elicit({ message: 'm', requestedSchema: elicitation });
      return String(answer.content?.name);
    });
    const client = await (await serve(server)).session({
      version: '2025-03-26',
      capabilities: { elicitation: {} },
    });
    const events = await client.events([toolCall(1, 'ask'), toolCall(2, 'ask')]);
    const asked = [await events.message(), await events.message()];
    await client.post(
      asked.map(({ id }, index) => ({
        jsonrpc: '2.0',
        id,
        result: { action: 'accept', content: { name: `n${index}` } },
      })),
    );
    expect(await events.message()).toMatchObject([
      { id: 1, result: text('n0') },
      { id: 2, result: text('n1') },
    ]);
  });

  it('are refused in other revisions', async () => {
    const client = await (await serve(createServer(named).tool('a', () => ''))).session();
    const response = await client.post([toolCall(1, 'a')]);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ id: null, error: { code: -32600 } });
  });
});
