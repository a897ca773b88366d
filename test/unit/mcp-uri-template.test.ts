/** URI templates against the examples of RFC 6570, and back. */
import { describe, expect, it } from 'vitest';
import { UriTemplate } from '../../src/mcp/uri-template.js';

const variables = { var: 'value', hello: 'Hello World!', path: '/foo/bar', x: '1024', y: '768', empty: '' };

describe('UriTemplate', () => {
  it.each([
    ['{var}', 'value'],
    ['{hello}', 'Hello%20World%21'],
    ['{+var}', 'value'],
    ['{+hello}', 'Hello%20World!'],
    ['{+path}/here', '/foo/bar/here'],
    ['X{#var}', 'X#value'],
    ['X{#hello}', 'X#Hello%20World!'],
    ['map?{x,y}', 'map?1024,768'],
    ['{x,hello,y}', '1024,Hello%20World%21,768'],
    ['{+x,hello,y}', '1024,Hello%20World!,768'],
    ['{#x,hello,y}', '#1024,Hello%20World!,768'],
    ['X{.var}', 'X.value'],
    ['X{.x,y}', 'X.1024.768'],
    ['{/var}', '/value'],
    ['{/var,x}/here', '/value/1024/here'],
    ['{;x,y}', ';x=1024;y=768'],
    ['{;x,y,empty}', ';x=1024;y=768;empty'],
    ['{?x,y}', '?x=1024&y=768'],
    ['{?x,y,empty}', '?x=1024&y=768&empty='],
    ['?fixed=yes{&x}', '?fixed=yes&x=1024'],
    ['{&x,y,empty}', '&x=1024&y=768&empty='],
    ['O{undef}X', 'OX'],
  ])('%s expands to %s', (template, uri) => {
    expect(new UriTemplate(template).expand(variables)).toBe(uri);
  });

  it.each([
    ['file:///{name}', 'file:///a%20b', { name: 'a b' }],
    ['file:///{name}', 'file:///a/b', undefined],
    ['file:///{name}', 'file:///', undefined],
    ['file:///{+path}', 'file:///a/b.txt', { path: 'a/b.txt' }],
    ['file:///{+path}.md', 'file:///a.md/b.md', { path: 'a.md/b' }],
    ['user:{id}/posts/{post}', 'user:7/posts/9', { id: '7', post: '9' }],
    ['user:{id}/posts/{post}', 'user:7/pages/9', undefined],
    ['s:search{?q,page}', 's:search?page=2&q=x%26y', { q: 'x&y', page: '2' }],
    ['s:search{?q}', 's:search', {}],
    ['s:search{?q}', 's:search?other=1', undefined],
    ['s:{a}{?q}', 's:1?q=2', { a: '1', q: '2' }],
    ['t:x{/path*}', 't:x/a/b', { path: 'a/b' }],
    ['t:{id}', 't:%ff', undefined],
    ['t:{id}', 't:__proto__', { id: '__proto__' }],
  ])('%s matched with %s', (template, uri, expected) => {
    const found = new UriTemplate(template).match(uri);
    expect(found === undefined ? undefined : { ...found }).toEqual(expected);
  });

  it.each(['{', 'a}', '{a', '{}', '{a b}', '{a}{b c}'])('refuses %s', (template) => {
    expect(() => new UriTemplate(template)).toThrow(/URI template/);
  });

  it('matches hostile URIs in linear time', () => {
    const template = new UriTemplate('a:{+x}b{+y}b{+z}c');
    expect(template.match(`a:${'b'.repeat(1_000_000)}`)).toBeUndefined();
  });
});
