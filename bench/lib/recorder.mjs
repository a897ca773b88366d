// Every figure leaves here: as a JSON line on stdout with --json, and appended to the results of its scenario.
import { appendFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeRun } from './machine.mjs';

const resultsFolder = fileURLToPath(new URL('../results/', import.meta.url));

/** record(summary) completes a summary with scenario, commit and machine, writes it and returns it. */
export function createRecorder({ scenario, json, quick, only, results }) {
  const run = describeRun();
  // A quick run proves that things run; its figures are worth nothing and are kept only where they are asked for.
  const folder = results ?? (quick ? undefined : resultsFolder);
  const marks = { quick: quick || undefined, chosen: only !== undefined || undefined };
  return function record(summary) {
    const line = JSON.stringify({ scenario, ...summary, ...marks, ...run });
    if (json) process.stdout.write(`${line}\n`);
    if (folder !== undefined) {
      mkdirSync(folder, { recursive: true });
      appendFileSync(path.join(folder, `${JSON.parse(line).scenario}.jsonl`), `${line}\n`);
    }
    return JSON.parse(line);
  };
}
