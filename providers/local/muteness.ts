/**
 * Whether this host is mute on an interface: it hears others announce what it holds, they do not hear it ask, and no larger number
 * of others does. Then they serve without it (ADR 0017). Pure: a function of what was, what happens, and when. Judges links, not VIPs.
 */
import type { Instant, Millis } from '../../src/model/time.ts';

/** Link addresses of one interface that are remembered; a stranger may make up any number. */
export const ANNOUNCERS_MAX = 32;
/** Of them so many are asked at once. */
export const ASKED_MAX = 8;
/** A strike is forgotten after it. */
export const STRIKE_LIFETIME: Millis = 10_000;
/** What comes sooner after a strike may be of one breath with what led to it. */
const APART: Millis = 50;
/** Between two questions that do not lead to a strike: a flood of announcements shall not have us ask all the time. */
const REST: Millis = 1000;
/** Shorter than this two holders at once are the moments of a merge. */
const DISPUTE_MIN: Millis = 2000;

/** Who says that it has an address that is configured here. */
export interface Announcer {
  /** Its link address as text. */
  readonly mac: string;
  /** What it announced last. */
  readonly address: string;
  readonly heardAt: Instant;
  /** When it was asked last, and whether somebody answered for what it announced. */
  readonly asked?: { readonly at: Instant; readonly answered: boolean };
}

interface Asking {
  readonly whom: readonly Announcer[];
  /** Whose address is held here. */
  readonly about: Announcer;
  /** Whether it is about more than this one. */
  readonly all: boolean;
}

export interface Hearing {
  /** By link address. */
  readonly announcers: ReadonlyMap<string, Announcer>;
  /** When an announcer of what we hold was silent for the first time. */
  readonly struckAt?: Instant | undefined;
  readonly asking?: Asking | undefined;
  readonly restUntil: Instant;
  /** Why the host is mute; absent: it is not. */
  readonly mute?: { readonly by: Announcer } | undefined;
  /** Somebody else announces what we hold, and we go on holding it. */
  readonly dispute?: {
    readonly by: Announcer;
    readonly since: Instant;
    readonly last: Instant;
    readonly answers: boolean;
  };
}

export type HearingEvent =
  /** `heldSince` absent: it is not held here. */
  | {
      readonly kind: 'announcement';
      readonly mac: string;
      readonly address: string;
      readonly heldSince?: Instant;
    }
  /** To what was to be asked: link addresses that answered; absent: the link could not be asked. `held`: the address still is, here. */
  | { readonly kind: 'answers'; readonly from?: ReadonlySet<string>; readonly held: boolean }
  | { readonly kind: 'tick' };

export interface Step {
  readonly hearing: Hearing;
  /** Whom to ask now, each for its address; `answers` has to follow. */
  readonly ask?: readonly Announcer[];
  /** An address of ours to announce once more (RFC 5227, 2.4 (b)). */
  readonly defend?: string;
}

export const CALM: Hearing = { announcers: new Map(), restUntil: Number.NEGATIVE_INFINITY };

/** @param quiet who has not been heard for so long announces no more */
export function step(hearing: Hearing, event: HearingEvent, time: { now: Instant; quiet: Millis }): Step {
  const { now } = time;
  const recent = { ...hearing, announcers: heardSince(hearing.announcers, now - time.quiet) };
  switch (event.kind) {
    case 'announcement':
      return heard(recent, event, now);
    case 'answers':
      return answered(recent, event, now);
    case 'tick':
      return ticked(recent, time);
  }
}

/** In words, for whoever has to mend it; `undefined`: there is none, or it is young. */
export function disputeText({ dispute }: Hearing): string | undefined {
  if (dispute === undefined || dispute.last - dispute.since < DISPUTE_MIN) return undefined;
  const { by, answers } = dispute;
  const what = `${by.mac} announces ${by.address}, which this host holds`;
  return answers
    ? `${what}, and answers when asked: another host has it too; the group decides, or free it there`
    : `${what}, and does not hear this host, which others hear: look at what that one receives (switch, firewall, cable)`;
}

function heard(hearing: Hearing, event: HearingEvent & { kind: 'announcement' }, now: Instant): Step {
  const { mac, address, heldSince: held } = event;
  const known = hearing.announcers.get(mac);
  if (known === undefined && hearing.announcers.size >= ANNOUNCERS_MAX) return { hearing };
  const announcer = { ...known, mac, address, heardAt: now };
  const next = { ...hearing, announcers: new Map([...hearing.announcers, [mac, announcer]]) };
  if (hearing.mute !== undefined || held === undefined) return { hearing: next };
  if (hearing.asking !== undefined || now < hearing.restUntil) return { hearing: next };
  // What was put up only after the first strike may still be announced by a late frame of its last holder.
  const second = struckLately(hearing, now) && held <= hearing.struckAt!;
  const others = second ? leastLatelyAsked(next, announcer) : [];
  return asked(next, { whom: [announcer, ...others].slice(0, ASKED_MAX), about: announcer, all: second });
}

function struckLately({ struckAt }: Hearing, now: Instant): boolean {
  return struckAt !== undefined && now - struckAt <= STRIKE_LIFETIME;
}

function leastLatelyAsked({ announcers }: Hearing, but?: Announcer): Announcer[] {
  return [...announcers.values()]
    .filter(({ mac }) => mac !== but?.mac)
    .sort((a, b) => (a.asked?.at ?? Number.NEGATIVE_INFINITY) - (b.asked?.at ?? Number.NEGATIVE_INFINITY));
}

function asked(hearing: Hearing, asking: Asking): Step {
  return { hearing: { ...hearing, asking }, ask: asking.whom };
}

function answered(hearing: Hearing, event: HearingEvent & { kind: 'answers' }, now: Instant): Step {
  const { asking, ...rest } = hearing;
  if (asking === undefined) return { hearing };
  const { from, held } = event;
  if (from === undefined) return { hearing: { ...rest, restUntil: now + REST } };
  const next = { ...rest, announcers: noted(rest.announcers, { asking, from, now }) };
  if (next.mute !== undefined) return { hearing: backIfHeard(next, now) };
  if (!held) return { hearing: next };
  const { about } = asking;
  const silent = asking.whom.filter(({ mac }) => !from.has(mac));
  if (from.has(about.mac)) return { hearing: disputed(next, about, { now, answers: true }) };
  if (!asking.all) {
    const hearing = { ...next, struckAt: now, restUntil: now + APART };
    return { hearing, defend: about.address };
  }
  // We count with those who hear us: the smaller part lets go, and of two equal ones that which knows.
  if (silent.length > asking.whom.length - silent.length)
    return { hearing: { ...next, mute: { by: about } } };
  return { hearing: disputed(next, about, { now, answers: false }) };
}

function noted(
  announcers: Hearing['announcers'],
  { asking, from, now }: { asking: Asking; from: ReadonlySet<string>; now: Instant },
): Hearing['announcers'] {
  const whom = new Set(asking.whom.map(({ mac }) => mac));
  return new Map(
    [...announcers].map(([mac, announcer]) => {
      const answers = { at: now, answered: from.has(mac) };
      return [mac, whom.has(mac) ? { ...announcer, asked: answers } : announcer];
    }),
  );
}

function disputed(
  hearing: Hearing,
  by: Announcer,
  { now, answers }: { now: Instant; answers: boolean },
): Hearing {
  const since = hearing.dispute?.since ?? now;
  return {
    ...hearing,
    struckAt: undefined,
    restUntil: now + REST,
    dispute: { by, since, last: now, answers },
  };
}

/** All who announce must hear us: some who do would not keep us from taking what the others have. */
function backIfHeard(hearing: Hearing, now: Instant): Hearing {
  const deaf = [...hearing.announcers.values()].some(({ asked }) => asked?.answered !== true);
  return deaf ? hearing : { ...hearing, mute: undefined, struckAt: undefined, restUntil: now + REST };
}

function ticked(hearing: Hearing, { now, quiet }: { now: Instant; quiet: Millis }): Step {
  const next = withoutOldDispute(hearing, now - quiet);
  if (next.mute === undefined) return { hearing: next };
  // Whom we heard is gone, and nobody else would serve.
  if (next.announcers.size === 0) return { hearing: backIfHeard(next, now) };
  if (next.asking !== undefined) return { hearing: next };
  return asked(next, { whom: leastLatelyAsked(next).slice(0, ASKED_MAX), about: next.mute.by, all: true });
}

function withoutOldDispute(hearing: Hearing, before: Instant): Hearing {
  const { dispute, ...rest } = hearing;
  return dispute !== undefined && dispute.last < before ? rest : hearing;
}

function heardSince(announcers: Hearing['announcers'], since: Instant): Hearing['announcers'] {
  return new Map([...announcers].filter(([, { heardAt }]) => heardAt >= since));
}
