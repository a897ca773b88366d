// What the tables of all scenarios share.

// What the documents behind this project state; stated, never measured on this machine.
const seed = {
  tcp: '500-2,000 KB/s, p95 5-25 ms, 50-100 MB',
  stdio: '1,000-5,000 KB/s, p95 1-5 ms, 20-50 MB',
  http: '100-500 KB/s, p95 50-200 ms, 100-200 MB',
  openloop: '10,500 req/s, p95 85 ms',
  idle: '20 connections at 80 % success',
};

/** The sentence that sets what was stated beside what was measured. */
export const seedOf = (scenario) =>
  seed[scenario] === undefined ? '' : ` Seed, as stated: ${seed[scenario]}.`;

export function markdownTable(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const alignment = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [line(head), line(alignment), ...rows.map(line)].join('\n');
}

/** One sentence that says where the figures come from, so that they can be had again. */
export function source([first], command) {
  const { cpu, cores, kernel } = first.machine;
  const noise = first.noisePercent === undefined ? '' : `, A/A noise ${first.noisePercent} %`;
  const pinned = first.pinned ? ', server and generator on a core each' : '';
  return `\`npm run bench -- ${command}\` at ${first.commit}${first.dirty ? ' (changed)' : ''}, ${first.date.slice(0, 10)}: Node ${first.node}, ${cores} cores of ${cpu}, Linux ${kernel}${pinned}${noise}, medians of ${first.rounds} rounds.`;
}

export const commandOf = (records, scenario) =>
  records[0].suite === undefined ? scenario : records[0].suite;
