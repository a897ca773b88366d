/** What goes to people: colours on a terminal only, tables in columns. */
import type { WriteStream } from 'node:tty';

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export type Colour = keyof typeof codes;

/** https://no-color.org: any value of NO_COLOR but the empty string switches colours off. */
export function usesColour(stream: NodeJS.WriteStream | WriteStream): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}

export function paint(text: string, colour: Colour, stream: NodeJS.WriteStream = process.stdout): string {
  if (!usesColour(stream)) return text;
  const [on, off] = codes[colour];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}

/** Rows in columns two spaces apart; the last column is not padded, so that lines do not end in spaces. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index]))).join('  '),
    )
    .map((line) => line.trimEnd())
    .join('\n');
}

let onOutputGone: (() => void) | undefined;

/** What has to be done before the end where nobody reads our standard output any more; undefined: nothing. */
export function whenOutputIsGone(handler: (() => void) | undefined): void {
  onOutputGone = handler;
}

/** Whether somebody sees to the end. */
export function outputIsGone(): boolean {
  onOutputGone?.();
  return onOutputGone !== undefined;
}

export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`);
}

export function printError(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  printLine(safeText(JSON.stringify(value, null, process.stdout.isTTY === true ? 2 : undefined)));
}

/** Control characters of a peer's text would move the cursor or recolour the screen: shown escaped on a terminal. */
export function safeText(text: string, stream: NodeJS.WriteStream = process.stdout): string {
  if (stream.isTTY !== true) return text;
  return text.replace(/(?![\t\n])\p{Cc}/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
