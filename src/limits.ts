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
