import { describe, expect, test } from 'vitest';
import { configOf, file, problemsOf } from './parse-text.ts';

const providers = (guest: string, more = '') => ({
  providers: `{ out: { kind: memory, guest: ${guest} }${more} }`,
});

describe('the guest of a provider', () => {
  test('is an interface, under the lease that is usual', () => {
    const { guests, providers: own } = configOf(file(providers('{ interface: lo }')));
    expect(own).toEqual({ out: { kind: 'memory' } });
    expect(guests).toMatchObject({
      out: { interface: 'lo', prefix: { 4: 32, 6: 128 }, local: { kind: 'local', lease_ms: 3000 } },
    });
    expect(configOf(file(providers('{ interface: eth0, prefix: 24 }'))).guests?.['out']?.prefix).toEqual({
      4: 24,
      6: 128,
    });
  });

  test('is a `local` provider by its name, with its settings', () => {
    const { guests } = configOf(file(providers('lan', ', lan: { kind: local, interface: eth1, lease: 5s }')));
    expect(guests).toMatchObject({ out: { interface: 'eth1', local: { lease_ms: 5000 } } });
  });

  test('is absent where nobody has one', () => {
    expect(configOf(file())).not.toHaveProperty('guests');
  });

  test.each([
    [providers('lan'), 'this file has no `local` provider lan'],
    [providers('out'), 'this file has no `local` provider out'],
    [
      {
        ...providers('lan', ', lan: { kind: local }'),
        vips: '{ web-1: { addresses: [10.0.0.100], providers: [out] } }',
      },
      'provider lan names no interface',
    ],
    [providers('{ prefix: 24 }'), 'interface'],
    [providers('{ interface: eth0, prefix: 33 }'), 'prefix'],
  ])('%j is refused', (changes, what) => {
    expect(problemsOf(file(changes)).join('\n')).toContain(what);
  });
});
