// Reads bench/results and finds the run a table is made of.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { BenchError } from './errors.mjs';

/** Every record of a scenario but those of quick runs, each with the number of its line. */
export function readRecords(folder, scenario) {
  const file = path.join(folder, `${scenario}.jsonl`);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((text, index) => ({ text, line: index + 1 }))
    .filter(({ text }) => text !== '')
    .map(({ text, line }) => ({ ...JSON.parse(text), line }))
    .filter((record) => record.quick === undefined);
}

/**
 * The records of one run of a scenario, for all rows of a table have to come from one: the newest run of the whole
 * scenario, or what the newest run of the targets left of it. Runs of a few chosen contenders do not count.
 */
export function latestRun(folder, scenario) {
  const runs = new Map();
  for (const record of readRecords(folder, scenario)) {
    if (record.chosen === true) continue;
    runs.set(record.date, [...(runs.get(record.date) ?? []), record]);
  }
  const newest = [...runs.keys()].sort().reverse();
  const date = newest.find((one) => runs.get(one)[0].suite === undefined) ?? newest[0];
  if (date === undefined)
    throw new BenchError(`no results of ${scenario} in ${folder}: npm run bench -- ${scenario}`);
  return runs.get(date);
}
