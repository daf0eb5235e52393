/** track_script, track_process and track_interface as our health checks. Pure. */
import type { Script, Track } from './model.ts';
import { free, type HostModel, type MovingSet, tracksOf } from './sets.ts';
import { splitWords } from './values.ts';
import { comment, flow, quoted } from './yaml.ts';

interface Check {
  readonly name: string;
  /** The line of YAML without VIPs and penalty. */
  readonly settings: string;
  readonly penalty?: number;
  readonly remarks: readonly string[];
}

interface Counted extends Check {
  readonly vips: Set<string>;
  readonly members: Set<string>;
}

export function checkLines(sets: readonly MovingSet[], hosts: readonly HostModel[]): string[] {
  const checks = new Map<string, Counted>();
  const remarks = new Set<string>();
  for (const set of sets) {
    for (const claim of set.claims) {
      const host = hosts.find(({ member }) => member === claim.member)!;
      const together = claim.group !== undefined && !claim.group.weighted;
      for (const check of checksOf(tracksOf(claim), { host, set, together, remarks })) {
        const key = JSON.stringify([check.name, check.settings, check.penalty]);
        const counted = checks.get(key) ?? { ...check, vips: new Set<string>(), members: new Set<string>() };
        counted.vips.add(set.name);
        counted.members.add(claim.member);
        checks.set(key, counted);
      }
    }
  }
  const lines = written([...checks.values()], sets.length, hosts.length);
  if (lines.length === 0) return [...remarks].map(comment);
  return [
    '# A failing check moves the VIPs to a host where it passes. Where it fails on all hosts keepalived served nobody, and ours goes on',
    '# serving from one of them: write `when_all_fail: release` for the old way.',
    ...[...remarks].map(comment),
    'checks:',
    ...lines,
  ];
}

function written(checks: readonly Counted[], sets: number, hosts: number): string[] {
  const names = new Set<string>();
  return checks.flatMap(({ name, settings, penalty, remarks, vips, members }) => {
    const parts = [
      settings,
      ...(penalty === undefined ? [] : [`penalty: ${penalty}`]),
      ...(vips.size < sets ? [`vips: ${flow([...vips])}`] : []),
    ];
    const some =
      members.size < hosts
        ? [`only on ${[...members].join(', ')}: drop it from the files of the others.`]
        : [];
    return [
      ...[...remarks, ...some].map((text) => `  ${comment(text)}`),
      `  ${quoted(free(name, names))}: { ${parts.join(', ')} }`,
    ];
  });
}

interface Scope {
  readonly host: HostModel;
  readonly set: MovingSet;
  /** A sync group: weights do not count, each failure counts whole. */
  readonly together: boolean;
  readonly remarks: Set<string>;
}

function checksOf(tracks: ReturnType<typeof tracksOf>, scope: Scope): Check[] {
  const { model } = scope.host;
  const scripts = tracks.scripts.flatMap((track) => {
    const script = model.scripts.get(track.name);
    if (script === undefined)
      scope.remarks.add(`track_script ${track.name}: there is no vrrp_script of that name.`);
    else
      return weighted(track, script, {
        ...scope,
        settings: scriptSettings(script),
        extra: scriptRemarks(script),
      });
    return [];
  });
  const processes = tracks.processes.flatMap((track) => {
    const process = model.processes.get(track.name);
    if (process === undefined)
      scope.remarks.add(`track_process ${track.name}: there is no vrrp_track_process of that name.`);
    else
      return weighted(track, process, {
        ...scope,
        settings: `process: ${quoted(process.process)}`,
        extra: [],
      });
    return [];
  });
  return [...scripts, ...processes, ...tracks.interfaces.flatMap((track) => interfaceCheck(track, scope))];
}

interface Weighing extends Scope {
  readonly settings: string;
  readonly extra: readonly string[];
}

function weighted(
  track: Track,
  { weight: usual, reverse: reversed }: { readonly weight: number; readonly reverse: boolean },
  { settings, extra, together, remarks }: Weighing,
): Check[] {
  const weight = together ? 0 : (track.weight ?? usual);
  const name = checkName(track.name);
  if (track.reverse || reversed) {
    remarks.add(
      `${track.name} counts in reverse, which has no counterpart: let the check itself say the opposite.`,
    );
    return [];
  }
  if (weight === 0) return [{ name, settings, remarks: extra }];
  const penalty = Math.min(1000, Math.abs(weight));
  const text = `weight ${weight}: while it fails this host only serves where nobody has less penalty; keepalived moved only if that changed who has most.`;
  return [{ name, settings, penalty, remarks: [...extra, text] }];
}

function interfaceCheck(track: Track, scope: Scope): Check[] {
  const carries = scope.set.addresses.some((address) => address.interface === track.name);
  if (carries) {
    scope.remarks.add(
      `track_interface ${track.name}: it carries addresses, so it is watched without a check.`,
    );
    return [];
  }
  const settings = `interface: ${quoted(track.name)}`;
  return weighted(
    { ...track, name: `link-${track.name}` },
    { weight: 0, reverse: false },
    { ...scope, settings, extra: [] },
  );
}

function checkName(name: string): string {
  const plain = name
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 56);
  return plain === '' || plain in Object.prototype ? 'check' : plain;
}

function scriptSettings(script: Script): string {
  const { interval, timeout = interval, rise, fall } = script;
  const between = clamp(interval, 0.1, 3600);
  const within = clamp(Math.min(timeout, between), 0.05, 600);
  const rest = `interval: ${duration(between)}, timeout: ${duration(within)}, rise: ${Math.min(rise, 100)}, fall: ${Math.min(fall, 100)}`;
  return `${lookOf(script.command)}, ${rest}`;
}

/** Common ways to ask for a process or a port need no program here. */
function lookOf(command: string): string {
  const process = /^(?:\S*\/)?(?:killall5? -0|pkill -0|pidof(?: -s)?|pgrep(?: -x)?) ([A-Za-z0-9._-]+)$/.exec(
    command.trim(),
  );
  if (process !== null) return `process: ${quoted(process[1]!)}`;
  const port = /^<\s*\/dev\/tcp\/(\d+\.\d+\.\d+\.\d+|localhost)\/(\d{1,5})$/.exec(command.trim());
  if (port !== null) return `tcp: "${port[1] === 'localhost' ? '127.0.0.1' : port[1]}:${port[2]}"`;
  return `command: ${flow(argvOf(command))}`;
}

/** keepalived looks programs up on its path; here the first word is the whole path, and no shell reads the rest. */
export function argvOf(command: string): string[] {
  if (/[|&;<>$`\n*?~]|\(|\)/.test(command)) return ['/bin/sh', '-c', command.replaceAll('\n', ' ')];
  const words = splitWords(command);
  return words[0]?.startsWith('/') === true ? words : ['/usr/bin/env', ...words];
}

function scriptRemarks({ user, command, timeout, interval, fall, rise }: Script): string[] {
  const words = lookOf(command).startsWith('command') ? argvOf(command) : [];
  return [
    ...(user === undefined
      ? []
      : [
          `user ${user}: the agent's own user runs it; where the agent runs as root, write user: ${quoted(user)}`,
        ]),
    ...(words[0] === '/usr/bin/env'
      ? [`${words[1]} is looked up on the path: write the whole path of the program instead of /usr/bin/env.`]
      : []),
    ...(words[0] === '/bin/sh' ? ['it was written for a shell, so a shell runs it.'] : []),
    ...(timeout !== undefined && timeout > interval
      ? [`its timeout of ${timeout}s was longer than its interval.`]
      : []),
    ...(Math.max(fall, rise) > 100 ? ['rise and fall are at most 100 here.'] : []),
  ];
}

function clamp(seconds: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, seconds));
}

export function duration(seconds: number): string {
  return Number.isInteger(seconds) ? `${seconds}s` : `${Math.round(seconds * 1000)}ms`;
}
