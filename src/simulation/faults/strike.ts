/** Carries out one fault, and in the end makes everything well again. */
import type { Instant, Millis } from '../../model/time.ts';
import { Guardian } from '../world/guardian.ts';
import type { Host } from '../world/host.ts';
import { Random } from '../world/random.ts';
import type { TroubleKind } from '../world/trouble.ts';
import type { WitnessTroubleKind } from '../world/witness.ts';
import type { World } from '../world/world.ts';
import type { Fault, FaultKind } from './kinds.ts';
import { reload, reloadFirst } from './reload.ts';

/** After a trouble's end a call may still hang for so long, or an acquire wait for its next attempt. */
const AFTERMATH: Millis = 31_000;

interface Scene {
  readonly world: World;
  readonly host: Host;
  readonly other: Host;
  readonly random: Random;
  readonly length: Millis;
}

type Deed = (scene: Scene) => void;

export function strike(world: World, fault: Fault): void {
  const host = world.hosts[fault.host % world.hosts.length]!;
  const other = world.hosts[fault.other % world.hosts.length]!;
  const touched = WIDE.has(fault.kind) ? world.hosts : [host, other];
  world.disturb(
    touched,
    `${fault.kind} ${host.name} ${other.name} ${fault.length > 0 ? `${fault.length} ms` : ''}`,
  );
  DEEDS[fault.kind]({ world, host, other, random: new Random(fault.seed), length: fault.length });
}

/** Kinds that concern everybody. */
const WIDE: ReadonlySet<FaultKind> = new Set([
  'split',
  'heal',
  'storm',
  'stranger',
  'drain',
  'undrain',
  'move',
  'rebalance',
  'commandInChange',
  'reload',
]);

const DEEDS: Readonly<Record<FaultKind, Deed>> = {
  crash: ({ host }) => host.agent?.die({ kernelTells: true }),
  crashBoth: ({ host }) => {
    if (host.guardian) host.guardian.alive = false;
    host.agent?.die({ kernelTells: true });
  },
  guardian: guardianDies,
  power: ({ host }) => host.powerOff(),
  start: ({ world, host, random }) => {
    if (!host.up) host.powerOn();
    host.after(random.between(50, 300), () => world.start(host));
  },
  engineDies: ({ host }) => host.agent?.group?.crash(),
  pauseProcess: (scene) => pauseAgent(scene, { main: true, engine: true }),
  pauseMain: (scene) => pauseAgent(scene, { main: true, engine: false }),
  pauseEngine: (scene) => pauseAgent(scene, { main: false, engine: true }),
  pauseHost,
  slow,
  split: ({ world, random }) => {
    const sides = world.hosts.map(() => random.integer(0, random.chance(0.3) ? 2 : 1));
    for (const a of world.hosts)
      for (const b of world.hosts) world.network.cut(a, b, sides[a.index] !== sides[b.index]);
    world.network.changed();
  },
  oneWay: ({ world, host, other }) => {
    if (host !== other) world.network.cut(host, other, true);
    world.network.changed();
  },
  pair: ({ world, host, other }) => {
    if (host === other) return;
    world.network.cut(host, other, true);
    world.network.cut(other, host, true);
    world.network.changed();
  },
  heal: ({ world }) => world.network.heal(),
  storm,
  reset: ({ world, host, other }) => {
    const a = host.agent?.group;
    const b = other.agent?.group;
    if (!a || !b || a === b) return;
    world.streams.close(a.ends.get(b.member), 'reset on the way');
    world.streams.close(b.ends.get(a.member), 'reset on the way');
  },
  halfOpen: ({ host, other, random }) => {
    const a = host.agent?.group;
    const b = other.agent?.group;
    const end = b && a?.ends.get(b.member);
    if (!end) return;
    end.swallowed = true;
    if (end.other && random.chance(0.5)) end.other.swallowed = true;
  },
  provider: providerTrouble,
  carrier: ({ world, host, length }) => {
    setCarrier(world, host, false);
    world.agenda.after(length, () => setCarrier(world, host, true));
  },
  check: ({ world, host, random, length }) => {
    const { checks } = host.config;
    if (checks.length === 0) return;
    const { name } = random.pick(checks);
    setCheck(world, host, { name, passes: false });
    world.agenda.after(length, () => setCheck(world, host, { name, passes: true }));
  },
  removeAddress: ({ world, host, random }) => {
    const addresses = [...host.addresses.keys()];
    if (addresses.length === 0) return;
    if (host.isCloud) world.cloud.unassign(random.pick(addresses), host);
    else host.remove(random.pick(addresses), 'another tool');
  },
  stranger: ({ world, random, length }) => {
    const { address } = random.pick(random.pick(world.vips).addresses);
    world.segment.strangers.add(address);
    world.troubledUntil = Math.max(world.troubledUntil, world.now + length + AFTERMATH);
    world.agenda.after(length, () => world.segment.strangers.delete(address));
  },
  drain: ({ world, host, other }) => {
    world.drained = true;
    host.agent?.command({ kind: 'drain', member: other.name });
  },
  undrain: ({ host, other }) => host.agent?.command({ kind: 'undrain', member: other.name }),
  move: ({ world, host, other, random }) =>
    host.agent?.command({ kind: 'move', vip: random.pick(world.vips).id, to: other.name }),
  commandInChange: (scene) => commandInChange(scene, scene.world.now + scene.length),
  restart: ({ world, host, random, length }) => {
    host.remembersEpoch = random.chance(0.5);
    host.agent?.die({ kernelTells: true });
    host.after(length, () => world.start(host));
  },
  rebalance: ({ host }) => host.agent?.command({ kind: 'rebalance' }),
  stop: ({ host }) => host.agent?.stop('SIGTERM'),
  reload: ({ world, host, random }) => reload(world, host, random),
  witness: witnessTrouble,
};

/** Waits until somebody's view is changing, and speaks up there. */
function commandInChange(scene: Scene, until: Instant): void {
  const { world, host, other, random } = scene;
  if (world.now > until) return;
  const state = host.agent?.group?.state ?? 'stopped';
  if (state === 'operational' || state === 'stopped')
    return world.agenda.after(1, () => commandInChange(scene, until));
  world.disturb(world.hosts, `a command while ${host.name} is in ${state}`);
  const drains = random.chance(0.3);
  if (drains) world.drained = true;
  if (drains) host.agent?.command({ kind: 'drain', member: other.name });
  else host.agent?.command({ kind: 'move', vip: random.pick(world.vips).id, to: other.name });
}

function guardianDies({ world, host, length }: Scene): void {
  const { agent, guardian } = host;
  if (!guardian || !agent) return;
  guardian.alive = false;
  host.guardian = undefined;
  agent.after(length, () => {
    if (host.guardian || host.agent !== agent) return;
    host.guardian = new Guardian(world, host);
    agent.provider.guardianStarted();
  });
}

function pauseAgent({ world, host, length }: Scene, which: { main: boolean; engine: boolean }): void {
  const { agent } = host;
  if (!agent) return;
  const { group } = agent;
  if (which.main) agent.main.stall();
  if (which.engine) group?.thread.stall();
  world.agenda.after(length, () => {
    if (which.engine) group?.thread.resume();
    if (which.main) agent.main.resume();
    world.disturb([host], `${host.name} runs again`);
  });
}

/** A paused VM, a suspended machine, or one that was just not given any time. */
const SUSPENSIONS = [
  { clocks: 'both', leasesStood: true },
  { clocks: 'monotonic', leasesStood: true },
  { clocks: 'monotonic', leasesStood: false },
  { clocks: 'none', leasesStood: false },
] as const;

function pauseHost({ world, host, random, length }: Scene): void {
  if (!host.up || host.frozen) return;
  const { clocks, leasesStood } = random.pick(SUSPENSIONS);
  host.freeze();
  world.note(host, `clocks that stand: ${clocks}; leases ${leasesStood ? 'stand' : 'go on'}`);
  world.agenda.after(length, () => {
    world.disturb([host], `${host.name} thaws`);
    host.thaw(clocks, leasesStood);
  });
}

function slow({ world, host, random, length }: Scene): void {
  const { agent } = host;
  if (!agent) return;
  const threads = [agent.main, ...(agent.group ? [agent.group.thread] : [])];
  for (const thread of threads) thread.slowness = random.pick([2, 10, 40]);
  world.agenda.after(length, () => {
    for (const thread of threads) thread.slowness = 0;
    world.disturb([host], `${host.name} is quick again`);
  });
}

function storm({ world, random, length }: Scene): void {
  world.network.weather = {
    loss: random.pick([0, 0.02, 0.1, 0.3]),
    duplicates: random.pick([0, 0.2]),
    delay: random.pick([0, 20, 200]),
    overtaking: random.pick([0, 0, 0.3]),
  };
  world.agenda.after(length, () => {
    world.network.calm();
    world.disturb(world.hosts, 'the storm is over');
  });
}

const TROUBLES: readonly TroubleKind[] = ['error', 'lost-answer', 'hang', 'slow', 'throw', 'stale'];

function providerTrouble({ world, host, random, length }: Scene): void {
  const until = world.now + length;
  host.trouble = {
    kind: random.pick(TROUBLES),
    until,
    share: random.pick([0.2, 0.6, 1]),
    releases: random.chance(0.3),
  };
  host.troubledUntil = Math.max(host.troubledUntil, until + AFTERMATH);
  world.note(host, `its provider is in trouble: ${JSON.stringify(host.trouble)}`);
}

const WITNESS_TROUBLES: readonly WitnessTroubleKind[] = ['error', 'lost-answer', 'hang', 'late'];

function witnessTrouble({ world, host, random, length }: Scene): void {
  const { witness, now } = world;
  witness.troubledUntil = Math.max(witness.troubledUntil, now + length);
  witness.strike({
    kind: random.pick(WITNESS_TROUBLES),
    until: now + length,
    hosts: random.chance(0.4) ? world.hosts : [host],
    share: random.pick([0.3, 1]),
  });
}

function setCarrier(world: World, host: Host, carrier: boolean): void {
  if (host.carrier === carrier) return;
  host.carrier = carrier;
  world.disturb([host], `${host.name} has ${carrier ? 'its' : 'no'} carrier`);
  world.network.changed();
  host.agent?.after(world.random.between(0.1, 2), () => host.agent?.provider.carrierChanged());
}

function setCheck(world: World, host: Host, { name, passes }: { name: string; passes: boolean }): void {
  if (host.failing.has(name) !== passes) return;
  if (passes) host.failing.delete(name);
  else host.failing.add(name);
  world.disturb([host], `check ${name} of ${host.name} ${passes ? 'passes' : 'fails'}`);
  host.agent?.healthChanged();
}

/** Ends all faults: everything is connected, awake, running and configured as at first. */
export function calm(world: World): void {
  world.disturb(world.hosts, 'calm');
  world.network.calm();
  world.segment.strangers.clear();
  world.witness.calm();
  for (const host of world.hosts) {
    host.trouble = undefined;
    if (host.frozen) host.thaw('none', true);
    awaken(host);
    setCarrier(world, host, true);
    for (const name of [...host.failing]) setCheck(world, host, { name, passes: true });
    reloadFirst(world, host);
  }
  world.network.heal();
  restart(world);
}

function awaken(host: Host): void {
  const { agent } = host;
  for (const thread of agent ? [agent.main, ...(agent.group ? [agent.group.thread] : [])] : []) {
    thread.slowness = 0;
    while (thread.stalled) thread.resume();
  }
}

/** Hosts without an agent get one, also those whose agent is still leaving. */
function restart(world: World): void {
  for (const host of world.hosts) if (!host.agent) world.start(host);
  world.agenda.after(500, () => restart(world));
}
