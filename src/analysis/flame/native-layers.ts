/** Layers by the symbols of native code: ours, uWebSockets, libuv, Node.js, V8, libc and the system calls of Linux. */
import type { Layer } from '../sample.js';
import type { Frame } from './frame.js';

type Rules = readonly (readonly [RegExp, Layer])[];

/** The addon. Symbols are `ringwire::Class::method`; the JSON parser's are simdjson's. */
const addon: Rules = [
  [/simdjson::|ringwire::(?:Envelope|StructuralWalker|JsonText|json_)/, 'scan'],
  [/ringwire::(?:Framer|BatchDispatcher::(?:on_lines|on_large|take_large))/, 'framing'],
  [
    /ringwire::(?:FrameBuilder|TextEncoder|BatchDispatcher::(?:reply|write_|append_)|\(anonymous namespace\)::reply)/,
    'serialise',
  ],
  [/ringwire::(?:WriteQueue|MessageBatch|Connection::(?:flush|write|send)|RingWriter)/, 'write'],
  [
    /ringwire::(?:BatchDispatcher|RouteTable|Route|CallSlots|ForwardMap|StreamEngineObject|EngineCall|Slab)/,
    'dispatch',
  ],
  [/ringwire::/, 'transport'],
];

const uws: Rules = [
  [/uWS::(?:HttpParser|WebSocketProtocol|ChunkedEncoding)/, 'framing'],
  [
    /AsyncSocket<\w+>::(?:write|uncork|flush)|us_socket_(?:write|flush)|bsd_(?:send|write)|res_(?:end|write|tryEnd|cork|endWithoutBody)|HttpResponse<\w+>::(?:write|end|tryEnd|internalEnd)|uWS_WebSocket_send|WebSocket<.*>::send/,
    'write',
  ],
  [/uWS|us_|ofats::|bsd_|HttpRequestWrapper|HttpResponseWrapper|WebSocketWrapper/, 'transport'],
];

/** Of any other binary, Node.js itself first of all. */
const runtime: Rules = [
  [/JsonParser|Builtins?_JsonParse|^JSON\.parse$/, 'scan'],
  [/JsonStringif|Builtins?_JsonStringify|JSONStringify|^deflate|^BrotliEncoder/, 'serialise'],
  [/^llhttp|^nghttp2_session_mem_recv|^node::\(anonymous namespace\)::Parser::/, 'framing'],
  [
    /^uv__?(?:write|try_write)|^uv_udp_send|^node::(?:StreamBase::Write|LibuvStreamWrap::Do(?:Try)?Write|LibuvStreamWrap::.*Write|StreamResource::.*Write)|^nghttp2_session_(?:mem_)?send|^SSL_write/,
    'write',
  ],
  [/^(?:__)?(?:GI_)*_*(?:libc_)?(?:writev?|send|sendto|sendmsg)(?:@@?[\w.]+)?$/, 'write'],
  [
    /^uv__(?:io_poll|stream_io|read|server_io|accept|udp_|recvmsg|poll_io)|^node::(?:LibuvStreamWrap|StreamBase|TCPWrap|PipeWrap|ConnectionWrap|TLSWrap|EmitToJSStreamListener)|^SSL_read/,
    'transport',
  ],
  [/^(?:__)?(?:GI_)*_*(?:libc_)?(?:readv?|recv|recvfrom|recvmsg|accept4?)(?:@@?[\w.]+)?$/, 'transport'],
  [/^(?:epoll_p?wait|kevent)$/, 'kernel'],
  [
    /^v8::internal::(?:compiler::|Compiler::|maglev::|turboshaft::|baseline::|interpreter::BytecodeGenerator|OptimizingCompile|parsing::)|^Builtins_CompileLazy|^v8::internal::Runtime_(?:Compile|Tier)/,
    'node',
  ],
  [
    /^uv_run$|^uv__run_|^node::(?:Start|SpinEventLoop|NodeMainInstance|Environment::RunTimers|Environment::CheckImmediate|TimerWrap)/,
    'node',
  ],
];

/** System calls. What they cause (the loopback delivers what is sent within the call that sends) is theirs. */
const kernel: Rules = [
  [
    /^(?:__)?(?:x64_|arm64_|se_|do_)*sys_(?:writev?|pwritev?(?:64)?|sendto|sendmsg|sendmmsg|sendfile(?:64)?)$|^(?:ksys_write|do_writev|vfs_writev?|sock_write_iter|sock_sendmsg|unix_stream_sendmsg)$/,
    'write',
  ],
  [
    /^(?:__)?(?:x64_|arm64_|se_|do_)*sys_(?:readv?|preadv?(?:64)?|recvfrom|recvmsg|accept4?)$|^(?:ksys_read|do_readv|vfs_readv?|sock_read_iter|sock_recvmsg)$/,
    'transport',
  ],
];

/** What V8's profiler calls the functions of Node that are native. */
const profiled: Rules = [
  [/^parse$/, 'scan'],
  [/^stringify$/, 'serialise'],
  [/^(?:writev|write(?:Utf8|Latin1|Ascii|Ucs2)String|writeBuffer|cork|end|tryEnd)$/, 'write'],
];

function find(rules: Rules, name: string): Layer | undefined {
  return rules.find(([pattern]) => pattern.test(name))?.[1];
}

/** undefined where the frame works for its caller. */
export function nativeLayer({ name, kind, file = '' }: Frame): Layer | undefined {
  if (kind === 'kernel') return find(kernel, name);
  if (/^ringwire(?:\.|$)/.test(file) || /(?:^| )ringwire::/.test(name) || name.startsWith('simdjson::'))
    return find(addon, name);
  if (/^uws/i.test(file)) return find(uws, name) ?? (name === '[unknown]' ? 'transport' : undefined);
  if (/uWS::/.test(name)) return find(uws, name);
  return find(runtime, name) ?? (file === '' ? find(profiled, name) : undefined);
}
