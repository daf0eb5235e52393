/**
 * Members that all reach the API and do not agree: a member of an older view gets nothing from a newer one, who lost it takes it back under a
 * newer view alone, and two that want back whatever they miss move it once each. Each guard by itself, since each covers for the others.
 * The real SDK against the make-believe Compute Engine.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { fenceKey } from '../../../../providers/gcp/alias.ts';
import { fenceText } from '../../../../providers/gcp/fence.ts';
import type { GcpMode } from '../../../../src/config/config.ts';
import { CLUSTER, EXTERNAL_VIPS, Scene, SIGNAL } from '../../../cloud/gce/scene.ts';

let scene: Scene;

afterEach(async () => {
  await scene.end();
});

const LONG = 120_000;

async function open(mode: GcpMode, look: number): Promise<void> {
  scene = await Scene.open({
    mode,
    hosts: 3,
    ...(mode === 'external-ip' && { vips: EXTERNAL_VIPS.slice(0, 1) }),
    config: { look_interval_ms: look },
    parts: { sleep: (length) => new Promise((resolve) => setTimeout(resolve, Math.min(length, 20))) },
  });
}

/** Who got what since this was asked last, oldest first. */
const moved = () =>
  scene.project.moves
    .splice(0)
    .flatMap(({ address, to }) => (to === undefined ? [] : [`${address} to ${to}`]));
const allTo = (name: string) =>
  scene.vips.flatMap(({ addresses }) => addresses.map(({ address }) => `${address} to ${name}`)).toSorted();

/** The guest of that host shows it; what is written on routes and configs is there with them. */
async function shows(at: number, fence: number): Promise<void> {
  if (scene.mode !== 'alias-ip') return;
  const { guestAttributes } = scene.host(at).instance;
  await expect
    .poll(() => Object.values(guestAttributes).join(), { timeout: 10_000 })
    .toContain(` ${fence} since`);
}

/** Another member has everything now and shows no number that would forbid anything: as one whose number nobody can read. */
function ledAwayTo(at: number): void {
  const { instance } = scene.host(at);
  const old = fenceText(CLUSTER, { fence: 1, since: Date.now() });
  for (const { instance: each } of scene.hosts) {
    const [nic] = each.nics;
    const [aliases, configs] = [nic!.aliases, nic!.accessConfigs];
    if (each === instance) continue;
    instance.nics[0]!.aliases.push(...aliases.splice(0));
    instance.nics[0]!.accessConfigs.push(...configs.splice(0).map(({ natIp }) => ({ name: 'nat', natIp })));
    nic!.fingerprint = scene.project.fingerprint();
  }
  for (const [name, route] of scene.project.state.routes)
    scene.project.state.routes.set(name, {
      ...route,
      description: old,
      instance: scene.project.url(instance),
    });
  delete instance.guestAttributes[`wackamole/${fenceKey(CLUSTER)}`];
  scene.project.changed();
}

describe.each(['alias-ip', 'external-ip', 'route'] as const)('mode %s', (mode) => {
  it(
    'one move for a view change, and none to members of older views, however often they ask',
    async () => {
      await open(mode, 60_000);
      await scene.take(0, { fence: 10 });
      expect(moved().toSorted()).toEqual(allTo('vm-1'));
      await scene.take(1, { fence: 11 });
      expect(moved().toSorted()).toEqual(allTo('vm-2'));
      await shows(1, 11);
      scene.requests();
      // One that had it and does not know yet that it went, and one that never had it.
      for (const at of [0, 2, 0, 2])
        for (const outcome of (await scene.take(at, { fence: 10 })).values()) {
          expect(outcome).toMatchObject({ held: false, code: 'address-in-use' });
          expect(outcome.reason).toContain('shows fence 11, and ours is 10');
        }
      // Giving up what one has not got is nobody's loss.
      await scene.give(0);
      for (const outcome of (await scene.take(1, { fence: 11 })).values())
        expect(outcome).toMatchObject({ held: true, code: 'ok' });
      expect(scene.requests().changes).toEqual([]);
      expect(moved()).toEqual([]);
    },
    LONG,
  );

  it(
    'who lost it does not take it back under the same view, whatever the other one shows',
    async () => {
      await open(mode, 200);
      await scene.take(0, { fence: 10 });
      const { events } = scene.host(0);
      // Its own provider would tidy away what nobody asked it for.
      await scene.host(1).provider.stop();
      ledAwayTo(1);
      const lost = () => events.flatMap((event) => (event.kind === 'lost' ? [event.vip] : []));
      await expect
        .poll(() => lost().toSorted(), { timeout: 20_000 })
        .toEqual(scene.vips.map(({ id }) => id).toSorted());
      scene.requests();
      for (const fence of [9, 10])
        for (const outcome of (await scene.take(0, { fence })).values()) {
          expect(outcome).toMatchObject({ held: false, code: 'address-in-use' });
          expect(outcome.reason).toContain('was given it under fence 10');
        }
      expect(scene.requests().changes).toEqual([]);
      // Another member of that view does.
      for (const outcome of (await scene.take(2, { fence: 10 })).values())
        expect(outcome).toMatchObject({ held: true, code: 'ok' });
      for (const outcome of (await scene.take(0, { fence: 11 })).values())
        expect(outcome).toMatchObject({ held: true, code: 'ok' });
    },
    LONG,
  );

  it(
    'what somebody deleted under us is told, and taken back under the same view when it is wanted still',
    async () => {
      await open(mode, 200);
      await scene.take(0, { fence: 10 });
      const { events, instance } = scene.host(0);
      const [nic] = instance.nics;
      [nic!.aliases, nic!.accessConfigs, nic!.fingerprint] = [[], [], scene.project.fingerprint()];
      scene.project.state.routes.clear();
      scene.project.changed();
      await expect
        .poll(() => events.filter(({ kind }) => kind === 'lost').length, { timeout: 20_000 })
        .toBe(scene.vips.length);
      for (const event of events) if (event.kind === 'lost') expect(event.reason).toContain('is with nobody');
      moved();
      for (const outcome of (await scene.take(0, { fence: 10 })).values())
        expect(outcome).toMatchObject({ held: true, code: 'ok' });
      expect(moved().toSorted()).toEqual(allTo('vm-1'));
    },
    LONG,
  );

  it(
    'two halves that each want back what they miss: one move for each of their views, and then rest',
    async () => {
      await open(mode, 150);
      const giveUp = new AbortController();
      const wantsBack = async (at: number, fence: number): Promise<void> => {
        const { events } = scene.host(at);
        for (let known = 0; !giveUp.signal.aborted; ) {
          const lost = events.slice(known).some(({ kind }) => kind === 'lost');
          known = events.length;
          if (lost) await scene.take(at, { fence });
          else await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      await scene.take(0, { fence: 10 });
      const halves = [wantsBack(0, 10), wantsBack(1, 11)];
      await scene.take(1, { fence: 11 });
      const { events } = scene.host(0);
      await expect
        .poll(() => events.filter(({ kind }) => kind === 'lost').length, { timeout: 20_000 })
        .toBe(scene.vips.length);
      // Some looks of both.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      giveUp.abort();
      await Promise.all(halves);
      expect(moved().toSorted()).toEqual([...allTo('vm-1'), ...allTo('vm-2')].toSorted());
      expect(await scene.host(1).provider.inspect(scene.vips, SIGNAL)).toEqual(
        scene.vips.map(() => expect.objectContaining({ held: true, code: 'ok' })),
      );
    },
    LONG,
  );
});
