import { splitValues } from '../batch';

it.each<[string, string[]]>([
  ['1, 2,3', ['1', '2', '3']],
  ['[1, 2], [3]', ['[1, 2]', '[3]']],
  ['"a, b", c', ['"a, b"', 'c']],
  ['{"a": [1, 2]}, ,', ['{"a": [1, 2]}']],
  ['', []]
])('%p is parted into %p', (text, values) => {
  expect(splitValues(text)).toEqual(values);
});
