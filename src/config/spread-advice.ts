/**
 * What failover time the timeouts of a spread.conf give, and what to write there. The arithmetic is that of Spread 4.4.0 and 5.0.1
 * as measured: a lost daemon is noticed when the token has not come for TokenTimeout, and an idle token goes round once in
 * HurryTimeout; then the ring forms within SegTimeout and GatherTimeout. Pure.
 */
import type { Millis } from '../model/time.ts';

/** All nine or none: daemons refuse to start with some of them. Defaults of one segment, and of several. */
const DEFAULTS = {
  TokenTimeout: [1250, 5000],
  HurryTimeout: [500, 1500],
  AliveTimeout: [250, 250],
  JoinTimeout: [250, 250],
  RepTimeout: [625, 1250],
  SegTimeout: [500, 500],
  GatherTimeout: [1250, 2500],
  FormTimeout: [1250, 2500],
  LookupTimeout: [30_000, 45_000],
} as const;

type TimeoutName = keyof typeof DEFAULTS;
type Timeouts = Readonly<Record<TimeoutName, Millis>>;

const NAMES = Object.keys(DEFAULTS) as TimeoutName[];

export interface SpreadAdvice {
  /** Where the timeouts come from. */
  readonly source: 'file' | 'defaults of one segment' | 'defaults of several segments';
  readonly timeouts: Timeouts;
  /** From the death of a daemon or its host to the view without it. */
  readonly failover: { readonly shortest: Millis; readonly longest: Millis };
  /** From a healed partition to one view of all, at most. */
  readonly merge: Millis;
  /** From the start of a daemon to its members' view. */
  readonly restart: Millis;
  /** Ours: after how long without any delivery a daemon is given up. */
  readonly daemonTimeout: Millis;
  /** Lines for spread.conf that give a failover of a quarter of a second; absent where the file is as fast already. */
  readonly lines?: readonly string[];
  readonly warnings: readonly string[];
}

export type SpreadAdviceResult =
  | { readonly ok: true; readonly advice: SpreadAdvice }
  | { readonly ok: false; readonly line: number; readonly what: string; readonly mend: string };

/** A stall of a host longer than TokenTimeout splits the ring: below this, ordinary ones do. */
const TOKEN_LEAST: Millis = 125;
const SPEED_UP = 10;
const DAEMON_TIMEOUT_LEAST: Millis = 2000;

/** `text`: of a spread.conf. Never throws. */
export function adviseSpread(text: string): SpreadAdviceResult {
  const lines = text.split('\n').map((line) => line.replace(/#.*$/, ''));
  const found = new Map<TimeoutName, Millis>();
  for (const [index, line] of lines.entries()) {
    for (const [, word, value] of line.matchAll(/\b(\w+Timeout)\b\s*=?\s*([^\s}]*)/gi)) {
      const name = NAMES.find((known) => known.toLowerCase() === word!.toLowerCase());
      if (name === undefined) continue;
      if (!/^[1-9]\d{0,8}$/.test(value!)) {
        const what = `${name} = ${JSON.stringify(value)} is no number of milliseconds`;
        return { ok: false, line: index + 1, what, mend: 'write a whole number from 1 on' };
      }
      found.set(name, Number(value));
    }
  }
  const missing = NAMES.filter((name) => !found.has(name));
  if (found.size > 0 && missing.length > 0) {
    const line = lines.findIndex((each) => /\w+Timeout\s*=/i.test(each)) + 1;
    const what = `${missing.join(', ')} missing: the daemon does not start with some of the timeouts alone`;
    return { ok: false, line, what, mend: 'write all nine, or none' };
  }
  const wide = isWide(lines.join('\n'));
  const timeouts = Object.fromEntries(
    NAMES.map((name) => [name, found.get(name) ?? DEFAULTS[name][wide ? 1 : 0]]),
  ) as Record<TimeoutName, Millis>;
  const source = found.size > 0 ? 'file' : wide ? 'defaults of several segments' : 'defaults of one segment';
  return { ok: true, advice: { source, ...judge(timeouts, wide) } };
}

/** As 5.0.1 decides; 4.4.0 looks whether the segments' first daemons differ in the first 16 bits of their addresses. */
function isWide(text: string): boolean {
  const said = /\bWideAreaNetwork\b\s*=?\s*(\w+)/i.exec(text)?.[1]?.toLowerCase();
  if (said !== undefined && ['true', 'yes', 'on', 'false', 'no', 'off'].includes(said))
    return ['true', 'yes', 'on'].includes(said);
  return [...text.matchAll(/\bSpread_Segment\b/gi)].length > 1;
}

function judge(timeouts: Timeouts, wide: boolean): Omit<SpreadAdvice, 'source'> {
  const { TokenTimeout: token, HurryTimeout: hurry, SegTimeout: seg, GatherTimeout: gather } = timeouts;
  const failover = { shortest: Math.max(0, token - hurry) + seg + gather, longest: token + seg + gather };
  const warnings: string[] = [];
  if (token < TOKEN_LEAST) {
    warnings.push(
      `TokenTimeout = ${token}: a host that stalls that long splits the ring; below ${TOKEN_LEAST} ordinary stalls do`,
    );
  }
  if (hurry >= token)
    warnings.push(
      `HurryTimeout = ${hurry} is not below TokenTimeout = ${token}: an idle ring loses its token`,
    );
  return {
    timeouts,
    failover,
    merge: timeouts.LookupTimeout + gather,
    restart: seg + gather,
    daemonTimeout: Math.max(DAEMON_TIMEOUT_LEAST, Math.ceil((3 * failover.longest) / 1000) * 1000),
    ...(!wide && token > TOKEN_LEAST && { lines: fast() }),
    warnings,
  };
}

function fast(): string[] {
  return NAMES.map((name) => `${name} = ${Math.floor(DEFAULTS[name][0] / SPEED_UP)}`);
}
