/**
 * What failover time the timeouts of a spread.conf give, and what to write there. The arithmetic is that of Spread 4.4.0 and 5.0.1
 * as measured: a lost daemon is noticed when the token has not come for TokenTimeout, and an idle token goes round once in
 * HurryTimeout; then the ring forms within SegTimeout and GatherTimeout. Pure.
 */
import type { Millis } from '../model/time.ts';
import { readSpreadConf, type SpreadConf } from './spread-conf.ts';

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

/** What a daemon of one version makes of the file. */
export interface SpreadFigures {
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
}

/** Of version 5, but for `older`. */
export interface SpreadAdvice extends SpreadFigures {
  /** Of version 4, where it takes other defaults. */
  readonly older?: SpreadFigures;
  /** Lines for spread.conf that give a failover of a quarter of a second; absent where the file is as fast already. */
  readonly lines?: readonly string[];
  /** What to write as `group.daemon`. */
  readonly daemon: string;
  readonly warnings: readonly string[];
}

export type SpreadAdviceResult =
  | { readonly ok: true; readonly advice: SpreadAdvice }
  | { readonly ok: false; readonly line: number; readonly what: string; readonly mend: string };

/** A stall of a host longer than TokenTimeout splits the ring: below this, ordinary ones do. */
const TOKEN_LEAST: Millis = 125;
const SPEED_UP = 10;
const DAEMON_TIMEOUT_LEAST: Millis = 2000;
/** A daemon drops who leaves so many messages unread, unless MaxSessionMessages says otherwise. */
const SESSION_MESSAGES = 1000;
/** Daemons cut longer names in what clients see. */
const DAEMON_NAME_MAX = 19;

/** `text`: of a spread.conf. Never throws. */
export function adviseSpread(text: string): SpreadAdviceResult {
  const read = readSpreadConf(text);
  if (!read.ok) return read;
  const { conf } = read;
  const given = NAMES.filter((name) => conf.settings.has(name));
  const missing = NAMES.filter((name) => !given.includes(name));
  if (given.length > 0 && missing.length > 0) {
    const line = Math.min(...given.map((name) => conf.settings.get(name)!.line));
    const what = `${missing.join(', ')} missing: the daemon does not start with some of the timeouts alone`;
    return { ok: false, line, what, mend: 'write all nine, or none' };
  }
  const figures = figuresOf(conf, isWide(conf));
  const older = figuresOf(conf, isWideFor4(conf));
  const { TokenTimeout: token } = figures.timeouts;
  return {
    ok: true,
    advice: {
      ...figures,
      ...(older.source !== figures.source && { older }),
      ...(!isWide(conf) && token > TOKEN_LEAST && { lines: fast() }),
      daemon: daemonOf(conf),
      warnings: [...ringWarnings(figures.timeouts), ...clientWarnings(conf), ...versionWarnings(conf)],
    },
  };
}

/** As 5.0.1 decides. */
function isWide({ settings, segments }: SpreadConf): boolean {
  const said = settings.get('WideAreaNetwork')?.value;
  return said === undefined ? segments.length > 1 : /^(true|yes)$/i.test(said);
}

/** 4.4.0 looks whether the segments' first daemons differ in the first 16 bits of their addresses. */
function isWideFor4({ segments }: SpreadConf): boolean {
  const networks = segments.map(({ daemons }) => daemons[0]?.address?.split('.', 2).join('.'));
  return networks.some((network) => network !== undefined && network !== networks[0]);
}

function figuresOf({ settings }: SpreadConf, wide: boolean): SpreadFigures {
  const timeouts = Object.fromEntries(
    NAMES.map((name) => [name, Number(settings.get(name)?.value ?? DEFAULTS[name][wide ? 1 : 0])]),
  ) as Record<TimeoutName, Millis>;
  const { TokenTimeout: token, HurryTimeout: hurry, SegTimeout: seg, GatherTimeout: gather } = timeouts;
  const failover = { shortest: Math.max(0, token - hurry) + seg + gather, longest: token + seg + gather };
  const defaults = wide ? 'defaults of several segments' : 'defaults of one segment';
  return {
    source: settings.has('TokenTimeout') ? 'file' : defaults,
    timeouts,
    failover,
    merge: timeouts.LookupTimeout + gather,
    restart: seg + gather,
    daemonTimeout: Math.max(DAEMON_TIMEOUT_LEAST, Math.ceil((3 * failover.longest) / 1000) * 1000),
  };
}

function ringWarnings({ TokenTimeout: token, HurryTimeout: hurry }: Timeouts): string[] {
  const warnings: string[] = [];
  if (token < TOKEN_LEAST) {
    warnings.push(
      `TokenTimeout = ${token}: a host that stalls that long splits the ring; below ${TOKEN_LEAST} ordinary stalls do`,
    );
  }
  if (hurry >= token) {
    warnings.push(
      `HurryTimeout = ${hurry} is not below TokenTimeout = ${token}: an idle ring loses its token`,
    );
  }
  return warnings;
}

/** What keeps our agents from a daemon, or loses them. */
function clientWarnings({ settings, segments }: SpreadConf): string[] {
  const warnings: string[] = [];
  const value = (keyword: string) => settings.get(keyword)?.value;
  const methods = (value('AllowedAuthMethods') ?? 'NULL').split(/\s+/);
  if (!methods.some((method) => ['NULL', 'IP'].includes(method)))
    warnings.push(`AllowedAuthMethods = "${methods.join(' ')}": agents say NULL or IP, allow one of them`);
  const policy = value('AccessControlPolicy') ?? 'PERMIT';
  if (policy !== 'PERMIT')
    warnings.push(`AccessControlPolicy = ${policy}: it must let the agents join their group and send to it`);
  const unread = Number(value('MaxSessionMessages') ?? SESSION_MESSAGES);
  if (unread < SESSION_MESSAGES)
    warnings.push(
      `MaxSessionMessages = ${unread}: a busy agent is dropped earlier than by the default of 1000`,
    );
  if (!/^on$/i.test(value('SocketPortReuse') ?? 'auto'))
    warnings.push(
      'SocketPortReuse is not ON: a daemon that is restarted may find its port taken for a minute and not start',
    );
  const long = segments.flatMap(({ daemons }) => daemons).filter(({ name }) => name.length > DAEMON_NAME_MAX);
  for (const { name } of long)
    warnings.push(`the name ${name} is longer than ${DAEMON_NAME_MAX} characters: clients see it cut`);
  if (segments.every(({ daemons }) => daemons.length === 0)) warnings.push('the file names no daemon');
  return warnings;
}

function versionWarnings({ onlyIn }: SpreadConf): string[] {
  return onlyIn.map(
    ({ keyword, line, version }) =>
      `${keyword} (line ${line}) is known to daemons of version ${version} alone: others do not start with it`,
  );
}

/** As an agent beside its daemon writes it. */
function daemonOf({ segments }: SpreadConf): string {
  const { port = 4803, daemons = [] } = segments[0] ?? {};
  const taken = daemons[0]?.clientAddresses ?? ['0.0.0.0'];
  const near = taken.some((address) => /^(0\.0\.0\.0|127\.|::)/.test(address));
  return near ? `${port}@localhost` : `${port}@ADDRESS, the one behind C of this host`;
}

function fast(): string[] {
  return NAMES.map((name) => `${name} = ${Math.floor(DEFAULTS[name][0] / SPEED_UP)}`);
}
