/** A process that is one member of a group: prints its events as JSON lines, obeys words on its standard input. */
import { createInterface } from 'node:readline';
import type { EmbeddedGroupConfig } from '../../src/config/config.ts';
import { PROFILES } from '../../src/config/profiles.ts';
import { createEmbeddedGroup } from '../../src/group/embedded.ts';

interface MemberArguments {
  readonly member: string;
  readonly profile: 'lan' | 'fast' | 'wan';
  readonly group: Pick<EmbeddedGroupConfig, 'listen' | 'peers' | 'multicast'>;
}

const given = JSON.parse(process.argv[2] ?? '') as MemberArguments;
const print = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
const log = (level: string) => (fields: object, message: string) =>
  print({ kind: 'log', level, message, fields });

const group = createEmbeddedGroup(
  {
    cluster: 'kernel',
    member: given.member,
    group: {
      engine: 'embedded',
      ...given.group,
      key: Buffer.alloc(32, 'kernel tests'),
      profile: given.profile,
      timers: PROFILES[given.profile],
    },
  },
  { log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') } },
);

try {
  await group.join((event) => {
    if (event.kind === 'message') print({ kind: 'message', text: Buffer.from(event.bytes).toString() });
    else print(event);
  });
} catch (error) {
  print({ kind: 'refused', reason: error instanceof Error ? error.message : String(error) });
  process.exit(3);
}
const ticking = setInterval(() => group.tick(), 100);
print({ kind: 'joined', self: group.self });

createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'status') print({ kind: 'status', status: group.status() });
  if (line.startsWith('say ')) group.multicast(Buffer.from(line.slice(4)));
  if (line === 'exit') process.exit(7);
  if (line !== 'leave') return;
  clearInterval(ticking);
  process.stdin.destroy();
  void group.leave().then(() => print({ kind: 'left' }));
});
