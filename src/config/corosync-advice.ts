/**
 * What failover time a corosync.conf gives, and what to write there. The arithmetic is that of corosync 3.1 as measured: a lost node is
 * noticed when the token has not come for `token`, which grows with the nodes; then the others wait for `consensus` before they go
 * on without it. Pure.
 */
import type { Millis } from '../model/time.ts';
import { type CorosyncConf, readCorosyncConf } from './corosync-conf.ts';

export interface CorosyncAdvice {
  readonly nodes: number;
  /** As corosync uses them. */
  readonly token: Millis;
  readonly consensus: Millis;
  /** How the token came about. */
  readonly tokenText: string;
  /** From the death of a daemon or its host to the membership without it. */
  readonly failover: { readonly shortest: Millis; readonly longest: Millis };
  /** Ours: after how long without any delivery a daemon is given up. */
  readonly daemonTimeout: Millis;
  /** Who says which part is primary. */
  readonly primary: string;
  /** For `totem`; absent where the file is as fast already. */
  readonly lines?: readonly string[];
  readonly warnings: readonly string[];
}

export type CorosyncAdviceResult =
  | { readonly ok: true; readonly advice: CorosyncAdvice }
  | { readonly ok: false; readonly line: number; readonly what: string; readonly mend: string };

/** exec/totemconfig.c of corosync 3.1. */
const TOKEN: Millis = 3000;
const COEFFICIENT: Millis = 650;
const JOIN: Millis = 50;
const CONSENSUS_FACTOR = 1.2;
const RETRANSMITS = 4;
/** Of corosync-qdevice(8): the longest that a new ring waits for the word of its device. */
const DEVICE_SYNC: Millis = 30_000;
/** Of anything it waits for. */
const TIMEOUT_LEAST: Millis = 30;

/** A stall of a host longer than the token splits the ring: below this, ordinary ones do. */
const TOKEN_FAST: Millis = 300;
const DAEMON_TIMEOUT_LEAST: Millis = 2000;

/** `text`: of a corosync.conf. Never throws. */
export function adviseCorosync(text: string): CorosyncAdviceResult {
  const read = readCorosyncConf(text);
  if (!read.ok) return read;
  const { conf } = read;
  const numbers = numbersOf(conf);
  if (!numbers.ok) return numbers;
  const { base, coefficient, retransmits, join, consensus: given, deviceSync } = numbers.value;
  const grown = conf.nodes > 2 ? (conf.nodes - 2) * coefficient : 0;
  const token = base + grown;
  const consensus = given ?? Math.floor(CONSENSUS_FACTOR * token);
  const refusal = refusalOf(conf, { token, consensus, join, retransmits });
  if (refusal !== undefined) return refusal;
  const longest = token + consensus;
  // An idle ring passes its token on when the hold is over, a good part of a retransmission.
  const held = token / (retransmits + 0.2);
  return {
    ok: true,
    advice: {
      nodes: conf.nodes,
      token,
      consensus,
      tokenText: grown === 0 ? `${token}` : `${base} + ${conf.nodes - 2} × ${coefficient} = ${token}`,
      failover: { shortest: Math.floor(longest - held), longest },
      daemonTimeout: Math.max(DAEMON_TIMEOUT_LEAST, Math.ceil((3 * longest + deviceSync) / 1000) * 1000),
      primary: primaryOf(conf),
      ...(token > TOKEN_FAST && { lines: FAST }),
      warnings: [
        ...ringWarnings(conf, { token, consensus }),
        ...quorumWarnings(conf),
        ...deviceWarnings(deviceSync),
        ...openWarnings(conf),
      ],
    },
  };
}

interface Numbers {
  readonly base: Millis;
  readonly coefficient: Millis;
  readonly retransmits: number;
  readonly join: Millis;
  readonly consensus: Millis | undefined;
  /** 0 without a device. */
  readonly deviceSync: Millis;
}

type NumbersResult = { readonly ok: true; readonly value: Numbers } | Refusal;
type Refusal = Extract<CorosyncAdviceResult, { ok: false }>;

function numbersOf({ settings }: CorosyncConf): NumbersResult {
  const names = ['token', 'token_coefficient', 'token_retransmits_before_loss_const', 'join', 'consensus'];
  for (const name of [...names.map((one) => `totem.${one}`), 'quorum.device.sync_timeout']) {
    const setting = settings.get(name);
    if (setting === undefined || /^\d{1,9}$/.test(setting.value)) continue;
    const what = `${name}: ${setting.value} is not a whole number`;
    return { ok: false, line: setting.line, what, mend: 'write milliseconds without a unit' };
  }
  const number = (name: string): number | undefined => {
    const setting = settings.get(name);
    return setting && Number(setting.value);
  };
  return {
    ok: true,
    value: {
      base: number('totem.token') ?? TOKEN,
      coefficient: number('totem.token_coefficient') ?? COEFFICIENT,
      retransmits: number('totem.token_retransmits_before_loss_const') ?? RETRANSMITS,
      join: number('totem.join') ?? JOIN,
      consensus: number('totem.consensus'),
      deviceSync: settings.has('quorum.device.model')
        ? (number('quorum.device.sync_timeout') ?? DEVICE_SYNC)
        : 0,
    },
  };
}

interface Times {
  readonly token: Millis;
  readonly consensus: Millis;
}

/** What corosync does not start with. */
function refusalOf(
  { settings }: CorosyncConf,
  { token, consensus, join, retransmits }: Times & { readonly join: Millis; readonly retransmits: number },
): Refusal | undefined {
  const line = (name: string) => settings.get(`totem.${name}`)?.line ?? 1;
  const retransmit = Math.floor(token / (retransmits + 0.2));
  if (retransmit < TIMEOUT_LEAST) {
    const what = `token: ${token} is sent again after ${retransmit} ms: corosync starts with ${TIMEOUT_LEAST} at least`;
    return {
      ok: false,
      line: line('token'),
      what,
      mend: `write ${Math.ceil(TIMEOUT_LEAST * (retransmits + 0.2))} or more`,
    };
  }
  if (consensus < join) {
    const what = `consensus: ${consensus} is below join: ${join}: corosync does not start`;
    return { ok: false, line: line('consensus'), what, mend: `drop it: 1.2 × token is taken then` };
  }
  return undefined;
}

function ringWarnings({ settings, nodes }: CorosyncConf, { token, consensus }: Times): string[] {
  const warnings: string[] = [];
  if (token < TOKEN_FAST)
    warnings.push(
      `token = ${token}: a host that stalls that long is out of the ring; below ${TOKEN_FAST} ordinary stalls do`,
    );
  if (consensus < Math.floor(CONSENSUS_FACTOR * token))
    warnings.push(
      `consensus = ${consensus} is below 1.2 × token: rings may form one after the other until all are in one`,
    );
  if (nodes === 0)
    warnings.push(
      'no nodelist: the token grows by token_coefficient with each node above two, which this does not count',
    );
  if (nodes > 2 && settings.has('totem.token') && !settings.has('totem.token_coefficient'))
    warnings.push(
      `token is not what is written: token_coefficient, ${COEFFICIENT} unless set, is added for each node above two; write token_coefficient: 0`,
    );
  return warnings;
}

function isOn({ settings }: CorosyncConf, key: string): boolean {
  return settings.get(`quorum.${key}`)?.value === '1';
}

function primaryOf(conf: CorosyncConf): string {
  if (conf.settings.get('quorum.provider')?.value !== 'corosync_votequorum')
    return 'nobody in corosync: no votequorum here, so the votes of our configuration decide';
  const device = conf.settings.get('quorum.device.model');
  const rules = [
    device && `a device (${device.value})`,
    isOn(conf, 'two_node') && 'two_node',
    isOn(conf, 'auto_tie_breaker') && 'auto_tie_breaker',
    isOn(conf, 'last_man_standing') && 'last_man_standing',
    // corosync takes it for granted with two_node.
    (isOn(conf, 'wait_for_all') ||
      (isOn(conf, 'two_node') && conf.settings.get('quorum.wait_for_all')?.value !== '0')) &&
      'wait_for_all',
  ].filter((rule) => typeof rule === 'string');
  return `votequorum${rules.length === 0 ? '' : ` with ${rules.join(', ')}`}`;
}

function quorumWarnings(conf: CorosyncConf): string[] {
  const warnings: string[] = [];
  if (isOn(conf, 'two_node') && !conf.settings.has('quorum.device.model'))
    warnings.push(
      'two_node: both sides of a cut have quorum, so policy `primary` serves on both; a qdevice decides between them',
    );
  if (conf.nodes === 2 && !isOn(conf, 'two_node') && !conf.settings.has('quorum.device.model'))
    warnings.push('two nodes without a qdevice: VIPs of policy `primary` stop when either fails');
  return warnings;
}

function deviceWarnings(sync: Millis): string[] {
  if (sync === 0) return [];
  return [
    `device: a new ring waits for its word, ${sync} ms at most (quorum.device.sync_timeout), on top of the failover; corosync delivers nothing meanwhile`,
  ];
}

/** Who reaches the port is in the ring. */
function openWarnings({ settings }: CorosyncConf): string[] {
  const transport = settings.get('totem.transport')?.value ?? 'knet';
  if (transport !== 'knet')
    return [
      `transport: ${transport} has no encryption: keep its port to the hosts, or use knet with crypto_cipher and crypto_hash`,
    ];
  const hash = settings.get('totem.crypto_hash')?.value ?? 'none';
  const secure = settings.get('totem.secauth')?.value;
  if (hash !== 'none' || secure === 'on' || secure === 'yes') return [];
  return [
    'no crypto_hash: whoever reaches the port is in the ring; write crypto_cipher: aes256 and crypto_hash: sha256, and make a key (corosync-keygen)',
  ];
}

const FAST = [
  `token: ${TOKEN_FAST}`,
  'token_coefficient: 0',
  `consensus: ${Math.floor(CONSENSUS_FACTOR * TOKEN_FAST)}`,
];
