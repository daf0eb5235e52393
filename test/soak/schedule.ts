/** Which fault comes when, from a seed: pure, so that a seed can be read before it is played. */
import type { Random } from './random.ts';

/** Where a fault happens: to the processes of one host, to its cable, to the switch between hosts, or to nobody (operators, noise). */
export type FaultPlace = 'process' | 'cable' | 'fabric' | 'light';

interface FaultTraits {
  readonly place: FaultPlace;
  readonly weight: number;
  /** Two letters for the picture. */
  readonly mark: string;
  /** For people; `%`: the host. */
  readonly what: string;
}

export const FAULTS = {
  'kill agent': { place: 'process', weight: 3, mark: 'Ka', what: 'kill -9 the agent on %' },
  'kill guardian': { place: 'process', weight: 2, mark: 'Kg', what: 'kill -9 the guardian on %' },
  'kill both': { place: 'process', weight: 2, mark: 'Kb', what: 'kill -9 agent and guardian on %' },
  'freeze agent': { place: 'process', weight: 2, mark: 'Fa', what: 'freeze the agent on %' },
  'freeze guardian': { place: 'process', weight: 1, mark: 'Fg', what: 'freeze the guardian on %' },
  'freeze both': { place: 'process', weight: 2, mark: 'Fb', what: 'freeze agent and guardian on %' },
  stop: { place: 'process', weight: 2, mark: 'St', what: 'stop the agent on % politely' },
  'power loss': { place: 'process', weight: 2, mark: 'Pw', what: 'the power of % fails' },
  'pull cable': { place: 'cable', weight: 3, mark: 'Ca', what: 'pull the cable of %' },
  'isolate port': { place: 'fabric', weight: 2, mark: 'Is', what: 'isolate the port of %' },
  'one-way loss': { place: 'fabric', weight: 2, mark: 'Ow', what: 'lose frames from % in one direction' },
  partition: { place: 'fabric', weight: 3, mark: 'Pa', what: 'split the network: % apart' },
  drain: { place: 'light', weight: 2, mark: 'Dr', what: 'drain %' },
  move: { place: 'light', weight: 2, mark: 'Mv', what: 'move a VIP to %' },
  rebalance: { place: 'light', weight: 1, mark: 'Rb', what: 'rebalance' },
  reload: { place: 'light', weight: 1, mark: 'Re', what: 'reload the configuration of %' },
  noise: { place: 'light', weight: 1, mark: 'No', what: 'noise without the key at every agent' },
} as const satisfies Readonly<Record<string, FaultTraits>>;

export type FaultKind = keyof typeof FAULTS;

export interface PlannedFault {
  readonly kind: FaultKind;
  readonly hosts: readonly string[];
  /** After the episode's beginning, ms. */
  readonly after: number;
  /** How long it lasts, ms. */
  readonly length: number;
}

/** One or two faults that overlap, then peace. */
export interface Episode {
  readonly faults: readonly PlannedFault[];
  /** After the last was mended, ms; then everything has to be calm. */
  readonly peace: number;
}

export interface ScheduleOptions {
  readonly hosts: readonly string[];
  /** Its processes are never touched, so that it lives through the whole soak. */
  readonly spared: string;
}

const LENGTH_MIN = 600;
const LENGTH_MAX = 14_000;
const TOGETHER = 0.4;

/** The next episode; `kinds` may leave out what this machine cannot do. */
export function nextEpisode(random: Random, options: ScheduleOptions, kinds: readonly FaultKind[]): Episode {
  const first = planned(random, kinds, options);
  const faults = [first];
  if (random.next() < TOGETHER) {
    const second = compatible(kinds, first.kind);
    const others = options.hosts.filter((host) => !first.hosts.includes(host));
    faults.push(planned(random, second, { ...options, hosts: others }));
  }
  return { faults, peace: random.between(500, 6000) };
}

/** A second fault of the switch would mend the first one. Whoever is spared must be reachable then. */
function compatible(kinds: readonly FaultKind[], first: FaultKind): FaultKind[] {
  const taken = FAULTS[first].place;
  return kinds.filter((kind) => {
    const { place } = FAULTS[kind];
    return place !== 'fabric' && place !== taken && !(taken === 'fabric' && place === 'cable');
  });
}

function planned(
  random: Random,
  kinds: readonly FaultKind[],
  { hosts, spared }: ScheduleOptions,
): PlannedFault {
  const { kind } = random.weighted(kinds.map((each) => ({ kind: each, weight: FAULTS[each].weight })));
  const candidates = hosts.filter((host) => host !== spared);
  // Short ones and long ones alike: the logarithm is even.
  const length = Math.exp(random.between(Math.log(LENGTH_MIN), Math.log(LENGTH_MAX)));
  const after = random.between(0, 2000);
  if (kind === 'rebalance' || kind === 'noise') return { kind, hosts: [], after, length };
  if (kind !== 'partition') return { kind, hosts: [random.pick(candidates)], after, length };
  const many = Math.max(1, Math.floor(random.between(1, (hosts.length + 1) / 2)));
  const apart = shuffled(random, candidates).slice(0, many).sort();
  return { kind, hosts: apart, after, length };
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

export function describe({ kind, hosts }: Pick<PlannedFault, 'kind' | 'hosts'>): string {
  return FAULTS[kind].what.replace('%', hosts.join(' '));
}
