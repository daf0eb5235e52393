/**
 * Mistakes somebody could make in the core, as text patches: each turns a rule of it off. A simulator that does not notice one
 * is blind there, so each must be caught (`hunt.ts`). `find` stands exactly once in its file.
 */
import type { Wishes } from '../../../src/simulation/options.ts';
import type { Mutation } from './mutation.ts';
import { MUTATIONS_OF_THE_OPERATOR } from './operator.ts';
import { MUTATIONS_OF_PLACES_AND_VOTES } from './places-and-votes.ts';

const SMALL: Wishes = { members: 3, vips: 6 };
const PAIR: Wishes = { members: 2, vips: 4 };
const AGENT = 'src/agent';
const ENGINE = 'src/membership';
const WORLD = 'src/simulation/world';

export const MUTATIONS: readonly Mutation[] = [
  ...MUTATIONS_OF_PLACES_AND_VOTES,
  ...MUTATIONS_OF_THE_OPERATOR,
  // --- the agent: who may hold what ---
  {
    name: 'a handoff does not wait for the release',
    file: `${AGENT}/reconcile.ts`,
    find: 'if (row.holders.some((member) => member !== input.self)) return;',
    replace: '',
    wishes: { ...SMALL, pace: 300, faults: ['move', 'rebalance', 'drain', 'provider'] },
  },
  {
    name: 'acquires without asking the link',
    file: `${AGENT}/reconcile.ts`,
    find: 'plan.acquires.push({ vip, guard });',
    replace: "plan.acquires.push({ vip, guard: { kind: 'at-once' } }); void guard;",
    wishes: SMALL,
  },
  {
    name: 'says released before it is',
    file: `${AGENT}/reconcile.ts`,
    find: "if (holding !== undefined && (holding.state !== 'idle' || holding.disowned)) return;",
    replace: 'if (holding?.disowned) return;',
    wishes: SMALL,
  },
  {
    name: 'keeps what was allocated to another',
    file: `${AGENT}/reconcile.ts`,
    find: 'letGo(holding, { reason: target, plan, input });',
    replace: '',
    wishes: SMALL,
  },
  {
    name: 'forgets its own lateness',
    file: `${AGENT}/agent.ts`,
    find: 'if (event.lateness < this.#config.agent.stall_bound_ms) return this.#doubts.parted(now);',
    replace: 'return this.#doubts.parted(now);',
    wishes: SMALL,
  },
  {
    name: 'renews though it is detached',
    file: `${AGENT}/agent.ts`,
    find: 'return this.#lifecycle.detached ?? this.#lifecycle.suspended ??',
    replace: 'return this.#lifecycle.suspended ??',
    wishes: SMALL,
  },
  {
    name: 'keeps holding though outranked',
    file: `${AGENT}/agent.ts`,
    find: 'this.#lifecycle.suspended ?? this.#portrait.outrankedBecause;',
    replace: 'this.#lifecycle.suspended;',
    wishes: { members: 5, vips: 4, pace: 600, faults: ['pair', 'oneWay', 'split'] },
  },
  {
    name: 'ignores drain',
    file: `${AGENT}/seat.ts`,
    find: "if (seat.standing.draining) return 'draining';",
    replace: '',
    wishes: SMALL,
  },
  {
    name: 'does not wait for all reports',
    file: `${AGENT}/barrier.ts`,
    find: 'return this.missing().length === 0;',
    replace: 'return this.missing().length <= 1;',
    wishes: SMALL,
  },
  {
    name: 'reports by what it remembers, not by what it holds',
    file: `${AGENT}/self-portrait.ts`,
    find: 'held: sortedIds(certain),',
    replace: 'held: [],',
    wishes: SMALL,
  },
  {
    name: 'forgets what it may have besides',
    file: `${AGENT}/self-portrait.ts`,
    find: 'claims: sortedIds(new Set([...holdings.uncertain(), ...this.#renamed(holdings), ...going])),',
    replace: 'claims: [],',
    wishes: { ...SMALL, pace: 150, faults: ['move', 'drain', 'reset', 'provider', 'stop'] },
    rare: true,
  },
  {
    name: 'never tries again what failed',
    file: `${AGENT}/holdings.ts`,
    find: 'holding.retryAt = now + Math.min(doubled, settings.retry_max_ms);',
    replace: 'holding.retryAt = now + 1e9 * Math.min(doubled, settings.retry_max_ms);',
    wishes: { members: 1, vips: 3 },
  },
  {
    name: 'takes an aborted acquire for undone',
    file: `${AGENT}/outcomes.ts`,
    find: '} else if (held) {',
    replace: "} else if (held && code !== 'aborted') {",
    wishes: { ...SMALL, pace: 300, faults: ['move', 'drain', 'provider'] },
  },
  {
    name: 'takes a failed release for done',
    file: `${AGENT}/outcomes.ts`,
    find: 'holding.releaseAgainAt = now + RELEASE_AGAIN;',
    replace: "holdings.set(holding, 'idle', now);",
    wishes: { ...SMALL, pace: 300, faults: ['move', 'drain', 'provider'] },
    rare: true,
  },
  {
    name: 'half of the votes are enough',
    file: 'src/allocation/quorum.ts',
    find: 'const primary = votes * 2 > expected;',
    replace: 'const primary = votes * 2 >= expected;',
    wishes: { members: 2, vips: 4, policy: 'primary' },
  },
  {
    name: 'any part of the cluster is primary',
    file: 'src/allocation/quorum.ts',
    find: 'const primary = votes * 2 > expected;',
    replace: 'const primary = votes > 0;',
    wishes: { members: 3, vips: 4, policy: 'primary' },
  },
  {
    name: 'orders by a rule that is not the same everywhere',
    file: 'src/allocation/allocate.ts',
    find: 'if (vip.constraints?.spread === undefined) return a.rank < b.rank;',
    replace:
      'const turn = globalThis as { turn?: number }; turn.turn = (turn.turn ?? 0) + 1; if (vip.constraints?.spread === undefined) return turn.turn % 3 === 0;',
    wishes: SMALL,
  },
  {
    name: 'allocates by order of arrival',
    file: 'src/allocation/allocate.ts',
    find: 'this.#seats = new Seats(input.candidates);',
    replace:
      'const turn = globalThis as { turn?: number }; turn.turn = (turn.turn ?? 0) + 1; const from = turn.turn % input.candidates.length; this.#seats = new Seats([...input.candidates.slice(from), ...input.candidates.slice(0, from)]); if (turn.turn % 2 === 0) for (const [at, seat] of this.#seats.all.entries()) Object.assign(seat, { rank: -at });',
    wishes: SMALL,
  },
  // --- the engine: views and order ---
  {
    name: 'uses an epoch again',
    file: `${ENGINE}/change.ts`,
    find: 'const attempt = { epoch: core.highest + 1, proposer: core.self };',
    replace: 'const attempt = { epoch: core.view.epoch + 1, proposer: core.self };',
    groupOnly: true,
    rare: true,
  },
  {
    name: 'installs before all have promised',
    file: `${ENGINE}/change.ts`,
    find: 'if (current.promises.size < current.members.length) return;',
    replace: 'if (current.promises.size < Math.min(2, current.members.length)) return;',
    wishes: { members: 4, vips: 4 },
  },
  {
    name: 'drops the transitional signal',
    file: `${ENGINE}/change.ts`,
    find: "core.deliver({ kind: 'transitional' });",
    replace: '',
    wishes: PAIR,
  },
  {
    name: 'goes on without what others have of the old view',
    file: `${ENGINE}/change.ts`,
    find: 'if (this.sequence.log.received < recovery.origin.cut) return false;',
    replace: '',
    groupOnly: true,
  },
  {
    name: 'delivers twice',
    file: `${ENGINE}/message-log.ts`,
    find: 'const message = this.at(++this.delivered);',
    replace: 'const message = this.at(this.delivered % 5 === 3 ? this.delivered++ : ++this.delivered);',
    wishes: PAIR,
  },
  {
    name: 'never tells that it is outranked',
    file: `${ENGINE}/outrank.ts`,
    find: "core.deliver({ kind: 'outranked', by, reason,",
    replace: "if (by === undefined && !contested) core.deliver({ kind: 'outranked', by, reason,",
    wishes: { members: 5, vips: 6 },
  },
  {
    name: 'sends no heartbeats',
    file: `${ENGINE}/pulse.ts`,
    find: 'this.sendHeartbeats();',
    replace: '',
    wishes: PAIR,
  },
  // --- what stands behind the agent: the simulator's model of it ---
  {
    name: 'the guardian does not sweep',
    file: `${WORLD}/guardian.ts`,
    find: "for (const address of this.#held) this.#host.remove(address, 'guardian');",
    replace: '',
    wishes: SMALL,
  },
  {
    name: 'the kernel does not end a lease',
    file: `${WORLD}/host.ts`,
    find: "if (standing.until <= this.#world.now) this.remove(address, 'lease over');",
    replace: 'if (standing.until <= this.#world.now) return;',
    wishes: SMALL,
  },
  {
    name: 'the lease is not renewed',
    file: `${WORLD}/local-provider.ts`,
    find: 'for (const { address } of vip.addresses) this.#host.prolong(address);',
    replace: '',
    wishes: SMALL,
  },
];
