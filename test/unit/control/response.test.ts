import { describe, expect, it } from 'vitest';
import { decodeResponse } from '../../../src/control/codec.ts';
import { statusExample } from './status-example.ts';

const read = (value: unknown) => decodeResponse(Buffer.from(JSON.stringify(value)));

describe('an answer on the operator’s socket', () => {
  it('with a status is taken, also one of a newer agent with more words and fields', () => {
    const status = { ...statusExample(), phase: 'pondering', more: 1 };
    expect(read({ ok: true, status })).toEqual({ ok: true, status });
  });

  it.each<{ what: string; status: object }>([
    { what: 'without members', status: { ...statusExample(), members: undefined } },
    {
      what: 'whose member has no list of problems',
      status: { ...statusExample(), members: [{ name: 'a' }] },
    },
    { what: 'whose VIP is a number', status: { ...statusExample(), vips: [7] } },
    { what: 'whose counters count words', status: { ...statusExample(), counters: { messages: 'many' } } },
    { what: 'whose warnings are no texts', status: { ...statusExample(), warnings: [{}] } },
  ])('with a status $what is none: it could not be shown', ({ status }) => {
    expect(read({ ok: true, status })).toBeUndefined();
  });
});
