/** Everything one simulation is made of, drawn from its seed: sizes, the network, and which faults at which rate. */
import type { ProfileName } from '../config/config.ts';
import type { Millis } from '../model/time.ts';
import type { PartitionPolicy } from '../model/vip.ts';
import type { Acts, FaultKind, FaultRates } from './faults/kinds.ts';
import { swarm } from './faults/kinds.ts';
import { Random } from './world/random.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly members: number;
  readonly vips: number;
  readonly policy: PartitionPolicy | 'mixed';
  readonly profile: ProfileName;
  /** Frames and heartbeats pass through the codec. */
  readonly encoded: boolean;
  /** What is asked and answered while the network is calm takes no time: ten times quicker to simulate, and nothing strikes in between. */
  readonly swift: boolean;
  /** One-way delay of the group's network. */
  readonly delay: Range;
  /** One-way delay on the link that carries the VIPs. */
  readonly linkDelay: Range;
  /** VIPs and group share one interface. */
  readonly oneNic: boolean;
  /** Most by which a host's clock runs wrong, as a share. */
  readonly drift: number;
  /** Share of the runs of agents that are of the next release: it speaks the next wire version too, and says more than we know. */
  readonly newer: number;
  /** Share of the runs of agents that are of the last release, which knows of no health checks. */
  readonly older: number;
  /** Hosts whose VIPs a cloud carries. */
  readonly clouds: 'none' | 'some' | 'all';
  /** How long faults happen, and the mean time between two of them. */
  readonly length: Millis;
  readonly pace: Millis;
  /** Absent: faults all the time. */
  readonly acts?: Acts;
  readonly rates: FaultRates;
  /** A vote outside the group, for half of an even number of members. */
  readonly witness: boolean;
  /** Hosts are in zones and have tags, and some VIPs are for some of them only. */
  readonly placed: boolean;
}

export interface Range {
  readonly min: Millis;
  readonly max: Millis;
}

/** What is not drawn but given. */
export interface Wishes {
  readonly members?: number;
  readonly vips?: number;
  readonly policy?: PartitionPolicy | 'mixed';
  readonly profile?: ProfileName;
  /** These kinds of faults, and those that mend; a random part of all kinds where absent. */
  readonly faults?: readonly FaultKind[];
  /** Mean time between two of them. */
  readonly pace?: Millis;
  readonly clouds?: 'none' | 'some' | 'all';
  readonly witness?: boolean;
  readonly placed?: boolean;
}

/** Members times VIPs beyond which a run is kept short. */
const LARGE = 1_500;

export function drawOptions(seed: number, wishes: Wishes = {}): SimulationOptions {
  const random = new Random(seed * 2 + 1);
  const witness = wishes.witness ?? seed % 11 === 8;
  const drawnMembers = wishes.members ?? drawMembers(random);
  const members = wishes.members ?? (witness ? (seed % 3 === 0 ? 4 : 2) : drawnMembers);
  const vips = wishes.vips ?? drawVips(random, members);
  const profile = wishes.profile ?? random.pick(['lan', 'lan', 'lan', 'fast', 'wan'] as const);
  const clouds = wishes.clouds ?? drawClouds(seed);
  const drawn = random.pick(['component', 'component', 'primary', 'mixed'] as const);
  // As is the default where a cloud may carry a VIP: parts that all reach one register would pull at it for ever.
  const policy = wishes.policy ?? (clouds === 'none' && !witness ? drawn : 'primary');
  return {
    seed,
    members,
    vips,
    policy,
    profile,
    encoded: seed % 5 === 0,
    swift: seed % 3 !== 0,
    delay:
      profile === 'wan' ? { min: 2, max: random.pick([10, 60]) } : { min: 0.05, max: random.pick([0.3, 1]) },
    linkDelay: { min: 0.05, max: 0.3 },
    oneNic: random.chance(0.5),
    drift: random.pick([0, 1e-4, 2e-3]),
    newer: random.pick([0, 0, 0.5]),
    older: seed % 8 === 0 ? 0.2 : 0,
    ...drawTimes(random, { profile, large: members * vips > LARGE || members > 12 }),
    clouds,
    rates: ratesOf(random, wishes, witness),
    witness,
    placed: wishes.placed ?? (seed % 13 === 2 || seed % 13 === 8),
    ...(wishes.pace !== undefined && { pace: wishes.pace }),
  };
}

/** Nothing befalls a witness that is not there. */
function ratesOf(random: Random, { faults }: Wishes, witness: boolean): FaultRates {
  const rates = swarm(random, faults);
  return witness ? rates : { ...rates, witness: { ...rates.witness, weight: 0 } };
}

function drawClouds(seed: number): 'none' | 'some' | 'all' {
  if (seed % 9 === 7) return 'some';
  return seed % 27 === 4 ? 'all' : 'none';
}

function drawMembers(random: Random): number {
  const size = random.next();
  if (size < 0.006) return random.integer(13, 50);
  return size < 0.1 ? random.integer(8, 12) : random.integer(2, 7);
}

function drawVips(random: Random, members: number): number {
  const many = random.chance(0.03);
  if (random.chance(0.001)) return 500;
  return many ? random.integer(25, Math.min(500, Math.floor(5_000 / members))) : random.integer(1, 24);
}

/** Half of the runs are one short storm; the others have acts, and lulls in which what must come in time is looked for. */
function drawTimes(
  random: Random,
  { profile, large }: { readonly profile: ProfileName; readonly large: boolean },
): Pick<SimulationOptions, 'length' | 'pace' | 'acts'> {
  const slower = profile === 'wan' ? 3 : 1;
  const pace = slower * random.pick([150, 600, 2_000, 6_000]);
  if (large) return { length: 8_000 * slower, pace };
  if (random.chance(0.5)) return { length: slower * random.between(8_000, 40_000), pace };
  const acts = {
    length: slower * random.between(500, 8_000),
    lull: [9_500 * slower, 30_000 * slower],
  } as const;
  return { length: slower * random.between(60_000, 180_000), pace, acts };
}
