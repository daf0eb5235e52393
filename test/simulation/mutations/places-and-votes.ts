/** Mistakes in what came after the core: where a VIP may be, room, health, different ways to carry a VIP, witness and quorum. */
import type { Wishes } from '../../../src/simulation/options.ts';
import type { Mutation } from './mutation.ts';

const SMALL: Wishes = { members: 3, vips: 6 };
const PLACED: Wishes = { members: 4, vips: 8, placed: true, clouds: 'none' };
/** One of two hosts in a cloud has room for a third of the VIPs. */
const ROOMS: Wishes = { members: 4, vips: 9, clouds: 'some', pace: 600 };
const HYBRID: Wishes = {
  members: 3,
  vips: 6,
  clouds: 'some',
  pace: 600,
  faults: ['crash', 'crashBoth', 'power', 'pauseMain'],
};
const WITNESSED: Wishes = { members: 2, vips: 3, witness: true, clouds: 'none', pace: 600 };
const AGENT = 'src/agent';

export const MUTATIONS_OF_PLACES_AND_VOTES: readonly Mutation[] = [
  // --- where a VIP may be, and who has room for it ---
  {
    name: 'a zone is no condition',
    file: `${AGENT}/self-portrait.ts`,
    find: 'if (zones !== undefined && (zone === undefined || !zones.includes(zone)))',
    replace: 'if (zones?.length === 0)',
    wishes: PLACED,
  },
  {
    name: 'one tag of several is enough',
    file: `${AGENT}/self-portrait.ts`,
    find: 'find(([key, value]) => own[key] !== value)',
    replace: 'find(([key, value]) => own[key] !== undefined && own[key] !== value)',
    wishes: PLACED,
    rare: true,
  },
  {
    name: 'a provider has room for everything',
    file: 'src/allocation/room.ts',
    find: 'if (cost > 0 && cost > left)',
    replace: 'if (cost > 0 && left < -1e9)',
    wishes: ROOMS,
    rare: true,
  },
  {
    name: 'nobody makes room for what fits nowhere',
    file: 'src/allocation/allocate.ts',
    find: 'const freed = this.#freed(vip);',
    replace: 'const freed = this.#input.vips.length < 0 ? this.#freed(vip) : undefined;',
    scene: 'roomToMake',
  },
  {
    name: 'acquires before there is room',
    file: `${AGENT}/reconcile.ts`,
    find: 'if (clearance === undefined || !input.hasRoom(vip) || input.holdings.hasRenamed(vip)) return;',
    replace: 'if (clearance === undefined || input.holdings.hasRenamed(vip)) return;',
    scene: 'fullHouse',
  },
  {
    name: 'takes what may still be with a host on metal, or in a cloud',
    file: `${AGENT}/carriers.ts`,
    find: 'return own.provider !== other.provider && !(isAskable(own.traits) && other.askable);',
    replace: 'return own.provider === other.provider && other.provider === "";',
    wishes: HYBRID,
    rare: true,
  },
  {
    name: 'of two that may have a VIP in different ways only one is waited for',
    file: `${AGENT}/table.ts`,
    find: 'const ways = this.#lasting.get(lasting.vip) ?? new Map<string, Lasting>();',
    replace: 'const ways = new Map<string, Lasting>();',
    wishes: {
      members: 5,
      vips: 6,
      clouds: 'some',
      pace: 600,
      faults: ['crash', 'crashBoth', 'restart', 'pauseEngine'],
    },
    rare: true,
  },
  {
    name: 'a VIP under another name is another VIP',
    file: `${AGENT}/reconcile.ts`,
    find: '  if (input.table?.isHeldOtherwise(row.vip.id, input.self)) return;\n',
    replace: '',
    wishes: { members: 3, vips: 3, clouds: 'some', pace: 300, faults: ['reload', 'move'] },
    rare: true,
  },
  {
    name: 'forgets what it has under another name',
    file: `${AGENT}/self-portrait.ts`,
    find: '...this.#renamed(holdings)',
    replace: '',
    wishes: { members: 3, vips: 3, clouds: 'some', pace: 300, faults: ['reload', 'move'] },
    rare: true,
  },
  {
    name: 'VIPs of one spread group lie where the load lets them',
    file: 'src/allocation/allocate.ts',
    find: 'return crowd === 0 ? a.rank < b.rank : crowd < 0;',
    replace: 'return crowd === undefined || a.rank < b.rank;',
    scene: 'apart',
  },
  {
    name: 'all zones are one to a spread group',
    file: 'src/allocation/seats.ts',
    find: "candidate.zone ?? ''",
    replace: "candidate.zone === '' ? candidate.zone : ''",
    scene: 'apart',
  },
  // --- health, and what providers say of themselves ---
  {
    name: 'never fit again',
    file: `${AGENT}/self-portrait.ts`,
    find: 'if (event.fit) return this.#unfit.delete(event.vip);',
    replace: 'if (event.fit) return false;',
    wishes: { ...SMALL, pace: 2_000, faults: ['carrier'] },
    rare: true,
  },
  {
    name: 'whose health fails is as good as any',
    file: 'src/allocation/impairment.ts',
    find: 'if (standing === undefined || standing.penalty <= least) continue;',
    replace: 'if (standing === undefined || standing.penalty < 1e9) continue;',
    wishes: { ...SMALL, pace: 2_000, faults: ['check'] },
  },
  {
    name: 'who is unfit keeps what it must release',
    file: `${AGENT}/ailments.ts`,
    find: 'for (const id of vips ?? this.#vips.map((vip) => vip.id)) unfit.set(id, reason);',
    replace: '',
    wishes: { ...SMALL, pace: 2_000, faults: ['check'] },
    rare: true,
  },
  {
    name: 'nobody serves where all are impaired',
    file: 'src/allocation/impairment.ts',
    find: 'if (standing === undefined || standing.penalty <= least) continue;',
    replace: 'if (standing === undefined || standing.penalty < least) continue;',
    wishes: { members: 2, vips: 4, pace: 600, faults: ['check'] },
  },
  // --- the vote outside the group ---
  {
    name: 'the witness counts for everybody',
    file: `${AGENT}/tiebreak.ts`,
    find: "return quorumIn(view, this.#config, state === 'held' || state === 'open');",
    replace: 'void state; return quorumIn(view, this.#config, true);',
    wishes: WITNESSED,
  },
  {
    name: 'the question to the witness stays open for ever',
    file: `${AGENT}/tiebreak.ts`,
    find: "return now < this.#openUntil ? 'open' : 'lacking';",
    replace: "return this.#openUntil > 0 ? 'open' : 'lacking';",
    wishes: WITNESSED,
    rare: true,
  },
  {
    name: 'the vote is not told to the others',
    file: `${AGENT}/tiebreak.ts`,
    find: 'return this.isConfigured && this.#view !== undefined;\n  }\n\n  quorum',
    replace: 'return false;\n  }\n\n  quorum',
    wishes: WITNESSED,
    rare: true,
  },
  {
    name: 'nobody asks the witness',
    file: `${AGENT}/tiebreak.ts`,
    find: '? (has && holds) || (able && (has || askerOf(view, table) === self))',
    replace: '? has && holds && able && representativeOf(view) === self',
    wishes: WITNESSED,
    rare: true,
  },
  {
    name: 'believes in its vote for longer than others wait',
    file: 'src/witness/lease.ts',
    find: 'const until = sentAt + 0.9 * this.#settings.lease;',
    replace: 'const until = sentAt + 2.5 * this.#settings.lease;',
    wishes: { ...WITNESSED, pace: 2_000, faults: ['witness', 'split'] },
  },
  {
    name: 'counts its vote from the answer',
    file: 'src/witness/lease.ts',
    find: 'if (own && this.#wanted) this.#gain(own.record, own.sentAt, now);',
    replace: 'if (own && this.#wanted) this.#gain(own.record, now, now);',
    wishes: { ...WITNESSED, pace: 2_000, faults: ['witness', 'split'] },
    rare: true,
  },
  {
    name: 'takes the vote from whoever has it',
    file: 'src/witness/lease.ts',
    find: 'return now - since >= 1.1 * this.#settings.lease;',
    replace: 'return now - since >= 0;',
    wishes: { ...WITNESSED, faults: ['split', 'pair'] },
  },
  {
    name: 'keeps the vote it lost',
    file: 'src/witness/lease.ts',
    find: 'if (this.#until === undefined || now < this.#until) return;',
    replace: 'return;',
    wishes: { ...WITNESSED, pace: 2_000, faults: ['witness', 'split'] },
    rare: true,
  },
  {
    name: 'a lower fence than before',
    file: `${AGENT}/news.ts`,
    find: 'if (has) portrait.fence = Math.max(portrait.fence, fence - 1);',
    replace: '',
    scene: 'staleFence',
  },
  // --- who is primary ---
  {
    name: 'the votes count though the engine has its own rule',
    file: `${AGENT}/tiebreak.ts`,
    find: '    const decree = this.#decree;\n    if (decree !== undefined)',
    replace: "    const decree = this.#decree;\n    if (decree?.reason === '')",
    scene: 'decreed',
  },
  {
    name: 'what the engine says is not told to the others',
    file: `${AGENT}/tiebreak.ts`,
    find: 'this.#decreed ||= fresh && this.#view !== undefined;',
    replace: '',
    scene: 'decreed',
  },
  {
    name: 'a part without a quorum keeps what it has',
    file: `${AGENT}/agent.ts`,
    find: 'return lacking?.primary === false ?',
    replace: 'return lacking?.primary === false && this.#config.vips.length === 0 ?',
    wishes: { members: 3, vips: 4, policy: 'primary' },
    rare: true,
  },
  {
    name: 'a part without a quorum is given VIPs',
    file: `${AGENT}/table.ts`,
    find: 'this.primary = reports.length > 0 && reports.every(isFor);',
    replace: 'this.primary = reports.length > 0; void isFor;',
    wishes: { members: 3, vips: 4, policy: 'primary' },
    rare: true,
  },
  {
    name: 'one report without a quorum does not count',
    file: `${AGENT}/table.ts`,
    find: 'this.primary = reports.length > 0 && reports.every(isFor);',
    replace: 'this.primary = reports.length > 0 && reports.every(isFor) && reports.length % 2 === 1;',
    wishes: { members: 4, vips: 4, policy: 'primary' },
  },
];
