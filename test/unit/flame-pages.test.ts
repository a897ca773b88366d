/** Tables, differences and pages of recordings. */
import { describe, expect, it } from 'vitest';
import { difference } from '../../src/analysis/flame/difference.js';
import { flamegraphSvg } from '../../src/analysis/flame/flamegraph-svg.js';
import { parseFolded } from '../../src/analysis/flame/folded.js';
import { renderDifference, renderFlamegraph } from '../../src/analysis/flame/render-flamegraph.js';
import { topFrames } from '../../src/analysis/flame/tables.js';
import { flameTree } from '../../src/analysis/flame/tree.js';

const asset = { script: 'start()', style: '' };
const before = parseFolded('*main a.js:1:1;*parse a.js:2:1 60\n*main a.js:1:1;*print a.js:9:1 40\n');
/** Twice as long, with a function that was not there, another line and another tier. */
const after = parseFolded(
  '*main a.js:1:1;~parse a.js:3:1 60\n*main a.js:1:1;*print a.js:9:1 40\n*main a.js:1:1;*burn a.js:20:1 100\n(idle) 500\n',
);

describe('top frames', () => {
  it('count a function once in each stack, whatever its tier', () => {
    const recording = parseFolded('*f a.js:1:1;~f a.js:1:1;g [node] 3\n^f a.js:1:1 1\n');
    expect(topFrames(recording, 'self').map(({ title, count, share }) => [title, count, share])).toEqual([
      ['g [node]', 3, 0.75],
      ['f a.js:1:1', 1, 0.25],
    ]);
    expect(topFrames(recording, 'inclusive')[0]).toMatchObject({ title: 'f a.js:1:1', count: 4, share: 1 });
  });
});

describe('difference', () => {
  it('is of shares: what was injected is more, the rest is less', () => {
    const { frames, tree } = difference(before, after);
    expect(frames.map(({ title, change }) => [title, Number(change.toFixed(6))])).toEqual([
      ['burn a.js', 0.5],
      ['parse a.js', -0.3],
      ['print a.js', -0.2],
    ]);
    const main = tree.children[0];
    expect(main.delta).toBeCloseTo(0);
    expect(main.children.map(({ name, delta = 0 }) => [name, Math.sign(delta)])).toEqual([
      ['parse a.js', -1],
      ['burn a.js', 1],
      ['print a.js', -1],
    ]);
    // What a flamegraph draws beside each other fits above its caller.
    expect(main.value).toBe(main.children.reduce((sum, { value }) => sum + value, 0));
  });

  it('of a recording with itself is nothing', () => {
    expect(difference(before, before).frames.every(({ change }) => change === 0)).toBe(true);
  });

  it('shows what is gone, and bears recordings of nothing', () => {
    expect(difference(after, before).frames[0]).toMatchObject({ title: 'burn a.js', before: 0.5, after: 0 });
    expect(difference(parseFolded(''), before).frames).toHaveLength(2);
  });
});

const hostile = parseFolded('</script><script>alert(1)</script> [<img src=x onerror=alert(1)>];"\'&_[k] 5\n');

describe('pages', () => {
  it('carry tree and tables, and nothing of them as markup', () => {
    const text = { title: '<b>title</b>', subtitle: '<i>', notes: ['a < b'] };
    for (const page of [
      renderFlamegraph(hostile, text, asset),
      renderDifference(hostile, hostile, text, asset),
    ]) {
      expect(page).not.toMatch(/<img|<b>|<i>|<script>alert/);
      const data = /id="report-data">(.*?)<\/script>/s.exec(page)?.[1] ?? '';
      expect(JSON.parse(data).tree.c[0].n).toContain('</script>');
    }
  });

  it('leave idle time out of the picture', () => {
    expect(flameTree(after).value).toBe(200);
  });

  it('draw still pictures of what is wide enough, escaped', () => {
    const svg = flamegraphSvg(parseFolded('a;b 999\na;c 1\n'), { title: 'x < y' });
    expect(svg.match(/<rect/g)).toHaveLength(1 + 1 + 3);
    expect(svg).toContain('x &lt; y');
    expect(flamegraphSvg(hostile, { title: 'x' })).not.toMatch(/<img|<script/);
    expect(flamegraphSvg(parseFolded(''), { title: 'empty' })).toContain('</svg>');
  });

  it('hide what every stack passes through in still pictures', () => {
    const svg = flamegraphSvg(parseFolded('node::Start [node];uv_run [node];*f a.js:1:1 9\n'), {
      title: 'x',
    });
    expect(svg).not.toContain('node::Start');
    expect(svg).toContain('uv_run');
  });
});
