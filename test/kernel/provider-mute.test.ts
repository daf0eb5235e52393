/**
 * The local provider listens for others who announce what it holds. The neighbour's frames are made here and sent from its namespace;
 * whether it answers is whether its kernel has the address.
 */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConflictEar } from '../../providers/local/conflict-ear.ts';
import { arpAnnouncement, arpClaim, macText, neighbourAdvertisement } from '../../providers/local/packets.ts';
import type { Vip } from '../../src/model/vip.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { ipBytes, ipText } from '../../src/platform/ip-bytes.ts';
import { insideNetworkNamespace } from '../../src/platform/libc.ts';
import { openRouteRequests } from '../../src/platform/netlink.ts';
import {
  ETHERTYPE_ARP,
  type FrameReceiver,
  type FrameSender,
  openFrameReceiver,
  openFrameSender,
} from '../../src/platform/packet-socket.ts';
import type { Provider, ProviderEvent } from '../../src/provider/provider.ts';
import { until } from '../conformance/provider.ts';
import { INTERFACE, run, Stage, vip } from './provider-stage.ts';
import { NO_WORLD } from './vocabulary.ts';

const SIGNAL = new AbortController().signal;
const FOUR = vip('four', '10.77.0.101');
const OTHER = vip('other', '10.77.0.102');
const SIX = vip('six', '2001:db8:77::101');
const STRANGER = Uint8Array.of(2, 0, 0, 0, 0, 0x99);
const REFRESH = 500;

describe.skipIf(NO_WORLD !== undefined)('a host that hears others announce what it holds', () => {
  let stage: Stage;
  let provider: Provider;
  let events: ProviderEvent[];
  let sender: FrameSender;
  let farIndex: number;
  const receivers: FrameReceiver[] = [];

  beforeEach(() => {
    stage = new Stage();
    stage.begin();
    events = [];
    insideNetworkNamespace(stage.neighbourPath, () => {
      sender = openFrameSender();
      farIndex = indexOf(stage.farEnd);
    });
  });

  afterEach(async () => {
    for (const receiver of receivers.splice(0)) receiver.close();
    sender.close();
    await provider.stop();
    stage.end();
  });

  async function hold(
    vips: readonly Vip[],
    changes: Parameters<Stage['provider']>[0] = { announce_refresh_ms: REFRESH },
  ): Promise<void> {
    provider = stage.provider({ announce_repeat_ms: [], ...changes });
    await provider.start(vips, (event) => events.push(event));
    await acquire(vips);
  }

  async function acquire(vips: readonly Vip[]): Promise<void> {
    const requests = vips.map((one) => ({ vip: one, guard: { kind: 'at-once' as const } }));
    for (const outcome of await provider.acquire(requests, 1, SIGNAL))
      expect(outcome).toMatchObject({ held: true });
  }

  /** An announcement by the neighbour, or by whoever is said. */
  function announce(address: string, mac: Uint8Array = STRANGER): void {
    const binding = { mac, address: ipBytes(address) };
    const frame = address.includes(':') ? neighbourAdvertisement(binding) : arpAnnouncement(binding);
    sender.send(frame, farIndex);
  }

  async function announceFor(length: number, address: string, mac?: Uint8Array): Promise<void> {
    for (const end = monotonicNow() + length; monotonicNow() < end; await sleep(100)) announce(address, mac);
  }

  const unfit = () => events.filter((event) => event.kind === 'fitness' && !event.fit);
  const wellAgain = () => events.filter((event) => event.kind === 'fitness' && event.fit);

  it.each([
    ['IPv4', FOUR],
    ['IPv6', SIX],
  ])('%s: is mute when nobody answers it twice, and fit when that is over', async (_, one) => {
    await hold([one, OTHER]);
    const [{ address } = { address: '' }] = one.addresses;
    const from = monotonicNow();
    while (unfit().length < 2) {
      announce(address);
      await sleep(100);
      expect(monotonicNow() - from).toBeLessThan(5000);
    }
    console.log(`mute ${(monotonicNow() - from).toFixed(0)} ms after the first of announcements each 100 ms`);
    for (const event of unfit()) {
      const reason = `nobody seems to hear this host on ${INTERFACE}: 02:00:00:00:00:99 announced ${address}`;
      expect(event).toMatchObject({ reason: expect.stringContaining(reason) });
    }
    const [refused] = await provider.acquire([{ vip: OTHER, guard: { kind: 'at-once' } }], 1, SIGNAL);
    expect(refused).toMatchObject({
      code: 'link-down',
      reason: expect.stringContaining('nobody seems to hear'),
    });
    await provider.release([one, OTHER], SIGNAL);
    await announceFor(2000, address);
    expect(wellAgain(), 'while the other announces').toEqual([]);
    await until(() => wellAgain().length === 2);
    await acquire([one, OTHER]);
  });

  it('is heard again when whoever announces answers', async () => {
    await hold([FOUR]);
    await announceFor(1000, '10.77.0.101');
    await until(() => unfit().length === 1);
    await provider.release([FOUR], SIGNAL);
    stage.inNeighbour(`ip address add 10.77.0.101/32 dev ${stage.farEnd}`);
    await announceFor(2500, '10.77.0.101');
    expect(wellAgain()).toHaveLength(1);
  });

  it.each([
    ['IPv4', FOUR],
    ['IPv6', SIX],
  ])('%s: keeps it when the other answers, and says so', async (_, one) => {
    await hold([one]);
    const [{ address } = { address: '' }] = one.addresses;
    stage.inNeighbour(`ip address add ${address} dev ${stage.farEnd} ${one === SIX ? 'nodad' : ''}`);
    await announceFor(4000, address);
    expect(unfit()).toEqual([]);
    const said = events.findLast((event) => event.kind === 'trouble');
    const reason = expect.stringContaining(
      `announces ${address}, which this host holds, and answers when asked`,
    );
    expect(said).toMatchObject({ reason, confined: true });
    await until(() => events.findLast((event) => event.kind === 'trouble') !== said);
    expect(events.findLast((event) => event.kind === 'trouble')).toMatchObject({ reason: undefined });
  });

  it('keeps it where more of those who announce hear it than not', async () => {
    await hold([FOUR, OTHER]);
    await provider.release([OTHER], SIGNAL);
    stage.inNeighbour(`ip address add 10.77.0.102/32 dev ${stage.farEnd}`);
    const neighbour = Uint8Array.of(2, 0, 0, 0, 0, 0x42);
    for (const end = monotonicNow() + 3500; monotonicNow() < end; await sleep(100)) {
      announce('10.77.0.102', neighbour);
      announce('10.77.0.101');
    }
    expect(unfit()).toEqual([]);
    expect(events.findLast((event) => event.kind === 'trouble')).toMatchObject({
      reason: expect.stringContaining('does not hear this host, which others hear'),
    });
  });

  it('loses nothing by one announcement, nor by frames with its own link address', async () => {
    await hold([FOUR]);
    announce('10.77.0.101');
    await sleep(1000);
    const own = Buffer.from(
      /link\/ether (\S+)/.exec(run(`ip link show ${INTERFACE}`))![1]!.replaceAll(':', ''),
      'hex',
    );
    await announceFor(1000, '10.77.0.101', own);
    expect(unfit()).toEqual([]);
  });

  it('counts nothing that came before it had the address', async () => {
    await hold([FOUR]);
    await provider.release([FOUR], SIGNAL);
    await announceFor(600, '10.77.0.101');
    // Waits to be read while the address is put up.
    announce('10.77.0.101');
    await acquire([FOUR]);
    await sleep(300);
    announce('10.77.0.101');
    await sleep(600);
    expect(unfit()).toEqual([]);
  });

  it('answers the first silence with an announcement of its own', async () => {
    await hold([FOUR], { announce_refresh_ms: 60_000 });
    const heard = listen();
    announce('10.77.0.101');
    await until(() => heard().some(({ address }) => address === '10.77.0.101'));
  });

  it('announces 1,000 addresses evenly, each once in its time', async () => {
    const vips = Array.from({ length: 1000 }, (_, at) => vip(`v${at}`, `10.78.${at >> 8}.${at & 255}`));
    await hold(vips, { announce_refresh_ms: 3000 });
    const heard = listen();
    await sleep(100);
    heard();
    const spent = process.cpuUsage();
    const times = new Map<string, number>();
    let most = 0;
    for (const end = monotonicNow() + 3000; monotonicNow() < end; await sleep(100)) {
      const some = heard();
      most = Math.max(most, some.length);
      // Each in two forms.
      for (const { address } of some) times.set(address, (times.get(address) ?? 0) + 0.5);
    }
    const { user, system } = process.cpuUsage(spent);
    console.log(
      `1,000 addresses: ${times.size} announced in 3 s, ${most} frames in 100 ms at most, ${((user + system) / 30_000).toFixed(1)} % of a core`,
    );
    expect(times.size).toBeGreaterThan(850);
    expect(Math.max(...times.values())).toBeLessThanOrEqual(2);
    expect(most).toBeLessThan(500);
  });

  it('listens to nobody where it announces nothing again', async () => {
    await hold([FOUR], {});
    await announceFor(1500, '10.77.0.101');
    expect(unfit()).toEqual([]);
    expect(events.filter(({ kind }) => kind === 'fitness')).toEqual([]);
  });

  it('judges a new interface anew, and leaves no descriptor open', async () => {
    const before = descriptors();
    await hold([FOUR, SIX]);
    await announceFor(1000, '10.77.0.101');
    await until(() => unfit().length > 0);
    const open = descriptors();
    stage.deleteInterface();
    await until(() => unfit().some((event) => 'reason' in event && event.reason?.includes('does not exist')));
    stage.recreateInterface();
    insideNetworkNamespace(stage.neighbourPath, () => {
      farIndex = indexOf(stage.farEnd);
    });
    await until(() => wellAgain().length === 2);
    await acquire([FOUR, SIX]);
    await until(() => descriptors() === open);
    events.length = 0;
    await announceFor(1000, '10.77.0.101');
    await until(() => unfit().length > 0);
    await provider.stop();
    await until(() => descriptors() === before);
  });

  it('takes a flood in small portions, so that other work has its turn in between', async () => {
    const portions: number[] = [];
    const ear = new ConflictEar({ index: indexOf(INTERFACE) }, 4, (heard) => portions.push(heard.length));
    const flood = 300;
    for (let one = 0; one < flood; one++)
      announce('10.77.0.102', Uint8Array.of(2, 1, 0, one >> 8, one & 255, 7));
    await until(() => portions.reduce((sum, portion) => sum + portion, 0) >= flood);
    ear.close();
    expect(Math.max(...portions)).toBeLessThanOrEqual(64);
  });

  it('goes on renewing in a flood of announcements', async () => {
    await hold([FOUR, OTHER]);
    await provider.release([OTHER], SIGNAL);
    const began = monotonicNow();
    const spent = process.cpuUsage();
    let sent = 0;
    let slowest = 0;
    while (monotonicNow() - began < 3000) {
      for (let one = 0; one < 200; one++) {
        const mac = Uint8Array.of(2, 1, (sent >> 16) & 255, (sent >> 8) & 255, sent & 255, 7);
        announce('10.77.0.102', mac);
        sent += 1;
      }
      provider.tick?.();
      const asked = monotonicNow();
      const [renewed] = await provider.renew([FOUR], SIGNAL);
      slowest = Math.max(slowest, monotonicNow() - asked);
      expect(renewed).toMatchObject({ held: true });
      await sleep(5);
    }
    const { user } = process.cpuUsage(spent);
    console.log(
      `${sent} announcements; slowest renewal ${slowest.toFixed(1)} ms; ${(user / 1000).toFixed(0)} ms of processor with sending`,
    );
    expect(slowest).toBeLessThan(1000);
  });

  /** Announcements as the neighbour hears them. */
  function listen(): () => { mac: string; address: string }[] {
    const receiver = insideNetworkNamespace(stage.neighbourPath, () =>
      openFrameReceiver({ interfaceIndex: farIndex, ethertype: ETHERTYPE_ARP }),
    );
    receivers.push(receiver);
    return () => {
      const heard: { mac: string; address: string }[] = [];
      for (let frame = receiver.next(); frame !== undefined; frame = receiver.next()) {
        const claim = arpClaim(frame);
        if (claim !== undefined) heard.push({ mac: macText(claim.mac), address: ipText(claim.address) });
      }
      return heard;
    };
  }
});

function indexOf(name: string): number {
  const requests = openRouteRequests();
  const { index } = requests.links().find((link) => link.name === name)!;
  requests.close();
  return index;
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
