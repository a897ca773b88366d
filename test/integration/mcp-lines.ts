/** Modern MCP tool calls over a bare socket. */
import { LineSocket } from './line-socket.js';
import { onCleanUp } from './native-support.js';

export type { Implementation } from './native-support.js';

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

export interface ToolCaller {
  /** Calls the tools without arguments, all in one write; resolves with the answers in the order of the calls. */
  callAll(tools: readonly string[]): Promise<string[]>;
}

export async function connectToolCaller(url: string): Promise<ToolCaller> {
  const socket = await LineSocket.connect(url);
  onCleanUp(() => socket.close());
  let asked = 0;
  return {
    callAll: async (tools) => {
      const from = asked;
      asked += tools.length;
      const frames = tools.map((name, index) => {
        const params = { name, arguments: {}, _meta: meta };
        return `${JSON.stringify({ jsonrpc: '2.0', id: from + index, method: 'tools/call', params })}\n`;
      });
      socket.write(frames.join(''));
      const lines = (await socket.first(asked)).slice(from);
      const idOf = (line: string): number => (JSON.parse(line) as { id: number }).id;
      return lines.toSorted((a, b) => idOf(a) - idOf(b));
    },
  };
}
