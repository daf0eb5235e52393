/** The local provider and its link: what neighbours hear, what it asks them, and interfaces that come and go. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { arpClaim, macText, neighbourClaim } from '../../providers/local/packets.ts';
import { leasedAddress, placementsOf } from '../../providers/local/placement.ts';
import type { Vip } from '../../src/model/vip.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { ipText } from '../../src/platform/ip-bytes.ts';
import { insideNetworkNamespace } from '../../src/platform/libc.ts';
import { openRouteRequests } from '../../src/platform/netlink.ts';
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  type FrameReceiver,
  openFrameReceiver,
  openFrameSender,
} from '../../src/platform/packet-socket.ts';
import type { Provider, ProviderEvent } from '../../src/provider/provider.ts';
import { until } from '../conformance/provider.ts';
import { CLUSTER, INTERFACE, QUICK, run, Stage, vip } from './provider-stage.ts';

const SIGNAL = new AbortController().signal;
const FOUR = vip('four', '10.77.0.101');
const SIX = vip('six', '2001:db8:77::101');

let stage: Stage;
let provider: Provider | undefined;
let events: ProviderEvent[];
const receivers: FrameReceiver[] = [];

beforeEach(() => {
  stage = new Stage();
  stage.begin();
  events = [];
});

afterEach(async () => {
  for (const receiver of receivers.splice(0)) receiver.close();
  await provider?.stop();
  provider = undefined;
  stage.end();
});

async function start(
  vips: readonly Vip[],
  changes: Parameters<Stage['provider']>[0] = {},
): Promise<Provider> {
  provider = stage.provider(changes);
  await provider.start(vips, (event) => events.push(event));
  return provider;
}

function atOnce(vips: readonly Vip[]) {
  return vips.map((one) => ({ vip: one, guard: { kind: 'at-once' as const } }));
}

function whenSilent(vips: readonly Vip[], within: number) {
  return vips.map((one) => ({
    vip: one,
    guard: { kind: 'when-silent' as const, until: monotonicNow() + within },
  }));
}

/** Frames of one ethertype as the neighbour hears them. */
function listen(ethertype: number): () => Buffer[] {
  const receiver = insideNetworkNamespace(stage.neighbourPath, () => {
    const requests = openRouteRequests();
    const index = requests.links().find(({ name }) => name === stage.farEnd)!.index;
    requests.close();
    return openFrameReceiver({ interfaceIndex: index, ethertype });
  });
  receivers.push(receiver);
  return () => {
    const frames: Buffer[] = [];
    for (let frame = receiver.next(); frame !== undefined; frame = receiver.next()) frames.push(frame);
    return frames;
  };
}

const ownMac = () => /link\/ether (\S+)/.exec(run(`ip link show ${INTERFACE}`))?.[1];

describe('an address that is put up', () => {
  const NET = vip('net', '2001:db8:78::1/64');

  it('carries our mark, a lease, and is no source of the host’s own connections', async () => {
    const vips = [FOUR, SIX];
    const local = await start(vips);
    await local.acquire(atOnce(vips), 1, SIGNAL);
    const requests = openRouteRequests();
    const stands = (address: string) => requests.addresses().find((one) => one.address === address);
    const leased = { origin: 0x57, validSeconds: 3, preferredSeconds: 0 };
    expect(stands('10.77.0.101')).toMatchObject({ ...leased, label: expect.stringMatching(/^vip0:w~..$/) });
    expect(stands('2001:db8:77::101')).toMatchObject(leased);
    requests.close();
    expect(run(`ip -o address show dev ${INTERFACE}`).match(/deprecated/g)).toHaveLength(2);
  });

  it('serves at once also in IPv6, and puts no lifetime on the route of its subnet', async () => {
    const local = await start([NET]);
    await local.acquire(atOnce([NET]), 1, SIGNAL);
    expect(run(`ip -o -6 address show dev ${INTERFACE}`)).toMatch(/2001:db8:78::1\/64(?!.*tentative)/);
    expect(run(`ip -6 route show dev ${INTERFACE}`)).not.toContain('2001:db8:78::/64');
  });
});

describe('announcements', () => {
  it('reach the neighbour at once in both ARP forms, again on schedule, and end with the release', async () => {
    const vips = [FOUR];
    const local = await start(vips, { announce_repeat_ms: [50, 100, 400] });
    const arp = listen(ETHERTYPE_ARP);
    const heard: Buffer[] = [];
    const announcements = () => {
      heard.push(...arp());
      return heard.filter((frame) => ipText(arpClaim(frame)?.address ?? new Uint8Array(4)) === '10.77.0.101');
    };
    await local.acquire(atOnce(vips), 1, SIGNAL);
    await until(() => announcements().length >= 2);
    expect(
      announcements()
        .map((frame) => frame.readUInt16BE(20))
        .slice(0, 2),
    ).toEqual([1, 2]);
    expect(new Set(announcements().map((frame) => macText(arpClaim(frame)!.mac)))).toEqual(
      new Set([ownMac()]),
    );
    await until(() => announcements().length === 6);
    await local.release(vips, SIGNAL);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(arp()).toEqual([]);
  });

  it('that the kernel refuses, or that have no interface, are no reason to throw', () => {
    const sender = openFrameSender();
    const requests = openRouteRequests();
    const index = requests.links().find(({ name }) => name === INTERFACE)!.index;
    requests.close();
    // Longer than the interface carries (EMSGSIZE), and an interface that never was (ENXIO).
    expect(sender.send(Buffer.alloc(5000), index)).toBe('down');
    expect(sender.send(Buffer.alloc(60), 999_999)).toBe('down');
    expect(sender.send(Buffer.alloc(60, 0xff), index)).toBe('sent');
    sender.close();
  });

  it('are unsolicited advertisements for IPv6, and the neighbour takes them', async () => {
    const vips = [SIX];
    stage.inNeighbour(
      `ip -6 neighbour replace 2001:db8:77::101 lladdr 02:00:00:00:00:99 dev ${stage.farEnd} nud stale`,
    );
    const local = await start(vips);
    const frames = listen(ETHERTYPE_IPV6);
    await local.acquire(atOnce(vips), 1, SIGNAL);
    const isIt = (frame: Buffer) =>
      ipText(neighbourClaim(frame)?.address ?? new Uint8Array(16)) === SIX.addresses[0]?.address;
    await until(() => frames().some(isIt));
    // The kernel there checks the checksum before it believes anything.
    await until(() => stage.inNeighbour('ip -6 neighbour show 2001:db8:77::101').includes(ownMac()!));
  });
});

describe('the silence probe', () => {
  it('waits until the lease of another host has run out, and takes over within a few probes', async () => {
    const vips = [FOUR];
    stage.inNeighbour(`ip address add 10.77.0.101/32 dev ${stage.farEnd} valid_lft 2 preferred_lft 0`);
    const local = await start(vips);
    const [outcome] = await local.acquire(whenSilent(vips, 10_000), 1, SIGNAL);
    expect(outcome).toMatchObject({ held: true, code: 'ok' });
    expect(stage.inNeighbour(`ip address show dev ${stage.farEnd}`)).not.toContain('10.77.0.101');
  });

  it('names the MAC of the one who answers', async () => {
    const vips = [FOUR, SIX];
    stage.inNeighbour(
      `ip address add 10.77.0.101/32 dev ${stage.farEnd}; ip address add 2001:db8:77::101/128 dev ${stage.farEnd} nodad`,
    );
    const mac = stage.inNeighbour(`cat /sys/class/net/${stage.farEnd}/address`).trim();
    const local = await start(vips);
    for (const outcome of await local.acquire(whenSilent(vips, 60), 1, SIGNAL)) {
      expect(outcome).toMatchObject({ held: false, code: 'address-in-use' });
      expect(outcome.reason).toContain(mac);
    }
    expect(stage.addresses()).toEqual([]);
  });

  it('asks before every acquire where that is configured', async () => {
    stage.inNeighbour(`ip address add 10.77.0.101/32 dev ${stage.farEnd}`);
    const local = await start([FOUR, SIX], { probe_always: true });
    const outcomes = await local.acquire(atOnce([FOUR, SIX]), 1, SIGNAL);
    expect(outcomes.map(({ code }) => code)).toEqual(['address-in-use', 'ok']);
  });

  it('answers that the interface is missing when it goes while it is asked', async () => {
    const vips = [FOUR, SIX];
    stage.inNeighbour(
      `ip address add 10.77.0.101/32 dev ${stage.farEnd}; ip address add 2001:db8:77::101/128 dev ${stage.farEnd} nodad`,
    );
    const local = await start(vips);
    const asking = local.acquire(whenSilent(vips, 400), 1, SIGNAL);
    stage.deleteInterface();
    const missing = { held: false, code: 'interface-missing' };
    expect(await asking).toMatchObject([missing, missing]);
  });

  it('puts nothing up when it is given up in its last round', async () => {
    const local = await start([FOUR], { silence_probes: 1, silence_probe_interval_ms: 500 });
    const aborting = new AbortController();
    const asking = local.acquire(whenSilent([FOUR], 10_000), 1, aborting.signal);
    aborting.abort();
    expect(await asking).toMatchObject([{ held: false, code: 'aborted' }]);
    expect(stage.addresses()).toEqual([]);
  });

  it('leaves the neighbours as they were', async () => {
    stage.inNeighbour(`ip address add 10.77.0.101/32 dev ${stage.farEnd}; ip neighbour flush all`);
    const local = await start([FOUR]);
    await local.acquire(whenSilent([FOUR], 60), 1, SIGNAL);
    expect(stage.inNeighbour('ip -4 neighbour show')).toBe('');
  });

  it('asks for 1,000 at once', async () => {
    const vips = Array.from({ length: 1000 }, (_, at) => vip(`v${at}`, `10.78.${at >> 8}.${at & 255}`));
    const local = await start(vips);
    const began = monotonicNow();
    const outcomes = await local.acquire(whenSilent(vips, 10_000), 1, SIGNAL);
    const took = monotonicNow() - began;
    expect(outcomes.every(({ held }) => held)).toBe(true);
    expect(stage.addresses()).toHaveLength(1000);
    console.log(`1,000 VIPs asked for, acquired and announced in ${took.toFixed(1)} ms`);
    const again = monotonicNow();
    await local.release(vips, SIGNAL);
    console.log(`1,000 VIPs released in ${(monotonicNow() - again).toFixed(1)} ms`);
    const direct = monotonicNow();
    await local.acquire(atOnce(vips), 1, SIGNAL);
    console.log(`1,000 VIPs acquired and announced in ${(monotonicNow() - direct).toFixed(1)} ms`);
    expect(took).toBeLessThan(5000);
  });
});

describe('an interface', () => {
  it('that is deleted loses its VIPs and is unfit; re-created it carries them again', async () => {
    const vips = [FOUR, SIX];
    const local = await start(vips);
    await local.acquire(atOnce(vips), 1, SIGNAL);
    stage.deleteInterface();
    await until(() => events.filter(({ kind }) => kind === 'lost').length === 2);
    await until(() => events.filter((event) => event.kind === 'fitness' && !event.fit).length >= 2);
    expect(await local.acquire(atOnce([FOUR]), 1, SIGNAL)).toMatchObject([
      { held: false, code: 'interface-missing' },
    ]);
    stage.recreateInterface();
    await until(() => events.filter((event) => event.kind === 'fitness' && event.fit).length === 2);
    expect(await local.acquire(atOnce(vips), 1, SIGNAL)).toMatchObject([{ held: true }, { held: true }]);
    expect(stage.addresses()).toEqual(['10.77.0.101/32', '2001:db8:77::101/128']);
  });

  it('whose carrier is gone counts only after it has been back for a while', async () => {
    const local = await start([FOUR], { carrier_hold_ms: 300, announce_repeat_ms: [] });
    await local.acquire(atOnce([FOUR]), 1, SIGNAL);
    const pulled = monotonicNow();
    stage.setCarrier(false);
    await until(() => events.some((event) => event.kind === 'fitness' && !event.fit));
    console.log(
      `carrier loss told ${(monotonicNow() - pulled).toFixed(1)} ms after the far end was taken down`,
    );
    expect(events.at(-1)).toMatchObject({ reason: expect.stringContaining('carrier') as string });
    const plugged = monotonicNow();
    stage.setCarrier(true);
    const heard = listen(ETHERTYPE_ARP);
    await until(() => events.some((event) => event.kind === 'fitness' && event.fit));
    expect(monotonicNow() - plugged).toBeGreaterThanOrEqual(290);
    // It may be another switch now, and the neighbours may have forgotten.
    const isIt = (frame: Buffer) => ipText(arpClaim(frame)?.address ?? new Uint8Array(4)) === '10.77.0.101';
    await until(() => heard().some(isIt));
  });

  it('that does not exist makes its VIP unfit at start, and no other', async () => {
    const elsewhere: Vip = { ...SIX, addresses: [{ ...SIX.addresses[0]!, interface: 'nowhere0' }] };
    const local = await start([FOUR, elsewhere]);
    expect(events).toMatchObject([{ kind: 'fitness', vip: 'six', fit: false }]);
    expect(events[0]).toMatchObject({ reason: expect.stringContaining('nowhere0') as string });
    expect(await local.acquire(atOnce([FOUR, elsewhere]), 1, SIGNAL)).toMatchObject([
      { held: true, code: 'ok' },
      { held: false, code: 'interface-missing' },
    ]);
  });
});

describe('what others left or did', () => {
  it('is swept at start when its cluster’s agent put it up or it is configured, and nothing else is', async () => {
    const mark = (cluster: string) =>
      leasedAddress({ ...placementsOf(FOUR, QUICK)[0]!, interfaceIndex: 1 }, { leaseSeconds: 3, cluster })
        .label;
    run(`ip address add 10.77.0.150/32 dev ${INTERFACE} label ${mark(CLUSTER)}`);
    run(`ip address add 10.77.0.151/32 dev ${INTERFACE} label ${mark('another')}`);
    run(`ip address add 10.77.0.101/24 dev ${INTERFACE}; ip address add 10.77.0.160/32 dev ${INTERFACE}`);
    await start([FOUR]);
    expect(stage.addresses()).toEqual(['10.77.0.151/32', '10.77.0.160/32']);
  });

  it('is said by inspect', async () => {
    const local = await start([FOUR]);
    run(`ip address add 10.77.0.101/32 dev ${INTERFACE}`);
    const [outcome] = await local.inspect([FOUR], SIGNAL);
    expect(outcome).toMatchObject({ held: true });
    expect(outcome?.reason).toContain('another tool');
    await local.release([FOUR], SIGNAL);
    expect(stage.addresses()).toEqual([]);
  });

  it('is not put back by a renewal that comes before the news of it', async () => {
    const local = await start([FOUR, SIX]);
    await local.acquire(atOnce([FOUR, SIX]), 1, SIGNAL);
    run(`ip address delete 10.77.0.101/32 dev ${INTERFACE}`);
    expect(events).toEqual([]);
    expect(await local.renew([FOUR, SIX], SIGNAL)).toMatchObject([
      { held: false, code: 'lost' },
      { held: true, code: 'ok' },
    ]);
    expect(stage.addresses()).toEqual(['2001:db8:77::101/128']);
  });

  it('takes a VIP under another prefix length along when it is acquired', async () => {
    const local = await start([FOUR]);
    run(`ip address add 10.77.0.101/24 dev ${INTERFACE}`);
    await local.acquire(atOnce([FOUR]), 1, SIGNAL);
    expect(stage.addresses()).toEqual(['10.77.0.101/32']);
  });

  it('does not include the subnet of a VIP that ends', async () => {
    const vips = [vip('first', '10.79.0.1/24'), vip('second', '10.79.0.2/24')];
    const local = await start(vips);
    await local.acquire(atOnce(vips), 1, SIGNAL);
    await local.release(vips.slice(0, 1), SIGNAL);
    expect(stage.addresses()).toEqual(['10.79.0.2/24']);
  });
});

describe('the rehearsal', () => {
  it('names a stranger, a missing interface and settings that would surprise', async () => {
    stage.inNeighbour(`ip address add 10.77.0.101/32 dev ${stage.farEnd}`);
    run('sysctl -qw net.ipv4.conf.all.arp_ignore=8');
    const elsewhere: Vip = { ...SIX, addresses: [{ ...SIX.addresses[0]!, interface: 'nowhere0' }] };
    const checks = await stage.provider().test([FOUR, elsewhere], SIGNAL);
    run('sysctl -qw net.ipv4.conf.all.arp_ignore=0');
    const worst = checks
      .filter(({ verdict }) => verdict !== 'pass')
      .map(({ what, verdict }) => `${what}: ${verdict}`);
    expect(worst).toEqual(
      expect.arrayContaining([
        'address on the link: warn',
        'interface nowhere0: fail',
        `arp_ignore of ${INTERFACE}: fail`,
      ]),
    );
    expect(stage.addresses()).toEqual([]);
  });
});
