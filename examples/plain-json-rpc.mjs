/**
 * JSON-RPC 2.0 without MCP: requests in both directions, notifications, errors, an interceptor.
 *
 *     node examples/plain-json-rpc.mjs
 */
import { connectRpc, createRpcServer, RpcError, RpcErrorCode } from 'ringwire';

const server = createRpcServer()
  .method('divide', ([left, right]) => {
    if (right === 0) throw new RpcError(RpcErrorCode.InvalidParams, 'division by zero', { left });
    return left / right;
  })
  .method('greet', async (_params, { connection }) => `Hello ${await connection.request('name')}!`)
  .use(async (call, next) => {
    const start = performance.now();
    const result = await next(call);
    console.log(`  ${call.method} took ${(performance.now() - start).toFixed(2)} ms`);
    return result;
  });
const { url } = await server.listen('tcp://127.0.0.1:0');

const client = await connectRpc(url);
client.dispatcher.method('name', () => 'client');

console.log(await client.request('divide', [10, 4]));
console.log(await client.request('greet'));
await client
  .request('divide', [1, 0])
  .catch(({ rpcCode, message, data }) => console.log(rpcCode, message, data));

await client.close();
await server.close();
