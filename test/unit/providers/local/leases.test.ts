import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AddressBook } from '../../../../providers/local/address-book.ts';
import { Leases, type Loss, type Placed } from '../../../../providers/local/leases.ts';
import { Outcomes } from '../../../../providers/local/outcomes.ts';
import type { Vip } from '../../../../src/model/vip.ts';
import { SystemError } from '../../../../src/platform/libc.ts';
import { decodeMessages } from '../../../../src/platform/netlink-codec.ts';
import { decodeRouteNotice, type InterfaceAddress } from '../../../../src/platform/rtnetlink-codec.ts';

let now = 0;
vi.mock('../../../../src/platform/clock.ts', () => ({ bootTimeNow: () => now }));

/** A kernel that keeps addresses in a map, and a record of what happened in which order. */
class Kernel {
  readonly there = new Map<string, InterfaceAddress>();
  readonly log: string[] = [];
  refuse: string | undefined;
  /** The netlink socket itself fails at these. */
  broken: { request?: number; addresses?: number } = {};
  duringPut: () => void = () => {};

  request(messages: readonly Buffer[]): number[] {
    if (this.broken.request) throw new SystemError('netlink send', this.broken.request);
    return messages.map((message) => {
      const notice = decodeRouteNotice(decodeMessages(message)[0]!);
      if (notice?.kind !== 'address') throw new Error('not an address');
      const { address } = notice.address;
      if (notice.gone) {
        this.log.push(`delete ${address}`);
        return this.there.delete(address) ? 0 : 99;
      }
      this.duringPut();
      if (address === this.refuse) return 28;
      this.log.push(`put ${address}`);
      this.there.set(address, notice.address);
      return 0;
    });
  }
  addresses(): InterfaceAddress[] {
    if (this.broken.addresses) throw new SystemError('netlink dump', this.broken.addresses);
    return [...this.there.values()];
  }
  links() {
    return [];
  }
  close() {}
}

function placed(id: string, ...addresses: string[]): Placed {
  const vip = { id } as Vip;
  const standings = addresses.map((address) => ({
    family: 4 as const,
    address,
    prefixLength: 32,
    interfaceName: 'eth0',
    interfaceIndex: 2,
  }));
  return { vip, standings };
}

function told({ placed, fenced }: Loss) {
  return { vips: placed.map(({ vip }) => vip.id), fenced };
}

const A = placed('a', '10.0.0.1', '10.0.0.2');
const B = placed('b', '10.0.0.3');

describe('leases', () => {
  let kernel: Kernel;
  let leases: Leases;

  beforeEach(() => {
    now = 1000;
    kernel = new Kernel();
    const note = (what: string) => (some: readonly { address: string }[]) => {
      if (some.length > 0) kernel.log.push(`${what} ${some.map(({ address }) => address).join(' ')}`);
    };
    leases = new Leases(
      { lease: 3000, stall: 1000 },
      {
        addresses: new AddressBook(kernel, { leaseSeconds: 3, cluster: 'web' }),
        guardian: { hold: note('hold'), drop: note('drop'), tick: () => {} },
        announcer: { announce: note('announce'), forget: note('forget') },
      },
    );
  });

  function put(...some: Placed[]) {
    const outcomes = new Outcomes();
    leases.put(some, outcomes);
    return outcomes.for(some.map(({ vip }) => vip));
  }
  function renew(...some: Placed[]) {
    const outcomes = new Outcomes();
    const vips = some.map(({ vip }) => vip);
    leases.renew(vips, outcomes);
    return outcomes.for(vips);
  }

  it('tells the guardian before and the neighbours after an address is there', () => {
    expect(put(B)).toMatchObject([{ held: true, code: 'ok' }]);
    expect(kernel.log).toEqual(['hold 10.0.0.3', 'put 10.0.0.3', 'announce 10.0.0.3']);
    kernel.log.length = 0;
    leases.takeAway([B]);
    expect(kernel.log).toEqual(['forget 10.0.0.3', 'delete 10.0.0.3', 'drop 10.0.0.3']);
  });

  it('takes a VIP back whole when one of its addresses is refused, and no other', () => {
    kernel.refuse = '10.0.0.2';
    expect(put(A, B)).toMatchObject([
      { vip: 'a', held: false, code: 'limit' },
      { vip: 'b', held: true, code: 'ok' },
    ]);
    expect([...kernel.there.keys()]).toEqual(['10.0.0.3']);
    expect(kernel.log.filter((line) => line.startsWith('announce'))).toEqual(['announce 10.0.0.3']);
  });

  it('never creates by renewing, and takes the rest of a VIP away with what is gone', () => {
    put(A);
    kernel.there.delete('10.0.0.1');
    kernel.log.length = 0;
    expect(renew(A)).toMatchObject([{ held: false, code: 'lost' }]);
    expect(kernel.log.filter((line) => line.startsWith('put'))).toEqual([]);
    expect(kernel.there.size).toBe(0);
  });

  it('renews up to the margin and releases past it', () => {
    put(B);
    now += 2750;
    expect(renew(B)).toMatchObject([{ held: true, code: 'ok' }]);
    now += 2751;
    expect(renew(B)).toMatchObject([{ held: false, code: 'lease-expired' }]);
    expect(kernel.there.size).toBe(0);
  });

  it('gives up at the first tick what was not renewed in time', () => {
    put(A, B);
    now += 1000;
    renew(B);
    now += 2000;
    expect(told(leases.tick())).toEqual({ vips: ['a'], fenced: true });
    expect([...kernel.there.keys()]).toEqual(['10.0.0.3']);
  });

  it('puts nothing up after a stall until a tick says that the agent is well', () => {
    leases.tick();
    now += 1001;
    expect(put(B)).toMatchObject([{ held: false, code: 'lease-expired' }]);
    expect(kernel.log).toEqual([]);
    leases.tick();
    expect(put(B)).toMatchObject([{ held: true }]);
  });

  it('removes at once what it put up or renewed while the process stood still', () => {
    kernel.duringPut = () => {
      now += 3000;
    };
    expect(put(B)).toMatchObject([{ held: false, code: 'lease-expired' }]);
    expect(kernel.there.size).toBe(0);
    kernel.duringPut = () => {};
    put(B);
    kernel.duringPut = () => {
      now += 3000;
    };
    expect(renew(B)).toMatchObject([{ held: false, code: 'lease-expired' }]);
    expect(kernel.there.size).toBe(0);
  });

  it('believes the kernel, not a notice, that an address is gone', () => {
    put(A, B);
    expect(leases.takeAwayVanished(A.standings).placed).toEqual([]);
    kernel.there.delete('10.0.0.1');
    expect(told(leases.takeAwayVanished(A.standings))).toEqual({ vips: ['a'], fenced: false });
    expect([...kernel.there.keys()]).toEqual(['10.0.0.3']);
  });

  describe('after the guardian has fenced', () => {
    /** A stall just longer than the limit: the guardian has removed everything. */
    function stall() {
      leases.tick();
      put(A, B);
      now += 1100;
      kernel.there.clear();
    }

    it('tells of all as fenced although a tick and a renewal came first', () => {
      stall();
      expect(told(leases.tick())).toEqual({ vips: ['a', 'b'], fenced: true });
      expect(renew(A, B)).toMatchObject([{ held: false }, { held: false }]);
      expect(told(leases.fenced())).toEqual({ vips: [], fenced: true });
    });

    it('answers lease-expired to a renewal that came first, and tells of all as fenced', () => {
      stall();
      const expired = { held: false, code: 'lease-expired', reason: expect.stringContaining('1100 ms') };
      expect(renew(A, B)).toMatchObject([expired, expired]);
      expect(told(leases.tick()).vips).toEqual([]);
      now += 150;
      expect(told(leases.fenced())).toEqual({ vips: ['a', 'b'], fenced: true });
      expect(told(leases.fenced()).vips).toEqual([]);
    });

    it('tells a notice that came first as fenced', () => {
      stall();
      expect(told(leases.takeAwayVanished('any'))).toEqual({ vips: ['a', 'b'], fenced: true });
    });

    it('tells again as fenced what was plainly lost, or released, a moment before its word', () => {
      leases.tick();
      put(A, B);
      kernel.there.clear();
      expect(told(leases.takeAwayVanished(A.standings))).toEqual({ vips: ['a'], fenced: false });
      leases.takeAway([B]);
      expect(told(leases.fenced())).toEqual({ vips: ['a', 'b'], fenced: true });
    });

    it('tells of nothing that went long before', () => {
      leases.tick();
      put(A);
      leases.takeAway([A]);
      for (let times = 0; times < 8; times++) {
        now += 900;
        leases.tick();
      }
      expect(told(leases.fenced()).vips).toEqual([]);
    });

    it('keeps nothing that it had not removed yet', () => {
      leases.tick();
      put(A, B);
      now += 1100;
      expect(renew(A)).toMatchObject([{ held: false, code: 'lease-expired' }]);
      expect(told(leases.tick())).toEqual({ vips: ['b'], fenced: true });
      expect(kernel.there.size).toBe(0);
    });
  });

  describe('when the kernel does not answer', () => {
    it('puts nothing up while it cannot see what is there', () => {
      kernel.broken.addresses = 105;
      expect(put(B)).toMatchObject([
        { held: false, code: 'failed', reason: expect.stringContaining('ENOBUFS') },
      ]);
      expect(kernel.log).toEqual([]);
    });

    it('answers failed, and held only what stands', () => {
      kernel.broken.request = 105;
      expect(put(B)).toMatchObject([{ held: false, code: 'limit' }]);
      expect(kernel.log.filter((line) => line.startsWith('announce'))).toEqual([]);
      kernel.broken.request = 0;
      put(B);
      kernel.broken.request = 105;
      expect(renew(B)).toMatchObject([{ held: true, code: 'failed' }]);
    });

    it('neither prolongs nor gives up what it cannot see', () => {
      put(B);
      kernel.broken.addresses = 105;
      expect(renew(B)).toMatchObject([{ held: true, code: 'failed' }]);
      expect(leases.takeAwayVanished('any').placed).toEqual([]);
      kernel.broken.addresses = 0;
      expect(renew(B)).toMatchObject([{ held: true, code: 'ok' }]);
    });
  });
});
