/** Files of those we come from: the original Wackamole's and keepalived's, mutated and made of right and wrong words. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { importOriginal } from '../../../src/config/import/convert.ts';
import { importKeepalived } from '../../../src/config/import/keepalived/convert.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import { formatProblem } from '../../../src/config/problem.ts';
import { nearlyText } from '../bytes.ts';
import { demand, type Target } from '../target.ts';

interface Input {
  readonly text: string;
}

interface Told {
  readonly line: number;
  readonly column: number;
  readonly what: string;
  readonly mend: string;
}

function checkComplaints(complaints: readonly Told[], text: string): void {
  const lines = text.split('\n').length;
  demand(complaints.length > 0, () => 'refused without a reason');
  for (const { line, column, what, mend } of complaints) {
    demand(
      line >= 1 && line <= lines && column >= 1,
      () => `a problem at ${line}:${column} of ${lines} lines`,
    );
    demand(what !== '' && mend !== '', () => 'a problem without words, or without a way to mend it');
    demand(what.length + mend.length < 2000, () => `a problem of ${what.length + mend.length} characters`);
  }
}

/** What an import prints, our own parser takes, on every host of it. */
function checkResult(yaml: string, hostName: string): void {
  const parsed = parseConfig(yaml, { fileName: 'w.yaml', hostName });
  demand(parsed.ok, () => (parsed.ok ? '' : parsed.problems.slice(0, 3).map(formatProblem).join('\n')));
}

const ORIGINAL = [
  `Spread = 4803
SpreadRetryInterval = 5s
Group = wack1
Control = /var/run/wack.it
Mature = 5s
Balance {
  AcquisitionsPerRound = all
  interval = 4s
}
Prefer { eth0:10.0.0.1/32 10.0.0.0/28 }
VirtualInterfaces {
  { eth0:10.0.0.1/24 eth1:10.1.0.1/24n28 }
  eth0:10.0.0.2/32
}
Arp-Cache = 90s
Notify {
  eth0:10.0.0.254/32 throttle 16 ping
  arp-cache
}
RunDynamic "x:y" on up
`,
  "spread = '4803@host' # c\nVips { eth0:192.0.2.1/32 }\nPrefer None\nNotify None\nLogFacility = local0\nPerlUse Foo::Bar\n",
];
const ORIGINAL_WORDS = [
  ...[
    'Spread',
    '=',
    '4803',
    'Group',
    'Control',
    'Mature',
    '5s',
    '1h',
    'Balance',
    '{',
    '}',
    'AcquisitionsPerRound',
    'all',
    'interval',
  ],
  ...[
    'Prefer',
    'None',
    'Vips',
    'VirtualInterfaces',
    'eth0:10.0.0.1/24',
    'eth0:10.0.0.1/24n16',
    '10.0.0.0/8',
    'eth0:300.0.0.1/33',
  ],
  ...[
    'Notify',
    'arp-cache',
    'throttle',
    'ping',
    'RunDynamic',
    'on',
    'up',
    'post',
    'down',
    '"a b"',
    "'x'",
    '#',
    '\n',
    '0',
    '99999999',
    'PerlUse',
  ],
];

const FOLDER = join(import.meta.dirname, '../../fixtures/keepalived');
const KEEPALIVED_WORDS = [
  ...[
    'vrrp_instance',
    'vrrp_sync_group',
    'vrrp_script',
    'vrrp_track_process',
    'global_defs',
    'VI_1',
    '{',
    '}',
    '\n',
    '\n',
    '\n',
    'interface',
  ],
  ...[
    'eth0',
    'priority',
    '100',
    '255',
    '-20',
    '0',
    'state',
    'MASTER',
    'virtual_ipaddress',
    '10.0.0.1/24',
    '10.0.0.1',
    'fe80::1/64',
  ],
  ...[
    '10.0.0.0/24',
    'dev',
    'label',
    'track_script',
    'track_interface',
    'track_process',
    'weight',
    'reverse',
    'script',
    '"/bin/true a"',
    'interval',
  ],
  ...[
    'group',
    'unicast_peer',
    'unicast_src_ip',
    '192.0.2.1',
    'notify',
    'notify_master',
    '"',
    "'",
    '\\',
    '!',
    '#',
    '$X=1',
    '${X}',
    '$X',
  ],
  ...[
    '@a',
    '@^a',
    '~SEQ(A,1,3)',
    '~LST(B,x,y)',
    '${A}',
    'include x.conf',
    'include *.conf',
    'process',
    'nginx',
    'router_id',
    '__proto__',
    'x'.repeat(80),
  ],
  ...['$Y=${Y}${Y}', '$Z=$Z', 'nopreempt', 'preempt_delay', 'advert_int', '0.01', 'user', 'constructor'],
];

const spaced = (words: readonly string[]) =>
  fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((list) => ({ text: list.join(' ') }));
const nearly = (texts: readonly string[]) => nearlyText(texts).map((text) => ({ text }));

export const importsOriginal: Target<Input> = {
  name: 'imports-original',
  about: 'wackamole.conf of the original (src/config/import)',
  share: 2,
  patience: 400,
  inputs: () =>
    fc.oneof({ arbitrary: nearly(ORIGINAL), weight: 4 }, { arbitrary: spaced(ORIGINAL_WORDS), weight: 2 }),
  check: ({ text }) => {
    const result = importOriginal(text, { fileName: 'w.conf', member: 'a' });
    if (result.ok) checkResult(result.text, 'a');
    else checkComplaints(result.complaints, text);
  },
};

export const importsKeepalived: Target<Input> = {
  name: 'imports-keepalived',
  about: 'keepalived.conf (src/config/import/keepalived)',
  share: 2,
  patience: 400,
  inputs: () => {
    const files = readdirSync(FOLDER).filter((name) => name.endsWith('.conf') && name !== 'large.conf');
    const texts = files.map((name) => readFileSync(join(FOLDER, name), 'utf8'));
    return fc.oneof(
      { arbitrary: nearly(texts), weight: 4 },
      { arbitrary: spaced(KEEPALIVED_WORDS), weight: 2 },
    );
  },
  check: ({ text }) => {
    const file = { name: 'k.conf', text };
    // A file that includes itself, and one that includes nothing.
    const includes = ({ pattern }: { pattern: string }) => (pattern.includes('*') ? [] : [file]);
    const result = importKeepalived([{ file, member: 'a', address: '192.0.2.77' }], {
      includes,
      hostName: 'a',
    });
    demand(result.kind !== 'wants', () => 'asks for files that it was given');
    if (result.kind === 'done') checkResult(result.text, 'a');
    else if (result.kind === 'wrong') checkComplaints(result.complaints, text);
  },
};
