/**
 * Every default limit, with its unit in the name and its reason beside it. All are options; none is unlimited,
 * because a peer decides how much it sends and we decide how much of it we hold.
 */

/** A frame larger than this is refused, not buffered. 4 MiB holds any sane tool result; files go by resource. */
export const maxFrameBytes = 4 * 1024 * 1024;

/** The largest value maxFrameBytes accepts: below V8's string limit (512 MiB - 24), so a frame can be one string. */
export const maxFrameBytesLimit = 256 * 1024 * 1024;

/** Levels of nested arrays and objects. JSON.parse of 5 million brackets blocks for 4 s; real messages stay below 20. */
export const maxDepth = 64;

/** The largest value maxDepth accepts: JSON.stringify of the parsed value must not overflow the stack. */
export const maxDepthLimit = 1024;

/** Unsent bytes per connection at which send() says 'full' and reading from that peer pauses. */
export const highWatermarkBytes = 1024 * 1024;

/** Unsent bytes at which a paused connection goes on. A quarter, so that pause and resume do not flutter. */
export const lowWatermarkBytes = highWatermarkBytes / 4;

/** Connections per listener; the source documents ask for 10,000. */
export const maxConnections = 10_000;

/** Pending connections the kernel holds for accept(); the kernel caps it at net.core.somaxconn. */
export const listenBacklog = 1024;

/** Requests one connection may have in flight at once; the excess is refused as OVERLOADED. */
export const maxInFlight = 4096;

/** A call without a deadline of its own ends after this. */
export const defaultTimeoutMs = 30_000;

/** The ceiling of a deadline that progress notifications extend. */
export const maxTimeoutMs = 10 * 60_000;

/** A drain waits this long for calls in flight before connections are cut. */
export const drainTimeoutMs = 10_000;

/** A connection that cannot be made within this fails. */
export const connectTimeoutMs = 10_000;

/** After closing a child's stdin: wait, then SIGTERM; wait the same again, then SIGKILL. */
export const childExitGraceMs = 2_000;

/** Messages of a JSON-RPC batch array (protocol 2025-03-26 and plain JSON-RPC only). */
export const maxBatchMessages = 1_000;

/** close() gives what is queued this long to leave, then cuts: a peer that does not read must not hold us open. */
export const closeTimeoutMs = 10_000;

/**
 * After our end of a closing connection is sent, wait this long for the peer's. Cutting at once with bytes unread
 * makes the kernel send a reset, which can destroy our last frames on their way (RFC 1122, 4.2.2.13).
 */
export const closeLingerMs = 1_000;

/** A grandchild that holds a dead child's pipe open is given this long, then its process group is killed. */
export const orphanGraceMs = 1_000;

/** Messages per connection that wait for a full transport: replies of calls in flight, and our own requests. */
export const maxBacklogBytes = 16 * 1024 * 1024;

/** A peer that reads none of its replies for this long is cut. Also ends two peers that wait for each other to read. */
export const stallTimeoutMs = 10_000;

/** Request line and header fields of an HTTP request. Real ones with a token and traces stay below 8 KiB. */
export const maxHeaderBytes = 16 * 1024;

/** Header fields of an HTTP request; browsers behind proxies send about thirty. */
export const maxHeaderFields = 100;

/** From the first byte of an HTTP request to the end of its head: a slow head holds a connection for nothing. */
export const headersTimeoutMs = 5_000;

/** An HTTP request body that comes in slower than this over bodyGraceMs is refused. */
export const minBodyBytesPerSecond = 1_024;

/** A request body may be this late before its rate counts. */
export const bodyGraceMs = 5_000;

/** An HTTP connection may stay idle this long between requests. Longer than the 60 s of usual proxies in front. */
export const keepAliveTimeoutMs = 65_000;

/** Bodies below this are not worth compressing: the packets saved cost less than the CPU. */
export const compressionThresholdBytes = 4 * 1024;

/** Bodies from this size are compressed on libuv's threads, because a megabyte takes tens of milliseconds. */
export const compressionOffloadBytes = 64 * 1024;

/** Compressed forms of answers that repeat are kept, up to this many bytes for each listener. */
export const compressionCacheBytes = 4 * 1024 * 1024;

/** A compressed request body that grows more than this many times is a bomb, whatever its size. */
export const maxInflateRatio = 200;

/** Fragments of one WebSocket message. */
export const maxWebSocketFragments = 256;

/** A WebSocket peer that is silent this long is pinged; twice as long, it is cut. */
export const webSocketPingIntervalMs = 30_000;

/** A comment line keeps an idle event stream alive through proxies this often. */
export const sseKeepAliveMs = 15_000;

/** Streams of one HTTP/2 connection at once. */
export const maxHttp2Streams = 100;

/** The window in which resets and control frames of an HTTP/2 connection are counted. */
export const http2WindowMs = 10_000;

/** Requests one HTTP/2 client may take back within http2WindowMs: every stream five times over; attacks need thousands. */
export const maxHttp2Resets = 5 * maxHttp2Streams;

/** SETTINGS and PING frames of one HTTP/2 client within http2WindowMs; measuring clients ping once a second. */
export const maxHttp2ControlFrames = 200;

/** Calls of one HTTP endpoint at work at once, over all its clients: one for each connection it may have. */
export const maxHttpInFlight = maxConnections;

/** Open subscriptions/listen streams of one HTTP endpoint: one for each connection it may have. */
export const maxHttpSubscriptions = maxConnections;

/** Sessions of MCP clients before 2026-07-28 that one server holds; the oldest idle one makes room. */
export const maxSessions = 10_000;

/** A session nobody used for this long ends. */
export const sessionTtlMs = 30 * 60_000;

/** A client whose stream was closed while its call goes on is told to come back after this. */
export const streamRetryMs = 1_000;

/** Events one session's streams keep for replay. */
export const maxStoredEvents = 1_000;

/** Bytes one session's streams keep for replay. */
export const maxStoredEventBytes = 4 * 1024 * 1024;

/** Bytes the sessions of one in-memory event store keep for replay together; the oldest go first. */
export const maxStoredBytes = 64 * 1024 * 1024;

/** Bytes the sessions of one event store in a file keep for replay together. */
export const maxStoredFileBytes = 1024 * 1024 * 1024;

/** Connections of one HTTP client to its server; an open event stream holds one under HTTP/1.1. */
export const clientConnections = 128;

/** Requests of one HTTP client that are under way or wait for a connection; the excess is refused as OVERLOADED. */
export const clientRequests = 4_096;

/** An idle connection is closed after this, before servers that close theirs at 5 s make the next request fail. */
export const clientKeepAliveMs = 4_000;

/** What is read of an answer that is no message, to say what it was. */
export const maxRefusalBytes = 64 * 1024;
