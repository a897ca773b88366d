/** Content-Type and Accept of MCP requests. */

/**
 * What the caller takes: JSON or events as fits the answer ('auto'), one of them alone, or neither ('none').
 */
export type AcceptedForm = 'auto' | 'json' | 'events' | 'none';

/** What an answer may be: events where something comes before it, JSON alone, or events alone. */
export type AnswerForm = Exclude<AcceptedForm, 'none'>;

/** Whether a Content-Type says JSON, whatever its parameters. */
export function isJson(contentType: string): boolean {
  return contentType === 'application/json' || essence(contentType) === 'application/json';
}

/** What clients send is the same over and over; the usual spellings are kept. */
const known = new Map<string, AcceptedForm>([['', 'auto']]);
const mostKnown = 64;
const mostKnownLength = 200;

/** Comparing with the last one is cheaper than hashing it. */
let lastAccept = '';
let lastForm: AcceptedForm = 'auto';

export function acceptedForm(accept: string): AcceptedForm {
  if (accept === lastAccept) return lastForm;
  let form = known.get(accept);
  if (form === undefined) {
    form = readForm(accept);
    if (known.size < mostKnown && accept.length < mostKnownLength) known.set(accept, form);
  }
  lastAccept = accept;
  lastForm = form;
  return form;
}

function readForm(accept: string): AcceptedForm {
  const ranges = accept.split(',').filter((range) => range.trim() !== '');
  const takesJson = takes(ranges, 'application', 'json');
  const takesEvents = takes(ranges, 'text', 'event-stream');
  if (takesJson) return takesEvents ? 'auto' : 'json';
  return takesEvents ? 'events' : 'none';
}

/** The most specific range counts (RFC 9110, section 12.5.1). */
function takes(ranges: readonly string[], type: string, subtype: string): boolean {
  for (const wanted of [`${type}/${subtype}`, `${type}/*`, '*/*']) {
    const range = ranges.find((each) => essence(each) === wanted);
    if (range !== undefined) return !/;\s*q\s*=\s*0(?:\.0{0,3})?\s*(?:;|$)/i.test(range);
  }
  return false;
}

/** A media type or range without its parameters. */
function essence(value: string): string {
  const end = value.indexOf(';');
  return (end < 0 ? value : value.slice(0, end)).trim().toLowerCase();
}
