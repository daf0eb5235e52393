/** What is done before the first takeover: whole ones, with the real SDK, on a cloud in memory. */
import { Socket } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { practise } from '../../../../providers/gcp/practice.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

it.each(['alias-ip', 'external-ip', 'route'] as const)(
  'takes over by %s, from the first look to the last, and asks nobody',
  async (mode) => {
    const connected = vi.spyOn(Socket.prototype, 'connect');
    const fetched = vi.spyOn(globalThis, 'fetch');
    expect(await practise(mode)).toBeUndefined();
    expect(connected).not.toHaveBeenCalled();
    expect(fetched).not.toHaveBeenCalled();
  },
  60_000,
);
