import { describe, expect, it } from 'vitest';
import { Troubles } from '../../../../providers/local/troubles.ts';
import type { ProviderEvent } from '../../../../src/provider/provider.ts';

describe('troubles', () => {
  it('are told one at a time, that of the guardian first', () => {
    const told: ProviderEvent[] = [];
    const troubles = new Troubles((event) => told.push(event));
    troubles.link('two have it');
    troubles.guardian('no guardian');
    troubles.link('two have it still');
    troubles.guardian(undefined);
    troubles.link(undefined);
    expect(told).toEqual([
      { kind: 'trouble', reason: 'two have it', confined: true },
      { kind: 'trouble', reason: 'no guardian' },
      { kind: 'trouble', reason: 'two have it still', confined: true },
      { kind: 'trouble', reason: undefined },
    ]);
  });
});
