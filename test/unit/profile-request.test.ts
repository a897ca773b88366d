/** What the command line of ringwire profile means, and what it refuses. */
import { describe, expect, it } from 'vitest';
import type { OptionValues } from '../../src/cli/command.js';
import { parseInput } from '../../src/cli/parse-input.js';
import { type profileOptionSpecs, readRequest } from '../../src/cli/profile/request.js';
import { profile } from '../../src/cli/profile.js';
import type { ProfileRequest } from '../../src/workbench/profile/record-profile.js';

function read(line: string): Promise<ProfileRequest> {
  const { options, positionals, rest } = parseInput(
    profile,
    line.split(' ').filter((word) => word !== ''),
  );
  return readRequest(positionals, rest, options as OptionValues<typeof profileOptionSpecs>);
}

describe('a profile is asked for', () => {
  it('of a scenario: its server over tcp, ten seconds of its load', async () => {
    const request = await read('10k');
    expect(request).toMatchObject({
      target: { server: { transport: 'tcp' } },
      what: '10k over tcp',
      subject: 'cpu',
      load: { rate: 10_000, seconds: 10 },
    });
    expect(await read('10k -t http --rate 500 -s 30')).toMatchObject({
      target: { server: { transport: 'http' } },
      load: { rate: 500, seconds: 30 },
    });
  });

  it('of a process: for ten seconds, or under load', async () => {
    expect(await read('--pid 42')).toMatchObject({ target: { pid: 42 }, seconds: 10 });
    expect((await read('--pid 42')).load).toBeUndefined();
    expect(await read('--pid 42 http://127.0.0.1:8080/mcp --rate 100')).toMatchObject({
      url: { url: 'http://127.0.0.1:8080/mcp' },
      load: { rate: 100 },
    });
  });

  it('of a command: until it ends', async () => {
    const request = await read('--engine perf -- node app.js --port 1');
    expect(request).toMatchObject({ target: { command: ['node', 'app.js', '--port', '1'] }, engine: 'perf' });
    expect(request.seconds).toBeUndefined();
    expect(request.load).toBeUndefined();
  });

  it.each([
    ['', /needs a scenario, --pid or a command/],
    ['http://127.0.0.1:1/mcp', /needs a scenario, --pid or a command/],
    ['quick http://127.0.0.1:1/mcp', /does not say which process/],
    ['-- npm start', /must start with node/],
    ['--pid 0', /--pid must be a whole number/],
    ['--pid 1 --rate 5', /--rate is of a load/],
    ['--pid 1 --transport tcp', /--transport is of servers that are started/],
    ['quick --pid 1', /needs the address it is to load/],
    ['--pid 1 stdio:', /./],
    ['--pid 1 tcp://127.0.0.1:1 --http2', /--http2 goes with an http/],
    ['quick --http2', /--transport http2/],
    ['--heap --allocations --pid 1', /do not go together/],
    ['--engine pref --pid 1', /pref/],
    ['--frequency 0 --pid 1', /--frequency/],
    ['quick peak', /"peak" is too much/],
    ['quikc', /There is no scenario "quikc"\. Did you mean quick/],
  ])('and not as %j', async (line, message) => {
    await expect(read(line)).rejects.toThrow(message);
  });
});
