/** The rehearsal: could this host carry these VIPs, and what would surprise? Looks and asks; changes nothing. */
import type { LocalProviderConfig } from '../../src/config/config.ts';
import type { Vip, VipId } from '../../src/model/vip.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { InterfaceTable } from '../../src/platform/interface-watch.ts';
import { openRouteRequests } from '../../src/platform/netlink.ts';
import { type FrameSender, openFrameSender } from '../../src/platform/packet-socket.ts';
import { readSysctl } from '../../src/platform/sysctl.ts';
import type { Check, RehearsalContext } from '../../src/provider/provider.ts';
import { Snapshot } from './address-book.ts';
import { judge } from './fitness.ts';
import { missingRights } from './host.ts';
import { describe } from './inspection.ts';
import { type Placement, placementsOf } from './placement.ts';
import { readinessChecks } from './readiness.ts';
import { type Question, SilenceProbe } from './silence.ts';

export interface RehearsalOptions {
  readonly config: LocalProviderConfig;
  readonly signal: AbortSignal;
  /** Whether this run holds it now. */
  readonly held: (vip: VipId) => boolean;
  /** What another process, the agent of this host, knows; absent: none runs. */
  readonly context?: RehearsalContext;
}

export async function rehearse(vips: readonly Vip[], options: RehearsalOptions): Promise<Check[]> {
  const requests = openRouteRequests();
  const interfaces = new InterfaceTable();
  let snapshot: Snapshot;
  try {
    interfaces.refresh(requests);
    snapshot = new Snapshot(requests.addresses());
  } finally {
    requests.close();
  }
  const placed = vips.map((vip) => ({ vip, placements: placementsOf(vip, options.config) }));
  const names = [
    ...new Set(placed.flatMap(({ placements }) => placements.map((one) => one.interfaceName))),
  ].sort();
  return [
    rights(),
    ...readinessChecks(),
    ...names.map((name) => interfaceCheck(name, interfaces)),
    // Of an interface that is not there nothing is set.
    ...names
      .filter((name) => interfaces.byName(name) !== undefined)
      .flatMap((name) =>
        settingChecks(
          name,
          placed.flatMap(({ placements }) => placements),
        ),
      ),
    ...placed.flatMap(({ vip, placements }) =>
      leftoverCheck(vip, placements, { snapshot, interfaces, options }),
    ),
    ...(await strangerChecks(placed, { interfaces, options })),
  ];
}

function rights(): Check {
  const missing = missingRights();
  if (missing.length === 0)
    return { what: 'rights', verdict: 'pass', detail: 'CAP_NET_ADMIN and CAP_NET_RAW' };
  return {
    what: 'rights',
    verdict: 'fail',
    detail: `missing: ${missing.join(', ')}`,
    mend: 'run as root, or give the service AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW',
  };
}

function interfaceCheck(name: string, interfaces: InterfaceTable): Check {
  const link = interfaces.byName(name);
  const { fit, reason } = judge(name, link);
  if (fit && link !== undefined && !link.resolves) {
    return {
      what: `interface ${name}`,
      verdict: 'warn',
      detail: `${reason}, but neighbours are not resolved on it: nothing can be announced or asked there`,
      mend: 'name an Ethernet interface, or see to it that traffic for the VIP is routed to its holder',
    };
  }
  const what = `interface ${name}`;
  if (fit) return { what, verdict: 'pass', detail: reason };
  return {
    what,
    verdict: 'fail',
    detail: reason,
    mend: 'mend the interface, or name another one in the configuration',
  };
}

function settingChecks(name: string, placements: readonly Placement[]): Check[] {
  const mine = placements.filter(({ interfaceName }) => interfaceName === name);
  const checks: Check[] = [];
  if (mine.some(({ family }) => family === 4)) {
    checks.push(arpIgnoreCheck(name));
    if (mine.some(({ family, prefixLength }) => family === 4 && prefixLength < 32))
      checks.push(secondariesCheck(name));
    checks.push(returnPathCheck(name));
  }
  if (mine.some(({ family }) => family === 6)) checks.push(ipv6Check(name));
  return checks;
}

/** For these settings the kernel takes the greater of `all` and the interface's own. */
function effective(name: string, setting: string): number | undefined {
  const values = ['all', name].map((part) => readSysctl('net', 'ipv4', 'conf', part, setting));
  const known = values.flatMap((value) => (value === undefined ? [] : [Number(value)]));
  return known.length === 0 ? undefined : Math.max(...known);
}

function arpIgnoreCheck(name: string): Check {
  const what = `arp_ignore of ${name}`;
  const value = effective(name, 'arp_ignore');
  if (value === undefined) return unreadable(what);
  const announce = effective(name, 'arp_announce') ?? 0;
  if (value >= 3) {
    return {
      what,
      verdict: 'fail',
      detail: `${value}: the kernel would not answer ARP for the VIP`,
      mend: `sysctl net.ipv4.conf.${name}.arp_ignore=1`,
    };
  }
  if (value === 0) {
    return {
      what,
      verdict: 'warn',
      detail: `0: other interfaces of this host on the same link answer for the VIP too (arp_announce is ${announce})`,
      mend: `on a host with several interfaces on one link: sysctl net.ipv4.conf.${name}.arp_ignore=1 arp_announce=2`,
    };
  }
  return { what, verdict: 'pass', detail: `${value} (arp_announce ${announce})` };
}

function secondariesCheck(name: string): Check {
  const what = `promote_secondaries of ${name}`;
  const value = effective(name, 'promote_secondaries');
  if (value === undefined) return unreadable(what);
  if (value > 0) return { what, verdict: 'pass', detail: 'a VIP that ends takes no other address along' };
  return {
    what,
    verdict: 'warn',
    detail: '0: the agent will set 1 when it starts; without it a VIP that ends takes its whole subnet along',
    mend: `sysctl net.ipv4.conf.${name}.promote_secondaries=1, or give the VIPs the prefix length 32`,
  };
}

function returnPathCheck(name: string): Check {
  const what = `rp_filter of ${name}`;
  const value = effective(name, 'rp_filter');
  if (value === undefined) return unreadable(what);
  if (value !== 1) return { what, verdict: 'pass', detail: String(value) };
  return {
    what,
    verdict: 'warn',
    detail:
      '1 (strict): packets to the VIP are dropped when the way back to their sender leaves by another interface',
    mend: `where clients come over several interfaces: sysctl net.ipv4.conf.${name}.rp_filter=2`,
  };
}

function ipv6Check(name: string): Check {
  const what = `IPv6 on ${name}`;
  const value = readSysctl('net', 'ipv6', 'conf', name, 'disable_ipv6');
  if (value === undefined) return unreadable(what);
  if (value === '0') return { what, verdict: 'pass', detail: 'enabled' };
  return {
    what,
    verdict: 'fail',
    detail: 'switched off',
    mend: `sysctl net.ipv6.conf.${name}.disable_ipv6=0`,
  };
}

function unreadable(what: string): Check {
  return { what, verdict: 'unknown', detail: 'cannot be read', mend: 'look at it by hand with sysctl' };
}

interface Looked {
  readonly snapshot: Snapshot;
  readonly interfaces: InterfaceTable;
  readonly options: RehearsalOptions;
}

function leftoverCheck(vip: Vip, placements: readonly Placement[], looked: Looked): Check[] {
  const { held, context } = looked.options;
  if (held(vip.id) || context?.elsewhere.includes(vip.id)) return [];
  const found = describe(placements, { ...looked, expected: false, guarded: true });
  if (!found.held) return [];
  if (context?.here.includes(vip.id)) {
    return [
      {
        vip: vip.id,
        what: 'address on this host',
        verdict: 'pass',
        detail: 'held by the agent that runs here',
      },
    ];
  }
  return [
    {
      vip: vip.id,
      what: 'address on this host',
      verdict: 'warn',
      detail: `${found.reason}; the agent removes it when it starts`,
      mend: 'take it out of the network configuration of this host: the agent alone shall set it',
    },
  ];
}

interface Placed {
  readonly vip: Vip;
  readonly placements: readonly Placement[];
}

async function strangerChecks(placed: readonly Placed[], looked: Omit<Looked, 'snapshot'>): Promise<Check[]> {
  const { config, signal, held, context } = looked.options;
  if (missingRights().length > 0) return [];
  const checks: Check[] = [];
  // Nobody is asked for what members hold: a question is heard by whoever is about to take it over.
  const known = new Set([...(context?.here ?? []), ...(context?.elsewhere ?? [])]);
  for (const { vip } of placed) {
    if (!context?.elsewhere.includes(vip.id)) continue;
    checks.push({
      vip: vip.id,
      what: 'address on the link',
      verdict: 'pass',
      detail: 'held by another member',
    });
  }
  const until = monotonicNow();
  const questions = placed.flatMap(({ vip, placements }): Question<Vip>[] => {
    const standings = placements.flatMap((placement) => {
      const link = looked.interfaces.byName(placement.interfaceName);
      return link?.resolves && link.up ? [{ ...placement, interfaceIndex: link.index }] : [];
    });
    return held(vip.id) || known.has(vip.id) || standings.length === 0
      ? []
      : [{ subject: vip, standings, until }];
  });
  const sender: FrameSender = openFrameSender();
  try {
    await new SilenceProbe(
      { interval: Math.max(20, config.silence_probe_interval_ms), rounds: config.silence_probes },
      { sender, linkOf: (index) => looked.interfaces.byIndex(index), links: () => looked.interfaces.all() },
    ).ask(questions, {
      signal,
      wanted: () => true,
      settled: (answers) => {
        for (const { question, verdict } of answers) {
          const what = 'address on the link';
          const vip = question.subject.id;
          if (verdict.kind === 'silent')
            checks.push({ vip, what, verdict: 'pass', detail: 'nobody answers for it' });
          else if (verdict.kind === 'aborted') checks.push({ ...unreadable(what), vip });
          else if (verdict.kind === 'failed') {
            const mend = 'mend that and ask again; until then nobody knows whether a stranger has it';
            checks.push({ vip, what, verdict: 'unknown', detail: verdict.reason, mend });
          } else {
            checks.push({
              vip,
              what,
              verdict: 'warn',
              detail: `${verdict.address} is answered for by ${verdict.mac}`,
              mend: 'right if a running member holds it; else find that host and free the address',
            });
          }
        }
      },
    });
  } finally {
    sender.close();
  }
  return checks;
}
