/** notify scripts as our hooks, told what keepalived told them. Pure. */
import { argvOf } from './health.ts';
import { type Claim, type MovingSet, notifiesOf } from './sets.ts';
import { comment, flow } from './yaml.ts';

const EVENTS = {
  on_up: ['notify_master', 'notify'],
  on_down: ['notify_backup', 'notify_fault', 'notify_stop', 'notify'],
} as const;

type Event = keyof typeof EVENTS;

/** As many as `hooks` takes for one event. */
const COMMANDS_MAX = 16;

interface Telling {
  /** Without what keepalived adds. */
  readonly argv: readonly string[];
  /** What keepalived added behind it: `INSTANCE`, state, priority; the name comes in between. Absent: nothing. */
  readonly added?: { readonly kind: string; readonly state: string; readonly priority: number };
  readonly vips: Set<string>;
  readonly called: string;
}

export function hookLines(sets: readonly MovingSet[]): string[] {
  const lines = (Object.keys(EVENTS) as Event[]).flatMap((event) => {
    const commands = tellingsOf(event, sets).map((telling) => argvFor(telling, sets.length));
    if (commands.length === 0) return [];
    const left = commands.slice(COMMANDS_MAX).map((argv) => `    ${comment(`too many: ${flow(argv)}`)}`);
    return [
      `  ${event}:`,
      ...commands.slice(0, COMMANDS_MAX).map((argv) => `    - command: ${flow(argv)}`),
      ...left,
    ];
  });
  if (lines.length === 0) return [];
  return [
    '# notify scripts. An agent that no longer has a VIP does not say whether that is BACKUP, FAULT or STOP: scripts for any of these are',
    '# run once. What a hook is told besides, on its standard input and in its environment: docs/hooks.md.',
    'hooks:',
    ...lines,
  ];
}

/** Each script once, with the VIPs it is for. */
function tellingsOf(event: Event, sets: readonly MovingSet[]): Telling[] {
  const tellings = new Map<string, Telling>();
  for (const set of sets) {
    for (const claim of set.claims) {
      for (const keyword of EVENTS[event]) {
        for (const { command } of notifiesOf(claim).filter((one) => one.keyword === keyword)) {
          const key = JSON.stringify([keyword === 'notify', command]);
          const added = keyword === 'notify' ? { added: addedFor(event, claim) } : {};
          const telling = tellings.get(key) ?? {
            argv: argvOf(command.map(held).join(' ')),
            vips: new Set(),
            called: set.called,
            ...added,
          };
          telling.vips.add(set.name);
          tellings.set(key, telling);
        }
      }
    }
  }
  return [...tellings.values()];
}

function held(word: string): string {
  return /\s/.test(word) ? `'${word}'` : word;
}

function addedFor(event: Event, { group, instances: [first] }: Claim): Telling['added'] & object {
  const kind = (group?.notifies ?? []).length > 0 ? 'GROUP' : 'INSTANCE';
  return { kind, state: event === 'on_up' ? 'MASTER' : 'BACKUP', priority: first?.priority ?? 100 };
}

/** Hooks are run for every VIP: a script that is not for all of them looks first which one it is. */
function argvFor({ argv, added, vips, called }: Telling, sets: number): string[] {
  const words = (name: string) =>
    added === undefined ? [] : [added.kind, name, added.state, String(added.priority)];
  if (sets === 1) return [...argv, ...words(called)];
  const call = ['exec "$@"', ...words('"$WACKAMOLE_VIP"')].join(' ');
  if (vips.size < sets)
    return [
      '/bin/sh',
      '-c',
      `case " $0 " in *" $WACKAMOLE_VIP "*) ${call};; esac`,
      [...vips].join(' '),
      ...argv,
    ];
  return added === undefined ? [...argv] : ['/bin/sh', '-c', call, 'notify', ...argv];
}
