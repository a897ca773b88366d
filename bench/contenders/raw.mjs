// What the bare engines do with JSON.parse and JSON.stringify and no check at all: the floor of HTTP and WebSocket.
//
//   node raw.mjs uws|node-http|node-http2|ws http://127.0.0.1:0/mcp|ws://127.0.0.1:0/mcp [LIST_RESULT_JSON]
//
// LIST_RESULT_JSON is the constant answer to tools/list.
const [kind, url, listResult] = process.argv.slice(2);
const { hostname: host, port, protocol } = new URL(url ?? 'none:');
const maxBodyBytes = 256 * 1024 * 1024;

/** The reply to one message as text; '' to a notification. */
function answer(text) {
  const { id, method, params } = JSON.parse(text);
  if (id === undefined) return '';
  if (method === 'tools/list') return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${listResult}}`;
  const result = { resultType: 'complete', content: [{ type: 'text', text: params.arguments.text }] };
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

function listening(boundPort) {
  console.log(`LISTENING ${protocol}//127.0.0.1:${boundPort}/mcp`);
  process.on('SIGTERM', () => process.exit(0));
}

async function serveUws() {
  const { default: uws } = await import('uWebSockets.js');
  const app = uws.App();
  app.post('/*', (res) => {
    let isAborted = false;
    let parts;
    res.onAborted(() => {
      isAborted = true;
    });
    res.onData((chunk, isLast) => {
      if (isAborted) return;
      let body = Buffer.from(chunk);
      if (!isLast || parts !== undefined) {
        parts ??= [];
        // The bytes are gone when this returns.
        parts.push(Buffer.from(body));
        if (!isLast) return;
        body = Buffer.concat(parts);
      }
      const reply = answer(body.toString());
      res.cork(() => {
        res.writeHeader('Content-Type', 'application/json').end(reply);
      });
    });
  });
  app.ws('/*', {
    idleTimeout: 960,
    maxPayloadLength: maxBodyBytes,
    maxBackpressure: maxBodyBytes,
    message: (ws, message) => {
      const reply = answer(Buffer.from(message).toString());
      if (reply !== '') ws.send(reply);
    },
  });
  app.listen('127.0.0.1', Number(port), (socket) => {
    if (!socket) throw new Error(`cannot listen on ${url}`);
    listening(uws.us_socket_local_port(socket));
  });
}

function answerStream(stream, respond) {
  const parts = [];
  stream.on('data', (chunk) => parts.push(chunk));
  stream.on('error', () => stream.destroy());
  stream.on('end', () => respond(answer((parts.length === 1 ? parts[0] : Buffer.concat(parts)).toString())));
}

async function serveNode() {
  const http = await import('node:http');
  const server = http.createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    answerStream(request, (reply) => {
      response.writeHead(reply === '' ? 202 : 200, {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(reply),
      });
      response.end(reply);
    });
  });
  server.listen({ host, port: Number(port), backlog: 1024 }, () => listening(server.address().port));
}

async function serveHttp2() {
  const http2 = await import('node:http2');
  const server = http2.createServer();
  server.on('stream', (stream) => {
    answerStream(stream, (reply) => {
      stream.respond({ ':status': reply === '' ? 202 : 200, 'content-type': 'application/json' });
      stream.end(reply);
    });
  });
  server.listen({ host, port: Number(port), backlog: 1024 }, () => listening(server.address().port));
}

async function serveWs() {
  const { WebSocketServer } = await import('ws');
  const server = new WebSocketServer({ host, port: Number(port), backlog: 1024, maxPayload: maxBodyBytes });
  server.on('connection', (socket) => {
    socket.on('error', () => socket.terminate());
    socket.on('message', (data) => {
      const reply = answer(data.toString());
      if (reply !== '') socket.send(reply);
    });
  });
  server.on('listening', () => listening(server.address().port));
}

const kinds = { uws: serveUws, 'node-http': serveNode, 'node-http2': serveHttp2, ws: serveWs };
if (!Object.hasOwn(kinds, kind) || !['http:', 'ws:'].includes(protocol)) {
  console.error(
    `usage: raw.mjs ${Object.keys(kinds).join('|')} http://HOST:PORT/mcp|ws://HOST:PORT/mcp [LIST_RESULT_JSON]`,
  );
  process.exit(2);
}
await kinds[kind]();
