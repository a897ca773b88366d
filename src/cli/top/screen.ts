/** The terminal while `ringwire top` has it: a screen of its own, without a cursor, and keys as they are pressed. */

/** What begins a control sequence. */
const csi = '\u001b[';
/** The other screen, no cursor, no wrapping of lines that a resize made too long. */
const enter = `${csi}?1049h${csi}?25l${csi}?7l`;
const leave = `${csi}?7h${csi}?25h${csi}?1049l`;
/** Terminals that know it show the frame at once (https://gist.github.com/christianparpart/d8a62cc1ab659194337d73e399004036). */
const beginFrame = `${csi}?2026h${csi}H`;
const endFrame = `${csi}J${csi}?2026l`;
const endOfText = '\u0003';
const endOfInput = '\u0004';

export class Screen {
  readonly #output: NodeJS.WriteStream;
  readonly #input: NodeJS.ReadStream;
  readonly #onQuit: () => void;
  #draw: () => readonly string[] = () => [];
  #isOpen = false;
  readonly #repaint = (): void => this.#paint();
  readonly #restore = (): void => this.close();
  readonly #onKeys = (keys: Buffer): void => {
    const text = keys.toString('latin1');
    if (text === 'q' || text === 'Q' || text === endOfText || text === endOfInput) this.#onQuit();
  };

  /** `onQuit` is called for q, Ctrl-C and the signals that end a process. */
  constructor(onQuit: () => void, output = process.stdout, input = process.stdin) {
    this.#onQuit = onQuit;
    this.#output = output;
    this.#input = input;
  }

  /** Whether there is a terminal that can do it. */
  static isPossible(output = process.stdout): boolean {
    return output.isTTY === true && process.env.TERM !== 'dumb';
  }

  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 };
  }

  open(): void {
    this.#isOpen = true;
    this.#output.write(enter);
    this.#output.on('resize', this.#repaint);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, this.#onQuit);
    // Whatever ends the process, the terminal is given back.
    process.on('exit', this.#restore);
    if (this.#input.isTTY !== true) return;
    this.#input.setRawMode(true);
    this.#input.on('data', this.#onKeys);
    this.#input.resume();
  }

  /** Shows these lines, now and after each change of the size. */
  show(draw: () => readonly string[]): void {
    this.#draw = draw;
    this.#paint();
  }

  /** Idempotent. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#output.off('resize', this.#repaint);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, this.#onQuit);
    process.off('exit', this.#restore);
    if (this.#input.isTTY === true) {
      this.#input.off('data', this.#onKeys);
      this.#input.setRawMode(false);
      this.#input.pause();
    }
    this.#output.write(leave);
  }

  /** Each line overwrites the one that is there and clears the rest of it: nothing is blank in between. */
  #paint(): void {
    if (!this.#isOpen) return;
    const lines = this.#draw().map((line) => `${line}${csi}K`);
    this.#output.write(`${beginFrame}${lines.join('\r\n')}${endFrame}`);
  }
}
