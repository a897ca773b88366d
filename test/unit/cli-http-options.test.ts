/** Header fields from the command line. */
import { expect, it } from 'vitest';
import { httpClientOptions } from '../../src/cli/http-options.js';

it('joins fields of one name, and none with what every object has', () => {
  expect(httpClientOptions({ header: ['X-A: 1', 'x-a:2', 'constructor: 3'] })).toEqual({
    httpClient: { headers: { 'x-a': '1, 2', constructor: '3' } },
  });
});
