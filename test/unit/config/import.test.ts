/** The original Wackamole's files: read completely, and what comes out is a configuration of ours without a warning. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { importOriginal } from '../../../src/config/import/convert.ts';
import { readOriginal } from '../../../src/config/import/original.ts';
import { parseConfig } from '../../../src/config/parse.ts';

function imported(text: string): string {
  const result = importOriginal(text, { fileName: 'wackamole.conf', member: 'a' });
  if (!result.ok) throw new Error(JSON.stringify(result.complaints));
  return result.text;
}

function configOf(text: string) {
  const result = parseConfig(imported(text), { fileName: 'w.yaml', hostName: 'a' });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  expect(result.warnings).toEqual([]);
  return result.config;
}

function complaintOf(text: string): string {
  const result = importOriginal(text, { fileName: 'wackamole.conf', member: 'a' });
  if (result.ok) throw new Error(`it is right: ${result.text}`);
  return result.complaints.map(({ line, column, what }) => `${line}:${column} ${what}`).join('\n');
}

const VIFS = 'Vifs { eth0:10.0.0.100/24 }';

describe('a file of the original', () => {
  test('with every setting becomes ours', () => {
    const config = configOf(`
      # a comment
      Spread = 4803@10.0.0.1 SpreadRetryInterval = 5s
      Group = wack1 Control = /var/run/wack.it
      LogFacility = local0   mature = 2m
      Arp-Cache = 90s
      Balance { AcquisitionsPerRound = 3 interval = 4s }
      prefer { eth0:10.0.0.101/32 eth0:10.1.0.0/16 }
      VirtualInterfaces { eth0:10.0.0.100/24
        { eth0:10.0.0.101/24 eth1:10.1.0.1/32n16 }  # a set
      }
      Notify { eth0:10.0.0.1/32 eth0:10.0.0.0/24 throttle 128 eth0:10.2.0.0/24 throttle 8 ping arp-cache ping }
      ModuleDir = /usr/lib/wack PerlUseLib . PerlUse example
      RunDynamic funcs:killhup on up RunDynamic example::dump Post Down
    `);
    expect(config).toMatchObject({
      providers: {
        local: {
          notify: [
            { address: '10.0.0.1', prefixLength: 32, interface: 'eth0', throttle: 100, ping: false },
            { address: '10.0.0.0', prefixLength: 24, interface: 'eth0', throttle: 128, ping: false },
            { address: '10.2.0.0', prefixLength: 24, interface: 'eth0', throttle: 8, ping: true },
          ],
          shared_neighbours: { interval_ms: 90_000, notify: [{ throttle: 100, ping: true }] },
        },
      },
      cluster: 'wack1',
      group: { engine: 'spread', daemon: '4803@10.0.0.1', spread_group: 'wackamole-wack1' },
      agent: { maturity_ms: 120_000 },
      balance: { moves_per_round_max: 3, interval_ms: 4000 },
      vips: [
        {
          id: '10.0.0.100',
          prefer: [],
          addresses: [{ address: '10.0.0.100', prefixLength: 24, interface: 'eth0' }],
        },
        {
          id: '10.0.0.101',
          prefer: ['a'],
          addresses: [
            { address: '10.0.0.101', interface: 'eth0' },
            { address: '10.1.0.1', prefixLength: 32, interface: 'eth1' },
          ],
        },
      ],
    });
  });

  test('says in a comment what has no counterpart, each once', () => {
    const text =
      imported(`${VIFS} Control = /x Arp-Cache = 2h LogFacility = x ModuleDir = /y PerlUse p PerlUseLib q
      RunDynamic a:b on down Notify { eth0:10.0.0.0/8 } SpreadRetryInterval = 5s Prefer www.example.org`);
    const comments = text.split('\n').filter((line) => /^ *#/.test(line));
    for (const word of [
      'Control',
      'Arp-Cache',
      'LogFacility',
      'ModuleDir',
      'PerlUse',
      'PerlUseLib',
      'RunDynamic',
      'Notify',
      'SpreadRetryInterval',
      'Prefer',
    ]) {
      expect(
        comments.filter((line) => line.includes(`# ${word} `)),
        word,
      ).toHaveLength(1);
    }
  });

  test('makes of RunDynamic a section of hooks that is right once its comment signs are gone', () => {
    const text = imported(
      `${VIFS} RunDynamic funcs:killhup on up RunDynamic ex::a on up RunDynamic $x! Post Down`,
    );
    const lines = text.split('\n');
    const begin = lines.indexOf('# hooks:');
    const active = [...lines.slice(0, begin), ...lines.slice(begin).map((line) => line.replace(/^# /, ''))];
    const parsed = parseConfig(active.join('\n'), { fileName: 'w.yaml', hostName: 'a' });
    expect(parsed).toMatchObject({
      ok: true,
      config: {
        hooks: {
          commands: {
            on_up: [{ argv: ['/usr/local/bin/funcs-killhup'] }, { argv: ['/usr/local/bin/ex-a'] }],
            post_down: [{ argv: ['/usr/local/bin/x'] }],
          },
        },
      },
    });
  });

  test('tells of neighbours that are too many', () => {
    const text = imported(`${VIFS} Notify { eth0:10.0.0.0/8 eth0:10.0.0.1/32 }`);
    expect(text).toContain('# Notify eth0:10.0.0.0/8: more than 4096 neighbours');
    expect(text).toContain('- { addresses: 10.0.0.1/32, interface: "eth0" }');
  });

  test.each([
    ['spread = 4999', { group: { daemon: '4999' } }],
    ['SPREAD = "4803@some host"'.replace('some host', 'somehost'), { group: { daemon: '4803@somehost' } }],
    [
      '',
      {
        group: { daemon: '4803' },
        cluster: 'wackamole',
        agent: { maturity_ms: 5000 },
        balance: { moves_per_round_max: 10 },
      },
    ],
    ['Mature = 5s Mature = 7S', { agent: { maturity_ms: 7000 } }],
    ['Mature = 1h', { agent: { maturity_ms: 1000 } }],
    ['balance { acquisitionsperround = ALL }', { balance: { moves_per_round_max: 10_000, enabled: true } }],
    ['balance { acquisitionsperround = 0 }', { balance: { enabled: false } }],
    ['balance { interval = 0s }', { balance: { interval_ms: 1000 } }],
    ["Group = 'my group'", { cluster: 'my-group' }],
    ['Group = a=b', { cluster: 'a-b' }],
    ['Prefer None', { vips: [{ prefer: [] }] }],
    ['PREFER NONE notify NONE', { vips: [{ prefer: [] }] }],
    ['Spread = /tmp/4803', { group: { daemon: '/tmp/4803' } }],
    ["Spread = '4803'#daemon", { group: { daemon: '4803' } }],
    ["Spread = '' Group = g", { group: { daemon: '4803' } }],
    ['Mature = 0s', { agent: { maturity_ms: 0 } }],
    ['Mature = 2M Group = wack1# a comment', { agent: { maturity_ms: 120_000 }, cluster: 'wack1' }],
    [
      'Control = 127.0.0.1:2413 SpreadRetryInterval = 1h',
      { control: { socket: '/run/wackamole/wackamole.sock' } },
    ],
    [
      'vIPs{{eth1:10.0.0.102/24n8 eth1:10.0.0.103/32}}',
      { vips: [{ id: '10.0.0.100' }, { addresses: { length: 2 } }] },
    ],
    ['Prefer 10.0.0.0/8', { vips: [{ prefer: ['a'] }] }],
    ['Prefer eth9:10.0.0.100/32 Notify None', { vips: [{ prefer: ['a'] }] }],
  ])('%j', (settings, expected) => {
    expect(configOf(`${settings}\n${VIFS}`)).toMatchObject(expected);
  });

  test('lists add up, and the VIP 0.0.0.0 means none here', () => {
    const config = configOf(`${VIFS} VIPS { eth1:10.0.0.102/24 { eth0:0.0.0.0/32 } }`);
    expect(config.vips.map(({ id }) => id)).toEqual(['10.0.0.100', '10.0.0.102']);
    expect(config.capacity).toBe(0);
  });

  test.each([
    ['Mature = 1h', '# Mature = 1h meant 1 seconds', { agent: { maturity_ms: 1000 } }],
    ['Mature = 3H', '# Mature = 3H meant 3 seconds', { agent: { maturity_ms: 3000 } }],
    [
      'Balance { interval = 4h }',
      '# Balance interval = 4h meant 4 seconds',
      { balance: { interval_ms: 4000 } },
    ],
    [
      'Arp-Cache = 90h Notify arp-cache',
      '# Arp-Cache = 90h meant 90 seconds',
      { providers: { local: { shared_neighbours: { interval_ms: 90_000 } } } },
    ],
  ])('warns of hours, which the original does not multiply: %s', (setting, remark, expected) => {
    expect(imported(`${setting} ${VIFS}`)).toContain(`${remark}: the original does not multiply hours`);
    expect(configOf(`${setting} ${VIFS}`)).toMatchObject(expected);
  });

  test('says which defaults the original had and which it documented', () => {
    const text = imported(VIFS);
    expect(text).toContain('# Mature was not set: the original said 5s and waited 5 minutes; ours waits 5s.');
    expect(text).toContain('# Balance was not set: the original said 4s and moved one VIP every 5 minutes');
    const set = imported(`Mature = 5s Balance { interval = 4s } ${VIFS}`);
    expect(set).not.toContain('was not set');
  });

  test('lists of who is preferred and notified add up, and None takes nothing back', () => {
    const config = configOf(`
      Prefer eth0:10.0.0.100/32 Prefer None Prefer { eth0:10.0.0.101/32 }
      Notify None Notify arp-cache Notify { eth0:10.0.0.1/32 ping } Notify { eth0:10.0.0.2/32 }
      Vifs { eth0:10.0.0.100/24 eth0:10.0.0.101/24 eth0:10.0.0.102/24 }`);
    expect(config.vips.map(({ prefer }) => prefer)).toEqual([['a'], ['a'], []]);
    expect(config.providers['local']).toMatchObject({
      notify: [
        { address: '10.0.0.1', ping: true },
        { address: '10.0.0.2', ping: false },
      ],
      shared_neighbours: { notify: [{ ping: false }] },
    });
  });

  test('a throttle of none and of 0 are the same', () => {
    const throttleOf = (throttle: string) =>
      configOf(`${VIFS} Notify { eth0:10.0.0.0/24 ${throttle} }`).providers['local'];
    expect(throttleOf('throttle 0')).toEqual(throttleOf(''));
    expect(throttleOf('throttle 7')).not.toEqual(throttleOf(''));
  });

  test('as large as the original could read', () => {
    const notify = Array.from({ length: 1024 }, (_, at) => `eth0:10.64.${at >> 8}.${at & 255}/32`);
    const further = Array.from({ length: 31 }, (_, at) => `eth0:10.1.${at}.1/24`);
    const sets = [
      `{ ${further.join(' ')} }`,
      ...Array.from({ length: 253 }, (_, set) => `eth0:10.2.${set}.1/24`),
    ];
    const config = configOf(`Vips { ${sets.join('\n')} } Notify { ${notify.join(' ')} }`);
    expect(config.vips).toHaveLength(254);
    expect(config.vips[0]?.addresses).toHaveLength(31);
    expect(config.providers['local']).toMatchObject({ notify: { length: 1024 } });
  });

  test('with the VIP 0.0.0.0 alone is right, and serves nothing', () => {
    const result = parseConfig(imported('Vips { eth0:0.0.0.0/32 }'), { fileName: 'w.yaml', hostName: 'a' });
    expect(result).toMatchObject({ ok: true, config: { capacity: 0, vips: [] } });
  });

  test.each(['on up', 'on down', 'post up', 'post down', 'On Up', 'POST DOWN'])(
    'RunDynamic x:y %s',
    (event) => {
      const key = event.toLowerCase().replace(' ', '_');
      expect(imported(`${VIFS} RunDynamic x:y ${event}`)).toContain(`#   ${key}: [/usr/local/bin/x-y]`);
    },
  );
});

test.each([
  ['Spread=4803', '1:1 "Spread=4803" is no setting'],
  ['\n  Vips { eth0:10.0.0.1/24', '2:26 the file ends where `}` is expected'],
  ['Vips { }', '1:8 "}" where an address is expected'],
  ['Vips { eth0:10.0.0.300/24 }', '1:8 10.0.0.300 is no IPv4 address'],
  ['Vips { eth0:10.0.0.1/33 }', '1:8 a prefix length in "eth0:10.0.0.1/33" is more than 32'],
  ['Vips { eth0:10.0.0.1 }', '1:8 "eth0:10.0.0.1" where an address is expected'],
  ['Vips { 10.0.0.1/24 }', '1:8 10.0.0.1 names no interface'],
  ['Vips { a-very-long-name:10.0.0.1/24 }', '1:8 "a-very-long-name" cannot be an interface here'],
  ['Notify { a-very-long-name:10.0.0.1/24 }', '1:10 "a-very-long-name" cannot be an interface here'],
  ['Notify {\n\veth0:10.0.0.1/32 }', String.raw`2:1 "\u000beth0" cannot be an interface here`],
  ['Vips { eth0:10.0.0.1/24\n eth1:10.0.0.1/24 }', '2:2 10.0.0.1 stands in line 1 already'],
  ['Mature = 5', '1:10 "5" where a time is expected'],
  ['Mature 5s', '1:8 "5s" where `=` is expected'],
  ['Group = all', '1:9 "all" where a group is expected'],
  ['Balance { speed = 1 }', '1:11 "speed" is no setting of `Balance`'],
  ['RunDynamic a:b on  up', '1:16 the event of `RunDynamic` is missing'],
  ['Vips { eth0:10.0.0.0/24 }', '1:8 10.0.0.0/24 is the network address of its /24'],
  ['Vips { eth0:224.0.0.1/32 }', '1:8 224.0.0.1/32 is a multicast address'],
  ['}', '1:1 "}" is no setting'],
  ['"Spread" = 4803', '1:1 "Spread" is no setting'],
  ['Spread = host', '1:10 Spread: "host" names no Spread daemon'],
  ['Group = x\n  Spread = 99999', '2:12 Spread: port of "99999" is out of range'],
  ['Prefer { None }', '1:10 "None" where an address is expected'],
  ['Prefer { }', '1:10 "}" where an address is expected'],
  ['Notify { }', '1:10 "}" where an address is expected'],
  ['Notify { None }', '1:10 "None" where an address is expected'],
  ['Notify { eth0:10.0.0.1/32 ping throttle 8 }', '1:32 "throttle" where an address is expected'],
  ['Balance { }', '1:11 "}" is no setting of `Balance`'],
  ['Vips { { } }', '1:10 "}" where an address is expected'],
  ['Vips { eth0:10.0.0.1/24n }', '1:8 "eth0:10.0.0.1/24n" where an address is expected'],
  ['RunDynamic x:y on sideways', '1:16 the event of `RunDynamic` is missing'],
  ['constructor = 1', '1:1 "constructor" is no setting'],
])('%j is refused: %s', (text, complaint) => {
  expect(complaintOf(text)).toBe(complaint);
});

describe('whatever the file says', () => {
  const octet = fc.integer({ min: 1, max: 223 });
  const address = fc
    .tuple(
      fc.constantFrom('eth0', 'en1', 'br-lan', 'yes', 'eth0.5'),
      octet.filter((n) => n !== 127),
      octet,
      octet,
      octet,
      fc.integer({ min: 25, max: 32 }),
    )
    .map(([device, a, b, c, d, length]) => `${device}:${a}.${b}.${c}.${d}/${length}`);
  const word = fc.string({ minLength: 1, maxLength: 12 }).map((text) => `"${text.replaceAll('"', '')}x"`);
  const setting = fc.oneof(
    word.map((text) => `Group = ${text}`),
    word.map((text) => `Control = ${text}`),
    fc.nat(10_000).map((seconds) => `Arp-Cache = ${seconds}s Notify arp-cache`),
    word.map((text) => `RunDynamic ${text} on up`),
    fc.nat(10_000).map((seconds) => `Mature = ${seconds}s`),
    fc.nat(20_000).map((count) => `Balance { AcquisitionsPerRound = ${count} interval = ${count}m }`),
    fc.array(address, { minLength: 1, maxLength: 4 }).map((all) => `Prefer { ${all.join(' ')} }`),
    fc
      .array(address, { minLength: 1, maxLength: 4 })
      .map((all) => `Notify { ${all.join(' ping ')} throttle 3 }`),
  );
  const vips = fc.uniqueArray(address, {
    minLength: 1,
    maxLength: 6,
    selector: (text) => text.split(':')[1]!.split('/')[0],
  });

  test('a right file becomes a right file', () => {
    let right = 0;
    fc.assert(
      fc.property(fc.array(setting, { maxLength: 6 }), vips, (settings, all) => {
        const text = `${settings.join('\n')}\nVips { ${all.join(' ')} }`;
        const result = importOriginal(text, { fileName: 'wackamole.conf', member: 'a' });
        // An address of a network or a broadcast address is refused with its place.
        if (!result.ok) {
          expect(result.complaints[0]!.what).toMatch(/network address|broadcast address/);
          return;
        }
        right += 1;
        expect(parseConfig(result.text, { fileName: 'w.yaml', hostName: 'a' })).toMatchObject({
          ok: true,
          warnings: [],
        });
      }),
      { numRuns: 80 },
    );
    expect(right).toBeGreaterThan(40);
  });

  test('nothing is thrown', () => {
    const words = fc.constantFrom(
      'Vips',
      '{',
      '}',
      '=',
      'Spread',
      'Notify',
      'Prefer',
      'on up',
      '5s',
      '"',
      "'",
      '#x\n',
      'eth0:10.0.0.1/24',
      'None',
      'all',
      'Balance',
      'interval',
      'RunDynamic',
      '\n',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string({ maxLength: 5 })), { maxLength: 30 }), (all) => {
        const result = readOriginal(all.join(' '));
        if (!result.ok) expect(result.complaint.line).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});
