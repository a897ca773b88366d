// Prints "passed failed" from a JSON report of vitest. A run that failed without a failing test (a file that
// does not load, an unhandled error, no test at all) counts as one failure.
import { readFileSync } from 'node:fs';

const [report, status] = process.argv.slice(2);
const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
const silent = (status !== '0' && numFailedTests === 0) || numPassedTests + numFailedTests === 0;
console.log(numPassedTests, silent ? 1 : numFailedTests);
