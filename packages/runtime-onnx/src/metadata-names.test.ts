import { describe, expect, test } from 'vitest';
import { findClassNames, findFeatureNames, readNames } from './metadata-names.ts';

describe('names in metadata', () => {
  test.each([
    ['["a","b"]', ['a', 'b']],
    ["['sepal length (cm)', \"it's\"]", ['sepal length (cm)', "it's"]],
    ["('a', 'b',)", ['a', 'b']],
    ["{0: 'person', 1: 'bicycle'}", ['person', 'bicycle']],
    ['{"0":"person","1":"bicycle"}', ['person', 'bicycle']],
    ['[0, 1, 2]', ['0', '1', '2']],
    ['a, b ,c', ['a', 'b', 'c']],
    ['first name\nlast, name', ['first name', 'last, name']],
    ['alone', ['alone']],
  ])('are read from %s', (text, names) => {
    expect(readNames(text)).toEqual(names);
  });

  test.each(['', '  ', '{"a":"b"}', '{1: "x"}', '[["a"]]', '[null]', '{broken'])('are not read from %j', (text) => {
    expect(readNames(text)).toBeUndefined();
  });

  test('fit the number of columns, differ, and are not empty, or are none', () => {
    const find = (text: string, count: number): readonly string[] | undefined =>
      findFeatureNames(new Map([['Feature_Names', text]]), count);
    expect(find('a,b', 2)).toEqual(['a', 'b']);
    expect(find('a,b', 3)).toBeUndefined();
    expect(find('a,a', 2)).toBeUndefined();
    expect(find('a,', 2)).toBeUndefined();
  });

  test('of classes are taken from the first key that fits', () => {
    const metadata = new Map([
      ['names', "{0: 'cat', 1: 'dog'}"],
      ['classes', 'a,b,c'],
    ]);
    expect(findClassNames(metadata, 2)).toEqual(['cat', 'dog']);
    expect(findClassNames(metadata, undefined)).toEqual(['a', 'b', 'c']);
    expect(findClassNames(metadata, 4)).toBeUndefined();
  });
});
