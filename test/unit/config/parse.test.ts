import { describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../../src/config/defaults.ts';
import { keysOf, withKeys } from '../../../src/config/keys.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import { PROFILES } from '../../../src/config/profiles.ts';
import { configOf, file, problemsOf, warningsOf } from './parse-text.ts';

describe('parseConfig of a right file', () => {
  test('fills in the defaults and what follows from other keys', () => {
    const config = configOf(file());
    expect(config.member).toBe('a');
    expect(config.group.listen).toEqual({ host: '10.0.0.1', port: 4873 });
    expect(config.group.timers).toEqual(PROFILES.lan);
    expect(config.control.socket).toBe('/run/wackamole/web.sock');
    expect(config.providers['local']).toMatchObject({ kind: 'local', interface: 'eth0', lease_ms: 3000 });
    expect(config.agent.takeover).toBe(DEFAULTS.agent.takeover);
    expect(config.quorum).toEqual({ votes: {}, expected_votes: 2 });
    expect(config.vips).toEqual([
      {
        id: 'web-1',
        addresses: [{ family: 4, address: '10.0.0.100', prefixLength: 32 }],
        prefer: [],
        weight: 1,
        policy: 'component',
        providers: ['local'],
      },
    ]);
  });

  test('expands ranges in names and addresses alike, and sorts by id', () => {
    const vips = configOf(
      file({ vips: '\n  w{1..3}: ["10.9.0.{7..9}/24", "2001:db8::{7..9}"]\n  a: 10.9.0.1' }),
    ).vips;
    expect(
      vips.map(({ id, addresses }) => [id, ...addresses.map((a) => `${a.address}/${a.prefixLength}`)]),
    ).toEqual([
      ['a', '10.9.0.1/32'],
      ['w1', '10.9.0.7/24', '2001:db8::7/128'],
      ['w2', '10.9.0.8/24', '2001:db8::8/128'],
      ['w3', '10.9.0.9/24', '2001:db8::9/128'],
    ]);
  });

  test('gives an address its own interface, else the one of the VIP', () => {
    const [vip] = configOf(
      file({
        vips: '{ x: { addresses: [10.9.0.1, { address: 10.9.0.2, interface: eth2 }], interface: eth1 } }',
      }),
    ).vips;
    expect(vip!.addresses.map((address) => address.interface)).toEqual(['eth1', 'eth2']);
  });

  test('takes the first label of the host name unless the peers know the whole of it', () => {
    expect(configOf(file(), 'a.example.org').member).toBe('a');
    const group = '{ peers: { a: 10.0.0.1, a.example.org: 10.0.0.9 }, key_file: k }';
    expect(configOf(file({ group }), 'a.example.org').group.listen.host).toBe('10.0.0.9');
  });

  test('reads names that look like numbers as names', () => {
    const config = configOf(
      file({ group: '{ peers: { 007: 10.0.0.1, 1e3: 10.0.0.2 }, key_file: k }', vips: '{ 1: 10.9.0.1 }' }),
      '007',
    );
    expect(config.group.peers.map(({ name }) => name)).toEqual(['007', '1e3']);
    expect(config.vips[0]!.id).toBe('1');
  });

  test('resolves paths from the folder of the file', () => {
    const result = parseConfig(file({ log: '{ file: x.log }' }), {
      fileName: '/etc/w/web.yaml',
      hostName: 'a',
    });
    expect(result).toMatchObject({
      ok: true,
      keyFile: '/etc/w/k',
      config: { log: { file: '/etc/w/x.log' } },
    });
  });

  test('lets a peer be a host name, but not where this member listens', () => {
    expect(
      configOf(file({ group: '{ peers: { a: 10.0.0.1, b: B.example:4000 }, key_file: k }' })).group.peers[1],
    ).toEqual({
      name: 'b',
      addresses: [{ host: 'b.example', port: 4000 }],
    });
    expect(problemsOf(file({ group: '{ peers: { a: a.example }, key_file: k }' }))).toEqual([
      '2:22 group.peers.a: a.example is a name, and this member, a, listens on an address',
    ]);
  });

  test('withKeys puts the keys into the group, the first apart', () => {
    const keys = [7, 8, 9].map((byte) => new Uint8Array(32).fill(byte));
    const config = withKeys(configOf(file()), keys);
    expect(keysOf(config)).toEqual(keys);
    expect(keysOf(withKeys(configOf(file()), []))).toEqual([]);
  });
});

describe('the digest', () => {
  const digest = (changes: Record<string, string>, host = 'a') => configOf(file(changes), host).digest;

  test('is equal on all members of one file, and in spite of what may differ from host to host', () => {
    expect(digest({})).toMatch(/^[0-9a-f]{16}$/);
    expect(digest({}, 'b')).toBe(digest({}));
    expect(
      digest({ providers: '{ local: { interface: ens3 } }', capacity: '7', log: '{ level: debug }' }),
    ).toBe(digest({}));
    expect(digest({ vips: '{ web-1: 10.0.0.100/32 }' })).toBe(digest({}));
    expect(digest({ quorum: '{ votes: { b: 1 } }' })).toBe(digest({}));
  });

  test.each([
    { cluster: 'other' },
    { vips: '{ web-1: 10.0.0.101 }' },
    { vips: '{ web-1: 10.0.0.100/24 }' },
    { vips: '{ web-2: 10.0.0.100 }' },
    { vips: '{ web-1: { addresses: [10.0.0.100], weight: 2 } }' },
    { policy: 'primary' },
    { quorum: '{ votes: { b: 2 } }' },
    { quorum: '{ expected_votes: 9 }' },
  ] as Record<string, string>[])('differs with %o', (changes) => {
    expect(digest(changes)).not.toBe(digest({}));
  });
});

describe('parseConfig of a wrong file', () => {
  test.each<[Record<string, string>, string]>([
    [{ cluster: '' }, '1:1 cluster: is missing'],
    [{ cluster: '12' }, '1:10 cluster: expected text, found 12'],
    [{ cluster: 'a/b' }, '1:10 cluster: not a cluster name'],
    [{ member: 'toString' }, '5:9 member: cannot be a member name, since JavaScript keeps it for itself'],
    [
      {
        member: 'vm',
        group: '{ listen: 10.0.0.1, peers: { a: 10.0.0.1, b: 10.0.0.2 }, key_file: k }',
      },
      'group.peers.a: 10.0.0.1:4873 is where this member, vm, listens',
    ],
    [{ vips: '{ w: { addresses: [10.9.0.1], weigth: 2 } }' }, '4:37 vips.w.weigth: unknown key "weigth"'],
    [{ vips: '{ w: 10.9.0.0/24 }' }, '4:12 vips.w: 10.9.0.0/24 is the network address of its /24'],
    [{ vips: '{ w: 10.9.0.255/24 }' }, '4:12 vips.w: 10.9.0.255/24 is the broadcast address of its /24'],
    [{ vips: '{ w: 127.0.0.1 }' }, '4:12 vips.w: 127.0.0.1 is a loopback address'],
    [{ vips: '{ w: 224.0.0.9 }' }, '4:12 vips.w: 224.0.0.9 is a multicast address'],
    [{ vips: '{ w: 10.9.0.1/33 }' }, '4:12 vips.w: /33 is no prefix length of an IPv4 address'],
    [{ vips: '{ w: 10.9.0 }' }, '4:12 vips.w: "10.9.0" is not an IP address'],
    [
      { vips: '{ w: "2001:db8::/64" }' },
      '4:12 vips.w: 2001:db8::/64 is the subnet-router anycast address of its /64',
    ],
    [{ vips: '{ w: [10.9.0.1, 10.9.0.1] }' }, '4:23 vips.w[1]: VIP w has 10.9.0.1 twice'],
    [
      { vips: '{ w: 10.9.0.1, x: 10.9.0.1/24 }' },
      '4:25 vips.x: 10.9.0.1 of VIP x is the address of VIP w too',
    ],
    [
      { vips: '{ w: "2001:db8::1", x: "2001:DB8:0::1" }' },
      '4:30 vips.x: 2001:db8::1 of VIP x is the address of VIP w too',
    ],
    [{ vips: '{ w: 10.0.0.2 }' }, '4:12 vips.w: 10.0.0.2 of VIP w is the address of member b too'],
    [{ vips: '\n  w{1..3}: 10.9.0.{1..3}\n  w2: 10.9.0.7' }, '6:3 vips.w2: a second VIP named w2'],
    [
      { vips: '\n  w{1..3}: 10.9.0.{1..2}' },
      '5:12 vips.w{1..3}: stands for 2 addresses, and the name for 3 VIPs',
    ],
    [{ vips: '{ "w w": 10.9.0.1 }' }, '4:9 vips."w w": "w w" is not a VIP name'],
    [
      { vips: '{ w: { addresses: [10.9.0.1], prefer: [bb] } }' },
      '4:46 vips.w.prefer[0]: no member is called bb',
    ],
    [{ vips: '{ w: 10.9.0.1, w: 10.9.0.2 }' }, '4:22 : key "w" stands here twice'],
    [{ vips: '{ w: { addresses: [] } }' }, '4:25 vips.w.addresses: is empty'],
    [{ vips: '[10.9.0.1]' }, '4:7 vips: expected keys with values, found a list'],
    [
      { group: '{ peers: { a: 10.0.0.1, b: 10.0.0.1 }, key_file: k }' },
      '2:35 group.peers.b: 10.0.0.1:4873 is the address of a already',
    ],
    [{ group: '{ peers: { a: 10.0.0.1 } }' }, '2:1 group: no cluster key'],
    [
      { group: '{ peers: { a: 10.0.0.1 }, key_file: k, insecure: true }' },
      '2:57 group.insecure: contradicts `key_file`',
    ],
    [
      { group: '{ peers: { b: 10.0.0.2 }, key_file: k }' },
      '2:1 group: nothing says where this member, a, listens',
    ],
    [
      { group: '{ listen: 0.0.0.0, key_file: k }' },
      '2:18 group.listen: 0.0.0.0 means any address, and the others must know which to dial',
    ],
    [
      { group: '{ listen: 10.0.0.300, key_file: k }' },
      '2:18 group.listen: "10.0.0.300" is not an IP address',
    ],
    [
      { group: '{ listen: 10.0.0.1:70000, key_file: k }' },
      '2:18 group.listen: port of "10.0.0.1:70000" is out of range',
    ],
    [
      { group: '{ peers: { a: 10.0.0.1, b: "2001:db8::2" }, key_file: k }' },
      '2:35 group.peers.b: b has no IPv4 address, and this member listens on 10.0.0.1',
    ],
    [
      { group: '{ peers: { a: 10.0.0.1 }, key_file: k, multicast: { group: 10.0.0.7 } }' },
      '2:67 group.multicast.group: "10.0.0.7" is not a multicast address',
    ],
    [
      { group: '{ peers: { a: 10.0.0.1 }, key_file: k, timers: { probe_interval: 100 } }' },
      '2:73 group.timers.probe_interval: 100 has no unit',
    ],
    [
      { group: '{ peers: { a: 10.0.0.1 }, key_file: k, timers: { probe_timeout: 20ms } }' },
      '2:72 group.timers.probe_timeout: 20 ms is less than two intervals of',
    ],
    [
      { providers: '{ local: { interface: eth0, lease: 2500ms } }' },
      '3:47 providers.local.lease: not a multiple of 1s',
    ],
    [
      { providers: '{ local: { interface: eth0, lease: 1s } }' },
      '3:47 providers.local.lease: out of range, which is from 2s to 1h',
    ],
    [
      { providers: '{ local: { interface: eth0, renew_interval: 2s } }' },
      '3:56 providers.local.renew_interval: is more than half of the lease',
    ],
    [
      { providers: '{ local: { interface: eth0, guardian_timeout: 4s } }' },
      '3:58 providers.local.guardian_timeout: is longer than the lease',
    ],
    [
      { agent: '{ stall_bound: 4s }' },
      '5:23 agent.stall_bound: is longer than the lease of local (3s): another member may hold the VIPs by then',
    ],
    [{ agent: '{ retry_min: 9s, retry_max: 8s }' }, '5:36 agent.retry_max: is less than `retry_min`'],
    [{ providers: '{ local: {} }' }, '4:16 vips.web-1: nothing says which interface carries it'],
    [{ providers: '{ cloud: { interface: eth0 } }' }, '3:21 providers.cloud.kind: not a kind of provider'],
    [{ providers: '{}' }, '3:1 providers: is empty'],
    [
      { providers: '{ local: { interface: eth0/1 } }' },
      '3:34 providers.local.interface: "eth0/1" cannot be an interface',
    ],
    [{ quorum: '{ votes: { c: 2 } }' }, '5:20 quorum.votes.c: no member is called c'],
    [{ quorum: '{ votes: { b: 1.5 } }' }, '5:23 quorum.votes.b: expected a whole number, found 1.5'],
    [
      { quorum: '{ votes: { a: 2, b: 2 }, expected_votes: 3 }' },
      '5:50 quorum.expected_votes: 3 is less than the 4 votes of the members named here: two parts could both count as primary',
    ],
    [
      { policy: 'primary', quorum: '{ votes: { a: 0, b: 0 } }' },
      '6:18 quorum.votes: nobody has a vote, so no part can be primary',
    ],
    [
      { policy: 'primary', group: '{ peers: { a: 10.0.0.1 }, multicast: true, key_file: k }' },
      '1:1 quorum: policy `primary` with members that the file does not name needs to know how many votes there may be',
    ],
    [{ policy: 'both' }, '5:9 policy: "both" is not known here'],
    [{ balance: '{ enabled: yes }' }, '5:21 balance.enabled: neither true nor false'],
    [{ capacity: '-1' }, '5:11 capacity: is less than 0'],
    [
      { control: `{ socket: /run/${'x'.repeat(110)} }` },
      '5:20 control.socket: a path of 115 bytes is too long for a socket',
    ],
    [{ vip: '{}' }, '5:1 vip: unknown key "vip"'],
    [{ __proto__x: '1', '"__proto__"': '{}' }, '6:1 : "__proto__" cannot be a key'],
  ])('%o: %s', (changes, expected) => {
    expect(problemsOf(file(changes))).toContainEqual(expect.stringContaining(expected));
  });

  test('names every problem once, and does not complain of what another problem hides', () => {
    const text = file({
      group: '{ peers: { a: 7, b: 10.0.0.2 }, key_file: k }',
      providers: '{ local: { interfaec: eth0 } }',
      vips: '{ w: 10.9.0.0/24, x: { addresses: [10.9.0.1], prefer: [a], wieght: 1 } }',
    });
    expect(problemsOf(text)).toEqual([
      '2:22 group.peers.a: expected text or a list, found 7',
      '3:23 providers.local.interfaec: unknown key "interfaec"',
      '4:12 vips.w: 10.9.0.0/24 is the network address of its /24',
      '4:66 vips.x.wieght: unknown key "wieght"',
    ]);
  });

  test.each([
    ['', 'the file is empty'],
    ['# nothing\n', 'the file is empty'],
    ['just text', 'expected keys with values, found "just text"'],
    ['a: b: c', 'Nested mappings are not allowed'],
    ['a: "open', 'Missing closing'],
    ['a: 1\n---\nb: 2', 'multiple documents'],
    ['cluster: !!js/function x', 'Unresolved tag'],
    ['? [1, 2]\n: x', 'a key that is not plain text'],
  ])('%j: %s', (text, expected) => {
    const problems = problemsOf(text).join('\n');
    expect(problems).toContain(expected);
  });
});

describe('warnings', () => {
  test.each<[Record<string, string>, string]>([
    [
      { group: '{ peers: { a: 10.0.0.1, b: 10.0.0.2 }, insecure: true }' },
      'group.insecure: anybody who reaches the port',
    ],
    [{ group: '{ listen: 10.0.0.1, key_file: k }' }, 'group: neither `peers` nor `multicast`'],
    [
      { group: '{ listen: 10.0.0.3, peers: { b: 10.0.0.2 }, key_file: k }' },
      'group.peers: this member, a, is not among them',
    ],
    [
      { group: '{ listen: 10.0.0.3, peers: { a: 10.0.0.1 }, key_file: k }' },
      'group.listen: 10.0.0.3:4873 is not among the addresses',
    ],
    [
      { group: '{ peers: { a: 10.0.0.1, b: 127.0.0.1 }, key_file: k }' },
      'group.peers.b: b and this member cannot reach each other',
    ],
    [{ policy: 'primary' }, 'quorum: of two members with one vote each'],
    [{ vips: '{}' }, 'vips: there are no VIPs'],
    [{ vips: '{ w: { addresses: [10.9.0.1], providers: [aws] } }' }, 'vips.w: this host has no provider aws'],
  ])('%o: %s', (changes, expected) => {
    expect(warningsOf(file(changes))).toContainEqual(expect.stringContaining(expected));
  });

  test('there are none about a right file', () => {
    expect(warningsOf(file())).toEqual([]);
  });
});
