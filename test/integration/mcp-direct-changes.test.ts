/** Tools that come, go and change while calls of them stand in the same write, native against twin. */
import { afterEach, describe, expect, test } from 'vitest';
import { createServer, type McpServer } from '../../src/mcp/index.js';
import { connectToolCaller, type Implementation } from './mcp-lines.js';
import { cleanUp, onCleanUp } from './native-support.js';

afterEach(cleanUp);

/** A tool `target` whose answers tell its version, and tools that change it. */
function changing(): McpServer {
  let version = 0;
  const server = createServer({ name: 'changing', version: '1' });
  const add = (): string => {
    const mine = version++;
    server.tool('target', () => `version ${mine}`);
    return `added ${mine}`;
  };
  add();
  return server
    .tool('remove', () => {
      server.removeTool('target');
      return 'removed';
    })
    .tool('replace', () => {
      server.removeTool('target');
      return add();
    })
    .tool('replace-later', async () => {
      await Promise.resolve();
      server.removeTool('target');
      return add();
    })
    .tool('add', add);
}

async function answersOf(implementation: Implementation, tools: readonly string[]): Promise<string[]> {
  const server = changing();
  onCleanUp(() => server.close({ drainTimeoutMs: 0 }));
  const { url } = await server.listen('tcp://127.0.0.1:0', { implementation });
  const socket = await connectToolCaller(url);
  return socket.callAll(tools);
}

describe('calls in one write', () => {
  test.each([
    [['target', 'replace', 'target', 'replace', 'target', 'target']],
    [['target', 'remove', 'target', 'add', 'target', 'remove', 'target']],
    [['replace', 'remove', 'target', 'add', 'replace', 'target']],
  ])('%j', async (tools) => {
    const [native, twin] = [await answersOf('native', tools), await answersOf('twin', tools)];
    expect(native).toEqual(twin);
    expect(native.length).toBe(tools.length);
  });

  test('a change that comes while others wait is seen by the next write', async () => {
    for (const implementation of ['native', 'twin'] as const) {
      const server = changing();
      onCleanUp(() => server.close({ drainTimeoutMs: 0 }));
      const { url } = await server.listen('tcp://127.0.0.1:0', { implementation });
      const socket = await connectToolCaller(url);
      await socket.callAll(['replace-later']);
      for (let round = 2; round < 30; round += 1) {
        expect(await socket.callAll(['target'])).toEqual([expect.stringContaining(`version ${round - 1}`)]);
        expect(await socket.callAll(['replace-later'])).toEqual([expect.stringContaining(`added ${round}`)]);
      }
    }
  });
});
