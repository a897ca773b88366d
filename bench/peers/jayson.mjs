// jayson, plain JSON-RPC 2.0 without MCP around it, on TCP and on HTTP: its methods answer in the form of MCP results.
// The first argument is the URL to listen on.
import jayson from 'jayson';

const url = process.argv[2];
const { protocol, hostname: host, port } = new URL(url);

const server = new jayson.Server({
  'tools/call': ({ arguments: { text } }, done) =>
    done(null, { resultType: 'complete', content: [{ type: 'text', text }] }),
});
const listener = protocol === 'tcp:' ? server.tcp() : server.http();
if (protocol === 'http:') listener.keepAliveTimeout = 600_000;
listener.listen({ host, port: Number(port), backlog: 1024 }, () => {
  const path = protocol === 'http:' ? '/mcp' : '';
  console.log(`LISTENING ${protocol}//127.0.0.1:${listener.address().port}${path}`);
});
process.on('SIGTERM', () => process.exit(0));
