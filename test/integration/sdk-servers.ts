/** The same small server in both lines of the official SDK. */
import { McpServer as McpServer1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { McpServer as McpServer2 } from '@modelcontextprotocol/server';
import { z } from 'zod';

const echoed = ({ text }: { text: string }) => ({ content: [{ type: 'text' as const, text }] });

/** Adds a gate that a test opens: the tool answers only then. */
export interface Gate {
  readonly entered: Promise<void>;
  open(): void;
  readonly wait: () => Promise<void>;
}

export function gate(): Gate {
  let enter = (): void => {};
  let open = (): void => {};
  const entered = new Promise<void>((resolve) => {
    enter = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    entered,
    open,
    wait: () => {
      enter();
      return opened;
    },
  };
}

export function sdk1Server(hold?: Gate): McpServer1 {
  const server = new McpServer1({ name: 'sdk1', version: '1.0.0' });
  server.registerTool('echo', { inputSchema: { text: z.string() } }, echoed);
  server.registerTool('hold', {}, async () => {
    await hold?.wait();
    return { content: [{ type: 'text', text: 'released' }] };
  });
  return server;
}

export function sdk2Server(hold?: Gate): McpServer2 {
  const server = new McpServer2({ name: 'sdk2', version: '1.0.0' });
  server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, echoed);
  server.registerTool('hold', {}, async () => {
    await hold?.wait();
    return { content: [{ type: 'text', text: 'released' }] };
  });
  return server;
}
