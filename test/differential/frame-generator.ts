/** Frames for the differential test: valid messages of every kind, and mutations of them. Seeded, so repeatable. */

/** A small generator of 32-bit numbers (mulberry32): the same seed gives the same frames on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return this.next() % limit;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)];
  }
}

const plainTexts = [
  '',
  'echo',
  'tools/call',
  'hello world',
  'file:///tmp/a',
  'a'.repeat(70),
  '2.0',
  '2026-07-28',
];
const oddTexts = [
  'é',
  '日本語',
  '😀',
  '\\n',
  '\\"',
  '\\\\',
  '\\u0041',
  '\\ud800',
  '\\ud83d\\ude00',
  '\\/',
  '\u2028',
  '\u007f',
  '}',
  ',"',
  '\\u0000',
];
const numbers = [
  '0',
  '-0',
  '7',
  '-12',
  '12345678901234567890',
  '1.5',
  '1e3',
  '-1.25E-7',
  '0.0',
  '9007199254740993',
];
const metaNames = ['protocolVersion', 'clientCapabilities', 'clientInfo', 'logLevel', 'subscriptionId'];
const spaces = ['', '', '', '', ' ', '\t', '\r', '\n', ' \r\n\t'];

/** Pieces that upset a parser where they do not belong. */
const splinters = [
  ...'{}[],:"\\',
  ...[
    '"id":1',
    '"id":null',
    '"method":"x"',
    '"params":{}',
    '"jsonrpc":"2.0"',
    '"result":1',
    '"error":{}',
    '"_meta":{}',
  ],
  ...['"\\u0069d":2', '"m\\u0065thod":"y"', '"name":"z"', '"uri":"u"', '"arguments":{}', '"progressToken":1'],
  ...[
    '01',
    '1.',
    '.5',
    '-',
    '+1',
    '1e',
    'NaN',
    'tru',
    'nullx',
    'false',
    '\\u12',
    '\\x',
    '\\ud800',
    "'",
    '/*c*/',
  ],
  ...[
    '\u0000',
    '\u000c',
    '\u001a',
    '\u001f',
    '\ufeff',
    '\u2028',
    '{"a":',
    '[[[[',
    ']]]]',
    ',,',
    '""',
    '"a" 1',
  ],
];

/** Bytes that are no UTF-8 where they stand. */
const brokenBytes = [
  [0xff],
  [0xc3],
  [0x80],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x9f, 0x98],
  [0xc0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x82],
];

export class FrameGenerator {
  readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** A frame; about half of them are valid messages. */
  next(): Buffer {
    const { random } = this;
    let frame: Buffer = Buffer.from(this.#message());
    if (random.chance(3)) frame = Buffer.from(`[${frame},${this.#message()}]`);
    for (let left = random.chance(50) ? 0 : 1 + random.below(3); left > 0; left--)
      frame = this.#mutate(frame);
    return frame;
  }

  #space(): string {
    return this.random.chance(90) ? '' : this.random.pick(spaces);
  }

  #string(): string {
    const { random } = this;
    const texts = random.chance(75) ? plainTexts : oddTexts;
    let text = random.pick(texts);
    while (random.chance(20)) text += random.pick(oddTexts);
    return `"${text}"`;
  }

  #value(depth: number): string {
    const { random } = this;
    const kind = random.below(depth > 5 ? 4 : 7);
    if (kind === 0) return this.#string();
    if (kind === 1) return random.pick(numbers);
    if (kind === 2) return random.pick(['true', 'false', 'null']);
    if (kind === 3) return random.pick(['{}', '[]', '[[]]', '{"":{}}', '[{}]', '""', '" "']);
    if (kind === 4) return `[${this.#list(() => this.#value(depth + 1))}]`;
    if (kind === 5) return this.#object(() => [this.#string(), this.#value(depth + 1)]);
    const nesting = random.below(90);
    return `${'['.repeat(nesting)}${']'.repeat(nesting)}` || '0';
  }

  #list(item: () => string): string {
    const items = Array.from({ length: this.random.below(4) }, item);
    return items.map((text) => this.#space() + text + this.#space()).join(',');
  }

  #object(member: () => [string, string]): string {
    return this.#join(Array.from({ length: this.random.below(4) }, member));
  }

  #join(members: [string, string][]): string {
    const texts = members.map(
      ([key, value]) => `${this.#space()}${key}${this.#space()}:${this.#space()}${value}${this.#space()}`,
    );
    return `{${texts.join(',')}}`;
  }

  /** The key between quotes, now and then with a letter escaped. */
  #key(name: string): string {
    const { random } = this;
    if (!random.chance(4)) return `"${name}"`;
    const at = random.below(name.length);
    const code = name.charCodeAt(at).toString(16).padStart(4, '0');
    return `"${name.slice(0, at)}\\u${random.chance(50) ? code : code.toUpperCase()}${name.slice(at + 1)}"`;
  }

  #shuffle<T>(values: T[]): T[] {
    for (let i = values.length - 1; i > 0; i--) {
      const other = this.random.below(i + 1);
      [values[i], values[other]] = [values[other], values[i]];
    }
    return values;
  }

  /** The members with odds: each [name, percent, value]. */
  #members(candidates: [string, number, () => string][]): string {
    const members: [string, string][] = [];
    for (const [name, percent, value] of candidates) {
      if (this.random.chance(percent)) members.push([this.#key(name), value()]);
      if (this.random.chance(1)) members.push([this.#key(name), value()]);
    }
    return this.#join(this.random.chance(30) ? this.#shuffle(members) : members);
  }

  #meta(): string {
    const { random } = this;
    if (random.chance(5)) return this.#value(3);
    const named = metaNames.map((name): [string, number, () => string] => [
      `io.modelcontextprotocol/${name}`,
      50,
      () => {
        if (name === 'protocolVersion')
          return random.pick(['"2026-07-28"', '"2025-11-25"', '"2026\\u002d07-28"', '7']);
        return random.chance(60) ? '{}' : this.#value(4);
      },
    ]);
    return this.#members([
      ...named,
      ['progressToken', 30, () => this.#value(4)],
      ['traceparent', 10, () => this.#string()],
      ['x', 10, () => this.#value(4)],
    ]);
  }

  #params(): string {
    if (this.random.chance(10)) return this.#value(2);
    return this.#members([
      ['name', 60, () => (this.random.chance(95) ? this.#string() : this.#value(3))],
      ['uri', 20, () => (this.random.chance(95) ? this.#string() : this.#value(3))],
      [
        'arguments',
        60,
        () =>
          this.random.chance(80) ? this.#object(() => [this.#string(), this.#value(3)]) : this.#value(3),
      ],
      ['_meta', 60, () => this.#meta()],
      ['inputResponses', 5, () => this.#value(3)],
      ['requestState', 5, () => this.#value(3)],
      ['cursor', 10, () => this.#value(3)],
    ]);
  }

  #id(): string {
    const { random } = this;
    if (random.chance(4)) return this.#value(2);
    if (random.chance(4)) return 'null';
    return random.chance(50)
      ? String(random.next())
      : random.chance(50)
        ? this.#string()
        : random.pick(numbers);
  }

  #message(): string {
    const { random } = this;
    const kind = random.below(10);
    const request = kind < 7;
    const answer = (member: number) => (kind === member ? 97 : 2);
    const body = this.#members([
      [
        'jsonrpc',
        98,
        () => (random.chance(97) ? '"2.0"' : random.pick(['"2\\u002e0"', '"1.0"', '2', '"2.0 "'])),
      ],
      ['id', kind === 6 ? 2 : 95, () => this.#id()],
      ['method', request ? 98 : 2, () => (random.chance(97) ? this.#string() : this.#value(2))],
      ['params', request ? 85 : 2, () => this.#params()],
      ['result', Math.max(answer(7), answer(8)), () => this.#value(2)],
      ['error', answer(9), () => (random.chance(90) ? '{"code":-32600,"message":"no"}' : this.#value(2))],
      ['extra', 5, () => this.#value(2)],
    ]);
    return `${this.#space()}${body}${this.#space()}`;
  }

  #mutate(frame: Buffer): Buffer {
    const { random } = this;
    const at = random.below(frame.length + 1);
    const until = Math.min(frame.length, at + 1 + random.below(random.chance(80) ? 3 : 40));
    switch (random.below(7)) {
      case 0:
        return Buffer.concat([frame.subarray(0, at), frame.subarray(until)]);
      case 1:
        return frame.subarray(0, at);
      case 2:
        return Buffer.concat([
          frame.subarray(0, at),
          Buffer.from(random.pick(splinters)),
          frame.subarray(at),
        ]);
      case 3:
        return Buffer.concat([
          frame.subarray(0, at),
          Buffer.from(random.pick(brokenBytes)),
          frame.subarray(at),
        ]);
      case 4:
        return Buffer.concat([frame.subarray(0, until), frame.subarray(at)]);
      case 5:
        return Buffer.concat([
          frame.subarray(0, at),
          Buffer.from([random.below(256)]),
          frame.subarray(until),
        ]);
      default:
        return Buffer.concat([
          frame.subarray(0, at),
          Buffer.from(random.pick(splinters)),
          frame.subarray(until),
        ]);
    }
  }
}
