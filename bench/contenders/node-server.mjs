// Plain Node contenders, over TCP, a Unix socket or stdio.
//
//   node node-server.mjs naive|batched tcp://127.0.0.1:0|unix:/PATH|stdio:
//
// naive:   what most hand-written servers do: one string buffer, one JSON.parse and one write per message.
// batched: the same work written with care: linear splitting whatever the size, one write per read.
import net from 'node:net';

const result = ({ method, params }) =>
  method === 'resources/read'
    ? { resultType: 'complete', contents: [{ uri: params.uri, mimeType: 'text/plain', text: 'hello world' }] }
    : { resultType: 'complete', content: [{ type: 'text', text: params.arguments?.text ?? params.text }] };

const answer = (line) => {
  const message = JSON.parse(line);
  if (message.id === undefined) return '';
  return `${JSON.stringify({ jsonrpc: '2.0', id: message.id, result: result(message) })}\n`;
};

function serveNaive(input, output) {
  let buffer = '';
  input.setEncoding('utf8');
  input.on('data', (chunk) => {
    buffer += chunk;
    for (let end = buffer.indexOf('\n'); end >= 0; end = buffer.indexOf('\n')) {
      const reply = answer(buffer.slice(0, end));
      buffer = buffer.slice(end + 1);
      if (reply !== '') output.write(reply);
    }
  });
}

function serveBatched(input, output) {
  // Parts of one unfinished line: joined once, when its newline arrives.
  let parts = [];
  input.setEncoding('utf8');
  input.on('data', (chunk) => {
    let replies = '';
    let start = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      let line = chunk.slice(start, end);
      if (parts.length > 0) {
        parts.push(line);
        line = parts.join('');
        parts = [];
      }
      replies += answer(line);
      start = end + 1;
    }
    if (start < chunk.length) parts.push(start === 0 ? chunk : chunk.slice(start));
    if (replies !== '' && !output.write(replies)) {
      input.pause();
      output.once('drain', () => input.resume());
    }
  });
}

const [kind, url] = process.argv.slice(2);
const serve = { naive: serveNaive, batched: serveBatched }[kind];
if (serve === undefined || url === undefined) {
  console.error('usage: node-server.mjs naive|batched tcp://HOST:PORT|unix:/PATH|stdio:');
  process.exit(2);
}
if (url === 'stdio:') {
  serve(process.stdin, process.stdout);
} else {
  const server = net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    serve(socket, socket);
  });
  const where = url.startsWith('unix:')
    ? { path: url.slice(5) }
    : { host: new URL(url).hostname, port: Number(new URL(url).port) };
  server.listen({ ...where, backlog: 1024 }, () => {
    const address = server.address();
    console.log(`LISTENING ${typeof address === 'string' ? url : `tcp://127.0.0.1:${address.port}`}`);
  });
  process.on('SIGTERM', () => process.exit(0));
}
