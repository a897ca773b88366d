#pragma once
// Memory that two processes share, the descriptors they wake each other with, and who they are.
#include "ring/ring_layout.h"
#include "ring/ring_wait.h"

namespace ringwire {

/**
 * An anonymous memory file of `bytes` zero bytes, mode 0600, closed on exec, sealed against shrinking and
 * growing: a peer that could truncate it would turn our next load into SIGBUS. Linux only, else Unsupported.
 */
RingResult ring_memory_create(size_t bytes, int* fd);

/** Maps the whole file for reading and writing. NotARing where it is not sealed against shrinking. */
RingResult ring_memory_map(int fd, void** memory, size_t* bytes);
void ring_memory_unmap(void* memory, size_t bytes);

/** An eventfd: non-blocking, closed on exec. */
RingResult ring_event_create(int* fd);
void ring_event_signal(int fd);
/** Takes all signals off the descriptor. */
void ring_event_drain(int fd);

enum class RingPeerState { kNone, kAlive, kGone, kUnknown };

/** This process. pid 0 where processes cannot be told apart. */
RingPeer ring_self();

/** kNone: nobody joined. kUnknown: the process lives in another PID namespace and cannot be judged. */
RingPeerState ring_peer_state(const RingView& view, RingSide side);

/** Writes this process into the header as that side. Busy where another living process holds it. */
RingResult ring_join(const RingView& view, RingSide side);

}  // namespace ringwire
