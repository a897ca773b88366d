/** Answers on their way to the connections of a MessageEngine. */
import { ReplyKind } from '../../binding/constants.generated.js';
import type { Peer } from '../peer.js';
import type { Replies } from './call-engine.js';
import type { CallTable } from './call-table.js';

/** Text handed over in one batch after which its connections may have their fill. */
const heavyUnits = 256 * 1024;

export class MessageReplies implements Replies {
  readonly #table: CallTable;
  /** By connection index. */
  readonly #peers: (Peer | undefined)[] = [];
  readonly #slotPeers: (Peer | undefined)[] = [];
  readonly #slotIds: string[] = [];
  readonly #free: number[] = [];
  #units = 0;

  constructor(table: CallTable) {
    this.#table = table;
  }

  get isHeavy(): boolean {
    return this.#units >= heavyUnits;
  }

  set isHeavy(isHeavy: boolean) {
    this.#units = isHeavy ? heavyUnits : 0;
  }

  /** The peer of a connection, where its answers go; undefined once it is gone. */
  setPeer(index: number, peer: Peer | undefined): void {
    this.#peers[index] = peer;
  }

  /** A slot for the answer to a request. */
  take(index: number, id: string): number {
    const slot = this.#free.pop() ?? this.#slotIds.length;
    this.#slotPeers[slot] = this.#peers[index];
    this.#slotIds[slot] = id;
    return slot;
  }

  add(slot: number, kind: number, text: string): void {
    if (kind >= ReplyKind.FirstTemplate) {
      const { before, after } = this.#table.templates[kind - ReplyKind.FirstTemplate];
      this.#send(slot, `${before}${JSON.stringify(text)}${after}`);
    } else if (kind === ReplyKind.Drop) this.#giveBack(slot);
    else this.#send(slot, `,"${kind === ReplyKind.Error ? 'error' : 'result'}":${text}}`);
  }

  /** Answers a request that has no slot with what follows its id. */
  answer(index: number, id: string, rest: string): void {
    this.#units += rest.length;
    this.#peers[index]?.replyNow(id, `{"jsonrpc":"2.0","id":${id}${rest}`);
  }

  drop(slot: number): void {
    this.#giveBack(slot);
  }

  /** Each connection sends at the end of the turn what it was given. */
  flush(): void {}

  #send(slot: number, rest: string): void {
    const id = this.#slotIds[slot];
    const peer = this.#slotPeers[slot];
    this.#giveBack(slot);
    this.#units += rest.length;
    peer?.replyNow(id, `{"jsonrpc":"2.0","id":${id}${rest}`);
  }

  #giveBack(slot: number): void {
    this.#slotPeers[slot] = undefined;
    this.#slotIds[slot] = '';
    this.#free.push(slot);
  }
}
