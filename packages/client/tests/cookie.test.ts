import { describe, expect, test } from 'vitest';
import { getCsrfToken } from '../src/index.js';
import { openPage } from './page.js';

describe('the CSRF token', () => {
  test.each([
    ['the only cookie', 'CSRF-TOKEN=abc', 'abc'],
    ['one among others', 'a=1; CSRF-TOKEN=abc; b=2', 'abc'],
    ['without spaces between', 'a=1;CSRF-TOKEN=abc;b=2', 'abc'],
    ['with an encoded value', 'CSRF-TOKEN=a%2Bb%3D', 'a+b='],
    ['with an equals sign', 'CSRF-TOKEN=a=b', 'a=b'],
    ['beside a malformed foreign cookie', 'bad=%E0%A4%A; CSRF-TOKEN=abc; worse=%', 'abc'],
    ['itself malformed: as it stands', 'CSRF-TOKEN=%E0%A4%A', '%E0%A4%A'],
    ['beside one that hides another behind an encoded separator', 'x=1%3B CSRF-TOKEN%3Dforged; CSRF-TOKEN=abc', 'abc'],
  ])('is read: %s', (_, cookie, expected) => {
    openPage({ cookie });
    expect(getCsrfToken()).toBe(expected);
  });

  test.each([
    ['no cookie at all', ''],
    ['a longer name', 'X-CSRF-TOKEN=abc'],
    ['a name that goes on', 'CSRF-TOKEN2=abc'],
    ['another case', 'csrf-token=abc'],
    ['only one hidden in a value', 'x=1%3B CSRF-TOKEN%3Dforged'],
    ['no value sign', 'CSRF-TOKEN'],
  ])('is not there: %s', (_, cookie) => {
    openPage({ cookie });
    expect(getCsrfToken()).toBeUndefined();
  });

  test('is read under another name, which is no pattern', () => {
    openPage({ cookie: 'aXc=wrong; a.c=right' });
    expect(getCsrfToken('a.c')).toBe('right');
  });
});
