/** A peer that reads as slowly as it is told, and counts what reaches it. */
import { listenTransport } from '../../transports/open.js';
import type { Listener, Transport } from '../../transports/transport.js';
import type { EchoAssignment, SinkReceipt } from './echo-protocol.js';

/** A slow reader reads in turns this long: short against what a sender calls a pause. */
const turnMs = 20;

/** Frames begin with their number and a space; the frame "end" is answered with a SinkReceipt. */
function count(transport: Transport, readBytesPerSecond: number | undefined): void {
  let frames = 0;
  let bytes = 0;
  let outOfOrder = 0;
  let allowance = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  if (readBytesPerSecond !== undefined) {
    const perTurn = (readBytesPerSecond * turnMs) / 1_000;
    allowance = perTurn;
    timer = setInterval(() => {
      // What was read beyond a turn's share is taken from the next turns.
      allowance = Math.min(perTurn, allowance + perTurn);
      if (allowance > 0) transport.resume();
    }, turnMs);
  }
  transport.start({
    onFrame: (frame) => {
      if (frame.length === 3 && frame.toString('latin1') === 'end') {
        transport.send(JSON.stringify({ frames, bytes, outOfOrder } satisfies SinkReceipt));
        return;
      }
      const head = frame.toString('latin1', 0, 16);
      if (Number(head.slice(0, head.indexOf(' '))) !== frames) outOfOrder += 1;
      frames += 1;
      bytes += frame.length;
      allowance -= frame.length;
      if (allowance <= 0) transport.pause();
    },
    onClose: () => clearInterval(timer),
  });
}

export function listenSink({ url, implementation, readBytesPerSecond }: EchoAssignment): Promise<Listener> {
  return listenTransport(url, { implementation }, (transport) => count(transport, readBytesPerSecond));
}
