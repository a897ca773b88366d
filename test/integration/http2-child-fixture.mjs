/** An MCP server on HTTP/2 over stdin and stdout, by node:http2 alone. */
import { performServerHandshake } from 'node:http2';
import { Duplex } from 'node:stream';

const results = {
  'server/discover': () => ({
    supportedVersions: ['2026-07-28'],
    capabilities: {},
    resultType: 'complete',
    _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'child', version: String(process.pid) } },
  }),
  'tools/call': ({ arguments: args }) => ({ content: [{ type: 'text', text: args.text }] }),
};

if (process.argv[2] === 'fail') {
  console.error('no configuration');
  process.exit(4);
}

const session = performServerHandshake(Duplex.from({ readable: process.stdin, writable: process.stdout }));
session.on('error', () => {});
session.on('close', () => process.exit());
session.on('stream', (stream) => {
  let body = '';
  stream.setEncoding('utf8');
  stream.on('error', () => {});
  stream.on('data', (chunk) => {
    body += chunk;
  });
  stream.on('end', () => {
    const { id, method, params } = JSON.parse(body);
    if (params.name === 'exit') process.exit(3);
    if (params.name === 'reset') {
      stream.close(2);
      return;
    }
    const answer = JSON.stringify({ jsonrpc: '2.0', id, result: results[method](params) });
    const isStream = params.name === 'stream';
    stream.respond({ ':status': 200, 'content-type': isStream ? 'text/event-stream' : 'application/json' });
    stream.end(isStream ? `data: ${answer}\n\n` : answer);
  });
});
