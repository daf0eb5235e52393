import { expect, test } from 'vitest';
import { Silence } from '../../../src/group/silence.ts';
import { memberId } from '../../../src/model/member.ts';

const B = memberId('b', '0000000000000001');

test('a host that answered is silent when the bound has passed since the first unanswered probe', () => {
  const silence = new Silence(500);
  expect(silence.asked(B, 0)).toBe(false);
  silence.answered(B);
  expect(silence.asked(B, 50)).toBe(false);
  expect(silence.asked(B, 550)).toBe(false);
  expect(silence.asked(B, 551)).toBe(true);
  silence.answered(B);
  expect(silence.asked(B, 600)).toBe(false);
});

test('where probes are filtered nobody is silent', () => {
  const silence = new Silence(500);
  for (let now = 0; now < 5000; now += 50) expect(silence.asked(B, now)).toBe(false);
});

test('a new stream begins anew', () => {
  const silence = new Silence(500);
  silence.answered(B);
  silence.asked(B, 0);
  silence.forget(B);
  expect(silence.asked(B, 1000)).toBe(false);
});
