// Burns processor time, or memory, in functions whose names a profile must show.
//
//   node hog.mjs MILLISECONDS burn|both|allocate
const [milliseconds, what = 'burn'] = process.argv.slice(2);
const end = performance.now() + Number(milliseconds);

function burnProcessor(rounds) {
  let value = 1;
  for (let round = 0; round < rounds; round++) value = (value * 31 + round) % 1_000_003;
  return value;
}

// Its own loop, so that V8 cannot put it into the other one.
function burnMore(rounds) {
  let value = 7;
  for (let round = 0; round < rounds; round++) value = (value * 17 + round) % 999_983;
  return value;
}

function allocateMuch() {
  return Array.from({ length: 20_000 }, (_, index) => ({ index, text: `number ${index}` }));
}

let kept;
function step() {
  if (what === 'allocate') kept = allocateMuch();
  else burnProcessor(1_000_000);
  if (what === 'both') burnMore(3_000_000);
  if (performance.now() < end) setImmediate(step);
  else console.log(`done ${kept?.length ?? ''}`);
}

console.log('ready');
step();
