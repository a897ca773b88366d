// Prints "passed failed" from a JSON report of vitest. A run that failed without a failing test (a file that
// does not load, an unhandled error, no test at all) counts as one failure. What failed is appended to the file
// given third, a test and the first lines of its message each, for the end of the run, where it is looked for.
import { appendFileSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

const shownLines = 12;
const [report, status, failures] = process.argv.slice(2);
const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));

function failuresOf({ name, message, status: fileStatus, assertionResults }) {
  const file = relative(process.cwd(), name);
  const failed = assertionResults
    .filter((test) => test.status === 'failed')
    .map((test) => [`${file}: ${test.fullName}`, (test.failureMessages ?? []).join('\n')]);
  return failed.length === 0 && fileStatus === 'failed' ? [[file, message ?? '']] : failed;
}

for (const [name, message] of (testResults ?? []).flatMap(failuresOf)) {
  const lines = message.split('\n').slice(0, shownLines);
  appendFileSync(failures, `${[name, ...lines].join('\n    ')}\n`);
}
const silent = (status !== '0' && numFailedTests === 0) || numPassedTests + numFailedTests === 0;
console.log(numPassedTests, silent ? 1 : numFailedTests);
