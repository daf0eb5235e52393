import { expect, test } from 'vitest';
import { groupNumber, numberIn } from '../../../src/platform/user-group.ts';

test('a group is found by its whole name, a number stands for itself', async () => {
  const text = 'root:x:0:\nwheel2:x:7:a\nwheel:x:10:alice,bob\nodd:x:ten:\n\n';
  expect(numberIn(text, 'wheel')).toBe(10);
  expect(numberIn(text, 'whee')).toBeUndefined();
  expect(numberIn(text, 'odd')).toBeUndefined();
  expect(await groupNumber('4242')).toBe(4242);
  expect(await groupNumber('root')).toBe(0);
});
