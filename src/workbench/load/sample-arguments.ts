/** Arguments that fit a tool's schema, and texts to fill them with. */

/** What echoed texts consist of: ASCII; two, three and four byte characters; or what JSON must escape. */
export type TextKind = 'ascii' | 'utf8' | 'escapes';
export const textKinds: readonly TextKind[] = ['ascii', 'utf8', 'escapes'];

const units: Readonly<Record<TextKind, string>> = {
  ascii: 'hello world',
  utf8: 'héllo wörld 你好 🌍',
  escapes: 'say "hello"\n\tC:\\world',
};

const jsonBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;

/** A text of so many bytes as JSON, made of whole units and filled up with ASCII; without `bytes` a short one. */
export function sampleText(kind: TextKind, bytes?: number): string {
  const unit = units[kind];
  if (bytes === undefined) return unit;
  const spaced = `${unit} `;
  const whole = Math.floor(bytes / jsonBytes(spaced));
  return spaced.repeat(whole) + 'x'.repeat(bytes - whole * jsonBytes(spaced));
}

type Schema = Readonly<Record<string, unknown>>;

/** Levels of a schema that are filled in. */
const maxLevels = 8;

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function sampleString({ minLength, maxLength }: Schema): string {
  const text = units.ascii;
  const least = typeof minLength === 'number' ? minLength : 0;
  const most = typeof maxLength === 'number' ? maxLength : Number.POSITIVE_INFINITY;
  return text.padEnd(least, 'x').slice(0, most);
}

function sampleNumber({ minimum, maximum, exclusiveMinimum }: Schema): number {
  if (typeof minimum === 'number') return minimum;
  if (typeof exclusiveMinimum === 'number') return exclusiveMinimum + 1;
  return typeof maximum === 'number' ? Math.min(1, maximum) : 1;
}

function sampleValue(schema: unknown, level: number): unknown {
  if (!isSchema(schema) || level > maxLevels) return null;
  if (schema.const !== undefined) return schema.const;
  if (schema.default !== undefined) return schema.default;
  for (const list of [schema.enum, schema.examples])
    if (Array.isArray(list) && list.length > 0) return list[0];
  for (const list of [schema.anyOf, schema.oneOf])
    if (Array.isArray(list) && list.length > 0) return sampleValue(list[0], level + 1);
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'string':
      return sampleString(schema);
    case 'number':
    case 'integer':
      return sampleNumber(schema);
    case 'boolean':
      return false;
    case 'array':
      return Array.from({ length: Number(schema.minItems ?? 0) }, () => sampleValue(schema.items, level + 1));
    case 'object':
      return sampleObject(schema, level + 1);
    default:
      return null;
  }
}

function sampleObject({ properties, required }: Schema, level: number): Record<string, unknown> {
  const known = isSchema(properties) ? properties : {};
  const names = Array.isArray(required) ? required.map(String) : [];
  return Object.fromEntries(names.map((name) => [name, sampleValue(known[name], level)]));
}

/** Names that tools give to what they give back. */
const textNames = ['text', 'message', 'input', 'content', 'value'];

/** The argument that takes a free text: one with a usual name, else the first that is required. */
export function textArgument(inputSchema: unknown): string | undefined {
  if (!isSchema(inputSchema) || !isSchema(inputSchema.properties)) return undefined;
  const { properties, required } = inputSchema;
  const isFree = (name: string): boolean => {
    const schema = properties[name];
    return (
      isSchema(schema) &&
      schema.type === 'string' &&
      ['enum', 'const', 'format', 'pattern'].every((each) => schema[each] === undefined)
    );
  };
  const first = Array.isArray(required) ? required.map(String) : [];
  return [...textNames, ...first].find((name) => Object.hasOwn(properties, name) && isFree(name));
}

/** Values for the required arguments of a tool. They fit the schema's types; whether they make sense only the tool knows. */
export function sampleArguments(inputSchema: unknown): Record<string, unknown> {
  return isSchema(inputSchema) ? sampleObject(inputSchema, 0) : {};
}
