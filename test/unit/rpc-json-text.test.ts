import { describe, expect, it } from 'vitest';
import {
  errorFromWire,
  errorText,
  JsonText,
  resultText,
  scalarMemberText,
  serialiseParams,
} from '../../src/rpc/json-text.js';

describe('scalarMemberText', () => {
  it.each([
    ['{"requestId":7}', '7'],
    ['{"requestId":12345678901234567890}', '12345678901234567890'],
    ['{ "reason" : "a,b:{\\"requestId\\":1}" , "requestId" : "x\\"y\\\\" }', '"x\\"y\\\\"'],
    ['{"a":{"requestId":1},"b":[{"requestId":2}],"requestId":-3}', '-3'],
    ['{"requestId":"requestId"}', '"requestId"'],
    ['{"reason":"requestId","requestId":4}', '4'],
    ['{"a":{"requestId":1}}', undefined],
    ['{"requestId":null}', undefined],
    ['{"requestId":true}', undefined],
    ['{"requestId":[1]}', undefined],
    ['{"requestId":{}}', undefined],
    ['["requestId",1]', undefined],
    ['{}', undefined],
    ['', undefined],
  ])('finds the member of %s', (json, text) => {
    expect(scalarMemberText(json, 'requestId')).toBe(text);
  });
});

describe('Messages as text', () => {
  it('splices results, also those that are text already', () => {
    expect(resultText('"a"', { x: [1] })).toBe('{"jsonrpc":"2.0","id":"a","result":{"x":[1]}}');
    expect(resultText('1', undefined)).toBe('{"jsonrpc":"2.0","id":1,"result":null}');
    expect(resultText('1', new JsonText('{"n":1e400}'))).toBe(
      '{"jsonrpc":"2.0","id":1,"result":{"n":1e400}}',
    );
  });

  it('leaves out error data that JSON cannot carry', () => {
    expect(errorText(null, -1, 'm"', 1n)).toBe(
      '{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"m\\""}}',
    );
    expect(JSON.parse(errorText('1', -1, 'm', { a: 1 })).error.data).toEqual({ a: 1 });
  });

  it('never holds a newline, whatever the text', () => {
    const text = 'a\nb\r\u2028\u0000';
    for (const message of [
      resultText('1', text),
      errorText('1', 1, text, text),
      serialiseParams('m', [text]),
    ]) {
      expect(message).not.toMatch(/[\n\r]/);
    }
  });

  it('reads errors of the wire with care', () => {
    expect(errorFromWire({ code: 1, message: 'm' })).toMatchObject({ rpcCode: 1, retryable: false });
    for (const value of [null, [], 'x', {}, { code: '1', message: 'm' }, { code: 1.5, message: 'm' }]) {
      expect(errorFromWire(value)).toMatchObject({ code: 'FRAME_INVALID' });
    }
  });
});
