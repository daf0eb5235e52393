/**
 * What a Spread daemon could say to our client, and what strangers could say in a Spread group: recorded sessions with a few
 * edits, in pieces of any size.
 */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import {
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  type Round,
} from '../../../src/group/spread/envelope.ts';
import type { GroupId } from '../../../src/group/spread/message.ts';
import { AUTH_IP, AUTH_NULL, Session, type SessionAction } from '../../../src/group/spread/session.ts';
import { Synchrony, type SynchronyAction } from '../../../src/group/spread/synchrony.ts';
import type { Cause } from '../../../src/group/spread/wire.ts';
import { type MemberId, nameOf } from '../../../src/model/member.ts';
import { type View, viewId } from '../../../src/model/view.ts';
import { bytesFrom, transcripts } from '../../unit/group/spread/transcripts.ts';
import { nearly } from '../bytes.ts';
import { demand, demandSmall, hex, sameData, type Target } from '../target.ts';

/** Longer recordings would make mutations rare where they matter, in headers. */
const CORPUS_BYTES_MAX = 6000;

interface Talk {
  readonly bytes: Buffer;
  /** Sizes of pieces, used in turn. */
  readonly cuts: readonly number[];
}

function play(pieces: Iterable<Buffer>): SessionAction[] {
  const hello = { version: [5, 0, 1], name: 'fuzz', membership: true, priority: false } as const;
  const session = new Session({ ...hello, auth: [AUTH_NULL, AUTH_IP] });
  const actions = [...session.connected()];
  for (const piece of pieces) actions.push(...session.receive(piece));
  return actions;
}

function* cut(bytes: Buffer, cuts: readonly number[]): Iterable<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = cuts[turn % cuts.length]!;
    yield Buffer.from(bytes.subarray(at, at + size));
    at += size;
  }
}

export const spreadSessions: Target<Talk> = {
  name: 'spread-sessions',
  about: 'what a Spread daemon says to the client (src/group/spread/session.ts)',
  share: 8,
  inputs: () => {
    const said = transcripts()
      .flatMap(({ channels }) => channels.map((channel) => bytesFrom(channel, 'daemon')))
      .filter(({ length }) => length > 0 && length <= CORPUS_BYTES_MAX);
    return fc.record({
      bytes: nearly(said),
      cuts: fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 5 }),
    });
  },
  check: ({ bytes, cuts }) => {
    const whole = play([Buffer.from(bytes)]);
    demandSmall(whole, bytes.length);
    for (const action of whole) {
      if (action.kind !== 'failed') continue;
      demand(action === whole.at(-1), () => 'something follows the end');
      demand(action.error.message.length > 20, () => 'an end without a reason');
    }
    demand(
      sameData(play(cut(bytes, cuts)).map(plain), whole.map(plain)),
      () => `in pieces it says something else: ${hex(bytes)}`,
    );
  },
};

function plain(action: SessionAction): unknown {
  if (action.kind === 'failed') return { code: action.error.code, message: action.error.message };
  if (action.kind === 'message' && 'data' in action.message) {
    return { ...action.message, data: hex(action.message.data) };
  }
  return action;
}

const member = fc
  .tuple(fc.constantFrom('a', 'web-1', 'x.y_z'), fc.nat(0xffff))
  .map(([name, run]) => `${name}#${run.toString(16).padStart(16, '0')}` as MemberId);
const view = fc.tuple(fc.nat(1000), member).map(([epoch, representative]) => viewId(epoch, representative));
const i32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const round = fc.record({
  id: fc.record({ daemon: i32, time: i32, index: i32 }),
  passedOver: fc.nat(0xffff),
});
const privateGroup = fc.constantFrom('#wk~0000000#zed', '#alice#mid', '#b#c');
const bytes = fc.uint8Array({ maxLength: 60 });

const envelope: fc.Arbitrary<Envelope> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('announce' as const),
      round,
      member,
      number: fc.nat(2 ** 30),
      installed: fc.record({ view, companions: fc.array(member, { maxLength: 5 }) }),
      barred: fc.array(privateGroup, { maxLength: 3 }),
    },
    { requiredKeys: ['kind', 'round', 'member', 'number', 'barred'] },
  ),
  fc.record({ kind: fc.constant('part' as const), view, last: fc.boolean(), bytes }),
  fc.constant({ kind: 'pulse' as const }),
  fc.record({
    kind: fc.constant('pass-over' as const),
    round,
    privateGroup,
    why: fc.constantFrom('mute' as const, 'hung' as const),
  }),
);

const CLUSTER = 'web';

/** With the check that its body should have: otherwise nothing wrong would come past it. */
function checked(edited: Buffer): Buffer {
  const body = edited.subarray(0, Math.max(0, edited.length - 4));
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body, crc32(CLUSTER)));
  return Buffer.concat([body, check]);
}

export const spreadEnvelopes: Target<{ readonly value: Envelope } | { readonly bytes: Buffer }> = {
  name: 'spread-envelopes',
  about: 'what members say in a Spread group (src/group/spread/envelope.ts)',
  share: 8,
  inputs: () => {
    const made = fc
      .sample(envelope, { numRuns: 200, seed: 1 })
      .map((value) => encodeEnvelope(value, CLUSTER));
    return fc.oneof(
      { arbitrary: envelope.map((value) => ({ value })), weight: 1 },
      { arbitrary: nearly(made).map((edited) => ({ bytes: edited })), weight: 1 },
      { arbitrary: nearly(made).map((edited) => ({ bytes: checked(edited) })), weight: 4 },
    );
  },
  check: (input) => {
    if ('value' in input) {
      const encoded = encodeEnvelope(input.value, CLUSTER);
      demand(sameData(decodeEnvelope(encoded, CLUSTER), input.value), () => 'it comes back changed');
      return demand(decodeEnvelope(encoded, 'other') === undefined, () => 'another cluster reads it');
    }
    const decoded = decodeEnvelope(input.bytes, CLUSTER);
    if (decoded === undefined) return;
    demandSmall(decoded, input.bytes.length);
    const again = encodeEnvelope(decoded, CLUSTER);
    demand(
      Buffer.compare(again, input.bytes) === 0,
      () => `two encodings: ${hex(input.bytes)} and ${hex(again)}`,
    );
  },
};

const OWN = '#wk~0000000#zed';
const OTHERS = ['#wk~0000001#zed', '#wk~0000002#mid', '#wk~0000003#abe', '#stranger#mid'];

type Deed =
  | { readonly kind: 'say'; readonly by: number; readonly envelope: Envelope; readonly now: boolean }
  | {
      readonly kind: 'membership';
      readonly members: readonly number[];
      readonly cause: Cause;
      readonly index: number;
    }
  /** A member of ours as it should be, but for what it says of itself. */
  | {
      readonly kind: 'announce';
      readonly by: number;
      readonly name: number;
      readonly number: number;
      readonly from: 'nowhere' | 'us' | 'elsewhere';
    }
  | { readonly kind: 'echo' }
  | { readonly kind: 'transitional' }
  | { readonly kind: 'pulse' }
  | { readonly kind: 'multicast' };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('announce' as const),
      by: fc.nat(2),
      name: fc.nat(5),
      number: fc.nat(40),
      from: fc.constantFrom('nowhere' as const, 'us' as const, 'elsewhere' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('say' as const), by: fc.nat(3), envelope, now: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('membership' as const),
      members: fc.uniqueArray(fc.nat(3), { maxLength: 3 }),
      cause: fc.constantFrom<Cause>('join', 'leave', 'disconnect', 'network'),
      index: fc.nat(3),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom<Deed>(
      { kind: 'echo' },
      { kind: 'transitional' },
      { kind: 'pulse' },
      { kind: 'multicast' },
      { kind: 'echo' },
    ),
  },
);

/** Members that say anything in any order, between memberships that make no sense. */
export const spreadSynchrony: Target<readonly Deed[]> = {
  name: 'spread-synchrony',
  about: 'what other members may do to the views (src/group/spread/synchrony.ts)',
  share: 6,
  inputs: () => fc.array(deed, { maxLength: 40 }),
  countOf: (deeds) => Math.max(1, deeds.length),
  check: (deeds) => {
    const self = 'own#0000000000000000' as MemberId;
    const synchrony = new Synchrony({
      self,
      privateGroup: OWN,
      group: 'g',
      cluster: CLUSTER,
      pulsesUnheard: 4,
      pulsesMute: 2,
    });
    const id = { daemon: 1, time: 1, index: 0 };
    const stage: Stage = {
      synchrony,
      id,
      round: { id, passedOver: 0 },
      sent: [],
      view: undefined,
      over: false,
    };
    for (const one of deeds) {
      for (const action of actionsOf(one, stage)) judge(action, stage, self);
    }
  },
};

interface Stage {
  readonly synchrony: Synchrony;
  id: GroupId;
  /** As it said last. */
  round: Round;
  readonly sent: Uint8Array[];
  view: View | undefined;
  over: boolean;
}

function actionsOf(one: Deed, stage: Stage): readonly SynchronyAction[] {
  const { synchrony, id } = stage;
  if (one.kind === 'pulse') return synchrony.pulse();
  if (one.kind === 'multicast') return synchrony.multicast(Buffer.from('x'));
  if (one.kind === 'transitional') return synchrony.handle({ kind: 'transitional', group: 'g', id });
  if (one.kind === 'echo') return said(OWN, stage.sent.shift(), synchrony);
  if (one.kind === 'say') {
    // Of this round, or of whichever.
    const spoken =
      one.now && 'round' in one.envelope ? { ...one.envelope, round: stage.round } : one.envelope;
    return said(OTHERS[one.by]!, encodeEnvelope(spoken, CLUSTER), synchrony);
  }
  if (one.kind === 'announce')
    return said(OTHERS[one.by]!, encodeEnvelope(announced(one, stage), CLUSTER), synchrony);
  stage.id = { ...id, index: one.index };
  const members = [OWN, ...one.members.map((place) => OTHERS[place]!)];
  const changed = one.cause === 'network' ? {} : { changed: members.at(-1)! };
  return synchrony.handle({
    kind: 'membership',
    group: 'g',
    cause: one.cause,
    members,
    id: stage.id,
    ...changed,
    sets: [members],
    ownSet: 0,
  });
}

function announced(one: Extract<Deed, { kind: 'announce' }>, { round: now, view: ours }: Stage): Envelope {
  // One of the names is our own.
  const id = `${one.name === 5 ? 'own' : `m${one.name}`}#${'0'.repeat(15)}${one.by + 1}` as MemberId;
  const elsewhere = { view: viewId(one.number, id), companions: [id] };
  const us = ours === undefined ? undefined : { view: ours.id, companions: ours.members };
  const installed = one.from === 'us' ? us : one.from === 'elsewhere' ? elsewhere : undefined;
  return {
    kind: 'announce',
    round: now,
    member: id,
    number: one.number + 1,
    ...(installed && { installed }),
    barred: [],
  };
}

function said(
  sender: string,
  data: Uint8Array | undefined,
  synchrony: Synchrony,
): readonly SynchronyAction[] {
  if (data === undefined) return [];
  const rest = {
    service: 'agreed',
    selfDiscard: false,
    type: 0,
    foreignOrder: false,
    groups: ['g'],
  } as const;
  return synchrony.handle({ kind: 'message', sender, data, ...rest });
}

function judge(action: SynchronyAction, stage: Stage, self: MemberId): void {
  demand(!stage.over, () => 'something follows the end');
  if (action.kind === 'detach') stage.over = true;
  if (action.kind === 'send') {
    stage.sent.push(action.bytes);
    const word = decodeEnvelope(action.bytes, CLUSTER);
    demand(word !== undefined, () => 'it says what others do not understand');
    if (word.kind === 'announce') stage.round = word.round;
  }
  if (action.kind !== 'deliver' || action.event.kind !== 'view') return;
  const { members, epoch } = action.event.view;
  demand(members.includes(self), () => 'a view without itself');
  demand(new Set(members).size === members.length, () => 'a member twice');
  const names = members.map(nameOf);
  demand(new Set(names).size === names.length, () => 'a name twice');
  demand(epoch > (stage.view?.epoch ?? -1), () => `epoch ${epoch} after ${stage.view?.epoch}`);
  stage.view = action.event.view;
}
