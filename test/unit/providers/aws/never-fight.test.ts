/**
 * Members that all reach the API and do not agree: a member of an older view gets nothing from a newer one, who lost it takes it back under a
 * newer view alone, and two that want back whatever they miss move it once each. Each guard by itself, since each covers for the others.
 * The real SDK against the make-believe EC2.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AwsMode } from '../../../../src/config/config.ts';
import type { Vip } from '../../../../src/model/vip.ts';
import { atOnce, CLUSTER, eventually, NEVER, Stage, vip } from '../../../cloud/ec2/stage.ts';

/** On a busy machine. */
vi.setConfig({ testTimeout: 120_000 });

let stage: Stage;

afterEach(async () => {
  await stage.close();
});

const VIPS: Readonly<Record<AwsMode, readonly Vip[]>> = {
  'secondary-ip': [vip('a', '10.0.0.150'), vip('b', '10.0.0.151', '10.0.0.152'), vip('six', '2001:db8::99')],
  'elastic-ip': [vip('a', '198.51.100.1'), vip('b', '198.51.100.2')],
  route: [vip('a', '172.31.0.1'), vip('b', '172.31.0.2', 'fd00::6')],
};

/** `hurried`: no wait between two looks is longer than a moment. */
async function open(
  mode: AwsMode,
  look: number,
  { hosts = 3, hurried = true }: { readonly hosts?: number; readonly hurried?: boolean } = {},
): Promise<readonly Vip[]> {
  const vips = VIPS[mode];
  const sleep = (length: number) => new Promise<void>((resolve) => setTimeout(resolve, Math.min(length, 20)));
  stage = await Stage.open({
    mode,
    hosts,
    config: { look_interval_ms: look },
    ...(hurried && { parts: { sleep } }),
  });
  const { region } = stage;
  for (const [at, { eni }] of stage.members.entries()) {
    region.tag(eni.id, { 'wackamole:cluster': CLUSTER });
    // One private address for each Elastic IP.
    if (mode === 'elastic-ip') eni.secondaries.add(`10.0.0.${200 + at}`);
  }
  if (mode === 'elastic-ip') for (const { addresses } of vips) region.addElasticIp(addresses[0]!.address);
  if (mode === 'route') region.addTable({ tags: { 'wackamole:cluster': CLUSTER } });
  await stage.start(vips);
  return vips;
}

const ask = (name: string, fence: number) =>
  stage.member(name).provider.acquire(atOnce(VIPS[stage.mode]), fence, NEVER);

/** Who got what since this was asked last. */
const moved = () =>
  stage.region.moves
    .splice(0)
    .flatMap(({ register, to }) => (to === undefined ? [] : [`${register.split(/[ /]/)[0]} to ${to}`]))
    .toSorted();
const allTo = (name: string) =>
  VIPS[stage.mode]
    .flatMap(({ addresses }) => addresses.map(({ address }) => `${address} to ${stage.member(name).eni.id}`))
    .toSorted();

const fenceOf = (name: string) =>
  stage.region.state.tags.get(stage.member(name).eni.id)?.get(`wackamole:${CLUSTER}:fence`);

/** Where it costs a call beside those that move, it comes with the look that follows them. */
async function shows(name: string, fence: number): Promise<void> {
  const isShown = () => fenceOf(name)?.startsWith(`${fence} since`) === true;
  await eventually(isShown, `the fence of ${name}`, 20_000);
}

/** Another member has everything now; what it shows, if anything, forbids nothing. */
function ledAwayTo(name: string): void {
  const { state } = stage.region;
  const { eni } = stage.member(name);
  for (const { addresses } of VIPS[stage.mode])
    for (const { address, family } of addresses) {
      for (const each of state.enis.values()) (family === 4 ? each.secondaries : each.ipv6).delete(address);
      if (stage.mode === 'secondary-ip') (family === 4 ? eni.secondaries : eni.ipv6).add(address);
      for (const { routes } of state.tables.values())
        for (const route of routes.values()) if (route.destination.startsWith(address)) route.eni = eni.id;
    }
  for (const [at, elastic] of [...state.elasticIps.values()].entries())
    elastic.association = {
      id: `eipassoc-${at}`,
      eni: eni.id,
      privateAddress: [...eni.secondaries, eni.primary][at]!,
    };
}

const lostBy = (name: string) =>
  stage
    .member(name)
    .events.flatMap((event) => (event.kind === 'lost' ? [event.vip] : []))
    .toSorted();
const ids = () => VIPS[stage.mode].map(({ id }) => id).toSorted();

describe.each(['secondary-ip', 'elastic-ip', 'route'] as const)('mode %s', (mode) => {
  it('one move for a view change, and none to members of older views, however often they ask', async () => {
    await open(mode, 60_000);
    await ask('a', 10);
    expect(moved()).toEqual(allTo('a'));
    await ask('b', 11);
    expect(moved()).toEqual(allTo('b'));
    await shows('b', 11);
    const from = stage.fake.mutations.length;
    // One that had it and does not know yet that it went, and one that never had it.
    for (const name of ['a', 'c', 'a', 'c'])
      for (const outcome of await ask(name, 10)) {
        expect(outcome).toMatchObject({ held: false, code: 'address-in-use' });
        expect(outcome.reason).toContain('shows fence 11, and ours is 10');
      }
    await stage.member('c').provider.release(VIPS[mode], NEVER);
    for (const outcome of await ask('b', 11)) expect(outcome).toMatchObject({ held: true, code: 'ok' });
    expect(stage.fake.mutations.slice(from)).toEqual([]);
    expect(moved()).toEqual([]);
  });

  it('who lost it does not take it back under the same view, whatever the other one shows', async () => {
    await open(mode, 200);
    await ask('a', 10);
    // Its own provider would tidy away what nobody asked it for.
    await stage.member('b').provider.stop();
    ledAwayTo('b');
    await eventually(() => lostBy('a').length === ids().length, 'a is told', 20_000);
    expect(lostBy('a')).toEqual(ids());
    moved();
    for (const fence of [9, 10])
      for (const outcome of await ask('a', fence)) {
        expect(outcome).toMatchObject({ held: false, code: 'address-in-use' });
        expect(outcome.reason).toContain('taken from us under fence 10');
      }
    expect(moved()).toEqual([]);
    // Another member of that view does.
    for (const outcome of await ask('c', 10)) expect(outcome).toMatchObject({ held: true, code: 'ok' });
    expect(moved()).toEqual(allTo('c'));
    for (const outcome of await ask('a', 11)) expect(outcome).toMatchObject({ held: true, code: 'ok' });
    expect(moved()).toEqual(allTo('a'));
  });

  it('what somebody deleted under us is told, and taken back under the same view when it is wanted still', async () => {
    await open(mode, 200);
    await ask('a', 10);
    const { state } = stage.region;
    const { eni, events } = stage.member('a');
    if (mode === 'secondary-ip') for (const all of [eni.secondaries, eni.ipv6]) all.clear();
    for (const { routes } of state.tables.values()) routes.clear();
    for (const elastic of state.elasticIps.values()) elastic.association = undefined;
    await eventually(() => lostBy('a').length === ids().length, 'a is told', 20_000);
    for (const event of events) if (event.kind === 'lost') expect(event.reason).toContain('is with nobody');
    moved();
    for (const outcome of await ask('a', 10)) expect(outcome).toMatchObject({ held: true, code: 'ok' });
    expect(moved()).toEqual(allTo('a'));
  });

  it('another member of the older half, which never had it, sees the fence by the time that the loss is told', async () => {
    await open(mode, 150, { hosts: 4, hurried: false });
    await ask('a', 10);
    moved();
    await ask('c', 11);
    await eventually(() => lostBy('a').length === ids().length, 'a is told', 20_000);
    for (const outcome of await ask('b', 10)) {
      expect(outcome).toMatchObject({ held: false, code: 'address-in-use' });
      expect(outcome.reason).toContain('shows fence 11, and ours is 10');
    }
    expect(moved()).toEqual(allTo('c'));
  });

  it('two halves that each want back what they miss: one move for each of their views, and then rest', async () => {
    await open(mode, 150);
    let over = false;
    const wantsBack = async (name: string, fence: number): Promise<void> => {
      const { events } = stage.member(name);
      for (let known = 0; !over; ) {
        const lost = events.slice(known).some(({ kind }) => kind === 'lost');
        known = events.length;
        if (lost) await ask(name, fence);
        else await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await ask('a', 10);
    const halves = [wantsBack('a', 10), wantsBack('b', 11)];
    await ask('b', 11);
    await eventually(() => lostBy('a').length === ids().length, 'a is told', 20_000);
    // Some looks of both.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    over = true;
    await Promise.all(halves);
    expect(moved()).toEqual([...allTo('a'), ...allTo('b')].toSorted());
    for (const outcome of await stage.member('b').provider.inspect(VIPS[mode], NEVER))
      expect(outcome).toMatchObject({ held: true, code: 'ok' });
  });
});
