/**
 * Reads a spread.conf as daemons 4.4.0 and 5.0.1 do: words, not lines; `#` begins a comment but in quotes; keywords as they are
 * written, with blanks around `=`. Takes what either version takes, and says what only one does. Pure; never throws.
 */

export interface SpreadSegment {
  /** As written, without a port. */
  readonly address: string;
  readonly port: number;
  readonly daemons: readonly SpreadConfDaemon[];
}

export interface SpreadConfDaemon {
  readonly name: string;
  /** Absent: looked up by name. */
  readonly address?: string;
  /** Addresses at which clients are taken in; absent: all. */
  readonly clientAddresses?: readonly string[];
}

export interface SpreadSetting {
  readonly value: string;
  readonly line: number;
}

export interface SpreadConf {
  readonly segments: readonly SpreadSegment[];
  /** By keyword; the last one counts where it stands more than once. */
  readonly settings: ReadonlyMap<string, SpreadSetting>;
  /** Keywords that one of the versions does not know and refuses to start with. */
  readonly onlyIn: readonly { readonly keyword: string; readonly line: number; readonly version: 4 | 5 }[];
}

export interface SpreadConfComplaint {
  readonly line: number;
  readonly what: string;
  readonly mend: string;
}

export type SpreadConfResult =
  | { readonly ok: true; readonly conf: SpreadConf }
  | ({ readonly ok: false } & SpreadConfComplaint);

type Shape = 'number' | 'yes' | 'on' | 'text' | 'flags' | 'bare' | 'bare or text' | 'block';

const SHAPES: Readonly<Record<string, Shape>> = {
  DebugFlags: 'flags',
  EventPriority: 'text',
  EventLogFile: 'text',
  EventTimeStamp: 'bare or text',
  EventPreciseTimeStamp: 'bare',
  DangerousMonitor: 'yes',
  SocketPortReuse: 'on',
  RuntimeDir: 'text',
  DaemonUser: 'text',
  DaemonGroup: 'text',
  AllowedAuthMethods: 'text',
  RequiredAuthMethods: 'text',
  AccessControlPolicy: 'text',
  MaxSessionMessages: 'number',
  Window: 'number',
  PersonalWindow: 'number',
  AcceleratedRing: 'yes',
  AcceleratedWindow: 'number',
  TokenTimeout: 'number',
  HurryTimeout: 'number',
  AliveTimeout: 'number',
  JoinTimeout: 'number',
  RepTimeout: 'number',
  SegTimeout: 'number',
  GatherTimeout: 'number',
  FormTimeout: 'number',
  LookupTimeout: 'number',
  // Of 5 alone.
  ActiveIPVersion: 'text',
  WideAreaNetwork: 'yes',
  ExcludeSegAddrsFromHash: 'yes',
  IgnoreMulticastJoinErrors: 'yes',
  // Of 4 alone.
  DebugInitialSequence: 'bare',
  LinkProtocol: 'text',
  RouteMatrix: 'block',
};

const ONLY_IN: Readonly<Record<string, 4 | 5>> = {
  ActiveIPVersion: 5,
  WideAreaNetwork: 5,
  ExcludeSegAddrsFromHash: 5,
  IgnoreMulticastJoinErrors: 5,
  DebugInitialSequence: 4,
  LinkProtocol: 4,
  RouteMatrix: 4,
};

const SEGMENT = 'Spread_Segment';
const PORT = 4803;
const KEYWORDS = [SEGMENT, ...Object.keys(SHAPES)];

interface Token {
  readonly text: string;
  readonly quoted: boolean;
  readonly line: number;
}

export function readSpreadConf(text: string): SpreadConfResult {
  try {
    return { ok: true, conf: new Reader(text).conf() };
  } catch (error) {
    if (error instanceof Complaint) return { ok: false, ...error.complaint };
    throw error;
  }
}

/** Never leaves this file. */
class Complaint extends Error {
  readonly complaint: SpreadConfComplaint;

  constructor(complaint: SpreadConfComplaint) {
    super(complaint.what);
    this.complaint = complaint;
  }
}

const WORD = /#[^\n]*|"([^"]*)"|'([^']*)'|\[[0-9A-Fa-f:.%\w]*\](?::\d+)?|[{}]|[^\s#{}[\]]+|[[\]]/g;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let counted = 0;
  for (const match of text.matchAll(WORD)) {
    for (; counted < match.index; counted += 1) if (text[counted] === '\n') line += 1;
    const [word, double, single] = match;
    if (word.startsWith('#')) continue;
    const quoted = double ?? single;
    tokens.push({ text: quoted ?? word, quoted: quoted !== undefined, line });
  }
  return tokens;
}

class Reader {
  readonly #tokens: readonly Token[];
  readonly #end: Token;
  #at = 0;
  readonly #segments: SpreadSegment[] = [];
  readonly #settings = new Map<string, SpreadSetting>();
  readonly #onlyIn: { keyword: string; line: number; version: 4 | 5 }[] = [];

  constructor(text: string) {
    this.#tokens = tokensOf(text);
    this.#end = { text: '', quoted: false, line: text.split('\n').length };
  }

  conf(): SpreadConf {
    while (this.#at < this.#tokens.length) {
      const token = this.#next();
      if (token.text === SEGMENT && !token.quoted) this.#segment();
      else this.#setting(token);
    }
    return { segments: this.#segments, settings: this.#settings, onlyIn: this.#onlyIn };
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? this.#end;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #take(text: string): boolean {
    const token = this.#peek();
    if (token.quoted || token.text !== text) return false;
    this.#at += 1;
    return true;
  }

  #demand(text: string, what: string): void {
    const token = this.#peek();
    if (!this.#take(text))
      throw complaint(token, `${nameOf(token)} where ${what} needs "${text}"`, `write "${text}" there`);
  }

  #setting(token: Token): void {
    const { text: keyword, line } = token;
    const shape = Object.hasOwn(SHAPES, keyword) && !token.quoted ? SHAPES[keyword] : undefined;
    if (shape === undefined)
      throw complaint(token, `${nameOf(token)} is no setting of Spread`, mendOf(token));
    const version = ONLY_IN[keyword];
    if (version !== undefined) this.#onlyIn.push({ keyword, line, version });
    this.#settings.set(keyword, { value: this.#value(keyword, shape), line });
  }

  #value(keyword: string, shape: Shape): string {
    if (shape === 'bare') return '';
    if (shape === 'block') return this.#block(keyword);
    if (shape === 'bare or text' && !this.#take('=')) return '';
    if (shape !== 'bare or text') this.#demand('=', keyword);
    if (shape === 'flags') return this.#block(keyword);
    const token = this.#next();
    const fits = { number: /^[1-9]\d{0,8}$/, yes: /^(true|yes|false|no)$/i, on: /^(on|off|auto)$/i };
    const wanted = { number: 'a whole number from 1 on', yes: 'true or false', on: 'ON, OFF or AUTO' };
    if (shape === 'number' || shape === 'yes' || shape === 'on') {
      if (token.quoted || !fits[shape].test(token.text)) {
        const what = `${keyword} = ${nameOf(token)}: not ${wanted[shape]}`;
        throw complaint(token, what, `write ${wanted[shape]}`);
      }
    } else if (token === this.#end || isBracket(token)) {
      throw complaint(token, `${keyword} has no value`, 'write one behind "="');
    }
    return token.text;
  }

  #block(keyword: string): string {
    this.#demand('{', keyword);
    const words: string[] = [];
    while (!this.#take('}')) {
      const token = this.#next();
      if (token === this.#end) throw complaint(token, `${keyword} has no end`, 'write "}" behind it');
      words.push(token.text);
    }
    return words.join(' ');
  }

  #segment(): void {
    const token = this.#next();
    const first = addressOf(token.text);
    if (first === undefined) {
      const mend = `write it as ${SEGMENT} 10.0.0.255:${PORT} {`;
      throw complaint(token, `${nameOf(token)} is no address of a segment`, mend);
    }
    // 5.0.1 takes further addresses.
    while (addressOf(this.#peek().text) !== undefined) this.#next();
    this.#demand('{', SEGMENT);
    const daemons: SpreadConfDaemon[] = [];
    while (!this.#take('}')) daemons.push(this.#daemon());
    this.#segments.push({ address: first.address, port: first.port ?? PORT, daemons });
  }

  #daemon(): SpreadConfDaemon {
    const token = this.#next();
    if (token === this.#end) throw complaint(token, 'a segment has no end', 'write "}" behind its daemons');
    if (isBracket(token) || (KEYWORDS.includes(token.text) && !token.quoted))
      throw complaint(token, `${nameOf(token)} where a daemon is expected`, 'write "}" before it, or a name');
    const only = addressOf(token.text) === undefined ? undefined : token.text;
    const address = only ?? (addressOf(this.#peek().text) === undefined ? undefined : this.#next().text);
    if (this.#take('VirtualID')) {
      this.#demand('=', 'VirtualID');
      this.#next();
    }
    const clientAddresses = this.#take('{') ? this.#interfaces(token) : undefined;
    this.#take(';');
    return {
      name: token.text,
      ...(address !== undefined && { address }),
      ...(clientAddresses !== undefined && { clientAddresses }),
    };
  }

  /** Letters before an address say for what it is; none: for everything. */
  #interfaces(daemon: Token): string[] {
    const clients: string[] = [];
    while (!this.#take('}')) {
      const letters: string[] = [];
      while (['C', 'D', 'M'].includes(this.#peek().text)) letters.push(this.#next().text);
      const token = this.#next();
      if (addressOf(token.text) === undefined) {
        const mend = 'write addresses, with D, C or M before them';
        throw complaint(token, `${nameOf(token)} where ${daemon.text} needs an address`, mend);
      }
      if (letters.length === 0 || letters.includes('C')) clients.push(token.text);
    }
    return clients;
  }
}

function isBracket({ text, quoted }: Token): boolean {
  return !quoted && ['{', '}', '[', ']', '='].includes(text);
}

function nameOf({ text }: Token): string {
  return text === '' ? 'the end of the file' : JSON.stringify(text);
}

/** Why it may not be what it was meant to be. */
function mendOf({ text }: Token): string {
  const [before = ''] = text.split('=');
  const exact = KEYWORDS.find((keyword) => keyword.toLowerCase() === before.toLowerCase());
  if (exact === undefined) return 'drop it, or mend its spelling';
  return text.includes('=') ? `write blanks around "=": ${exact} = …` : `write it as ${exact}`;
}

/** An address as in spread.conf, with or without a port. */
function addressOf(text: string): { readonly address: string; readonly port?: number } | undefined {
  const four = /^(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?$/.exec(text);
  const six = /^(?:\[([^\]]*:[^\]]*)\]:(\d{1,5})|([0-9A-Fa-f]*(?::[0-9A-Fa-f]*){2,7}(?:%\S+)?))$/.exec(text);
  const [address, port] = [four?.[1] ?? six?.[1] ?? six?.[3], four?.[2] ?? six?.[2]];
  if (address === undefined) return undefined;
  return { address, ...(port !== undefined && { port: Number(port) }) };
}

function complaint({ line }: Token, what: string, mend: string): Complaint {
  return new Complaint({ line, what, mend });
}
