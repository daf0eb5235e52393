/** Tokens of the metadata server: no call waits for one while the last is good; and the SDK is warm before it is used. */
import { describe, expect, it } from 'vitest';
import type { Metadata } from '../../../../providers/gcp/metadata.ts';
import { tokensOf } from '../../../../providers/gcp/token.ts';

const SIGNAL = new AbortController().signal;
const HOUR = 3_600_000;

function scene() {
  let number = 0;
  let now = 0;
  const hanging: (() => void)[] = [];
  let hangs = false;
  const metadata = {
    endpoint: 'http://metadata',
    token: async () => {
      if (hangs) await new Promise<void>((resolve) => hanging.push(resolve));
      number += 1;
      return { token: `t${number}`, lifetime: HOUR };
    },
  } as unknown as Metadata;
  const tokens = tokensOf(metadata, () => now);
  return {
    tokens,
    at: (instant: number) => {
      now = instant;
    },
    hang: () => {
      hangs = true;
    },
    answer: async () => {
      hangs = false;
      for (const resolve of hanging.splice(0)) resolve();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('tokens of the metadata server', () => {
  it('one is used until shortly before its end, and its successor fetched beside the call that noticed', async () => {
    const { tokens, at, hang, answer } = scene();
    expect(await tokens.token(SIGNAL)).toBe('t1');
    at(HOUR - 241_000);
    expect(await tokens.token(SIGNAL)).toBe('t1');
    hang();
    at(HOUR - 239_000);
    expect(await tokens.token(SIGNAL), 'a metadata server that hangs holds nothing up').toBe('t1');
    await answer();
    expect(await tokens.token(SIGNAL)).toBe('t2');
  });

  it('near its end it is waited for, and so after it was refused', async () => {
    const { tokens, at } = scene();
    await tokens.token(SIGNAL);
    at(HOUR - 29_000);
    expect(await tokens.token(SIGNAL)).toBe('t2');
    tokens.forget();
    expect(await tokens.token(SIGNAL)).toBe('t3');
  });
});
