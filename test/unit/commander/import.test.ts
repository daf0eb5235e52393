/** `config import` as words on a command line. */
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/parse.ts';
import { run } from './collaborators-example.ts';

const configOf = (text: string, hostName: string) => {
  const result = parseConfig(text, { fileName: 'x', hostName });
  return result.ok ? result.config : result.problems;
};

describe('config import of the original’s file', () => {
  test('prints a configuration that is right', async () => {
    const files = { '/w.conf': 'Spread = 4803\nPrefer eth0:10.0.0.9/32\nVips { eth0:10.0.0.9/24 }' };
    const { code, out, err } = await run('config import /w.conf --member b', { files });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(configOf(out, 'b')).toMatchObject({ vips: [{ prefer: ['b'] }] });
  });

  test('names line and column of a mistake and writes nothing', async () => {
    const files = { '/w.conf': 'Vips {\n  eth0:10.0.0.9\n}' };
    expect(await run('config import /w.conf', { files })).toMatchObject({
      code: 2,
      out: '',
      err: '/w.conf:2:3: "eth0:10.0.0.9" where an address is expected; write it as eth0:10.0.0.1/24\n1 problem, nothing was written\n',
    });
    expect(await run('config import /gone')).toMatchObject({ code: 2, out: '' });
    expect(await run('config import /w.conf /w.conf', { files })).toMatchObject({ code: 2, out: '' });
  });
});

const instance = (own: string, other: string, priority: number) =>
  `vrrp_instance VI {\n interface eth0\n virtual_router_id 1\n priority ${priority}\n unicast_src_ip ${own}\n unicast_peer { ${other} }\n virtual_ipaddress { 192.0.2.100/24 }\n}\n`;

describe('config import of keepalived.conf', () => {
  const files = {
    '/a/lb1.conf': `global_defs { router_id lb1 }\ninclude conf.d/*.conf\n`,
    '/a/conf.d/vi.conf': instance('192.0.2.1', '192.0.2.2', 90),
    '/b/lb2.conf': instance('192.0.2.2', '192.0.2.1', 120),
  };

  test('sees what it is, follows includes, and orders the hosts of several files by priority', async () => {
    const { code, out, err } = await run('config import /a/lb1.conf /b/lb2.conf', { files });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(configOf(out, 'lb1')).toMatchObject({
      group: { peers: [{ name: 'lb1' }, { name: 'lb2', addresses: [{ host: '192.0.2.2' }] }] },
      vips: [
        {
          id: 'VI',
          prefer: ['lb2', 'lb1'],
          addresses: [{ address: '192.0.2.100', prefixLength: 24, interface: 'eth0' }],
        },
      ],
    });
  });

  test('takes names and addresses of the hosts, one file for several of them', async () => {
    const multicast =
      'vrrp_instance VI {\n interface eth0\n @x priority 200\n @y priority 100\n virtual_ipaddress { 192.0.2.100 }\n}\n';
    const { out } = await run('config import /k.conf --member x=192.0.2.1 --member y=192.0.2.2', {
      files: { '/k.conf': multicast },
    });
    expect(configOf(out, 'y')).toMatchObject({
      group: { listen: { host: '192.0.2.2' } },
      vips: [{ prefer: ['x', 'y'] }],
    });
    expect(out).not.toContain('TO BE FILLED IN');
    expect(
      await run('config import /k.conf --member x=nonsense', { files: { '/k.conf': multicast } }),
    ).toMatchObject({ code: 2, out: '' });
    expect(
      await run('config import /k.conf /k.conf --member x', { files: { '/k.conf': multicast } }),
    ).toMatchObject({ code: 2, out: '' });
  });

  test('of this host takes its own address', async () => {
    const file = {
      '/k.conf': 'vrrp_instance VI {\n interface eth0\n virtual_ipaddress { 192.0.2.100 }\n}\n',
    };
    const { out } = await run('config import /k.conf', {
      files: file,
      addressOn: (name) => (name === 'eth0' ? '192.0.2.9' : undefined),
    });
    expect(configOf(out, 'a')).toMatchObject({ member: 'a', group: { listen: { host: '192.0.2.9' } } });
  });

  test.each([
    [
      'vrrp_instance VI {\n interface eth0\n',
      '/k.conf:1:1: the block "vrrp_instance" that begins here does not end',
    ],
    ['vrrp_instance VI {\n}\n}\n', '/k.conf:3:1: a } that closes nothing'],
    [
      'vrrp_instance VI {\n  priority high\n}\n',
      '/k.conf:2:12: "high" where a number from 1 to 255 is expected',
    ],
    [
      'vrrp_instance VI {\n virtual_ipaddress {\n  10.0.0.300/24\n }\n}\n',
      '/k.conf:3:3: "10.0.0.300/24" is no address',
    ],
    ['vrrp_instance VI {\n notify "a\n}\n', '/k.conf:2:9: a quotation that does not end in its line'],
    ['vrrp_instance {\n}\n', '/k.conf:1:1: `vrrp_instance` without a name'],
    [
      'vrrp_instanze VI {\n}\nglobal_defs {\n}\n',
      '/k.conf:1:1: "vrrp_instanze" is no section of keepalived; did you mean vrrp_instance?',
    ],
    ['vrrp_script x {\n}\n', '/k.conf:1:1: vrrp_script "x" has no script'],
    ['include gone.conf\n', '/k.conf:1:1: include: there is no file "gone.conf"'],
    [
      'vrrp_instance A {\n virtual_ipaddress {\n  10.0.0.0/24\n }\n}\n',
      '/k.conf:3:3: 10.0.0.0/24 is the network address of its /24',
    ],
    [
      'vrrp_instance A {\n}\nvrrp_instance A {\n}\n',
      '/k.conf:3:1: a second vrrp_instance "A"; the first stands in line 1',
    ],
    ['global_defs {\n}\n~SEQ(A) x\n', '/k.conf:3:1: ~SEQ(A) is no sequence'],
    [
      'vrrp_script x {\n script /bin/true\n weight 0.5\n}\n',
      '/k.conf:3:9: "0.5" where a whole number from -2147483648 to 2147483648 is expected',
    ],
    [
      'vrrp_instance A {\n interface a-name-that-is-too-long\n}\n',
      '/k.conf:2:12: "a-name-that-is-too-long" cannot be an interface',
    ],
    ['global_defs {\n}\n$A=x ${A}\n${A}\n', 'definitions within definitions'],
  ])('refuses %j with its place, and writes nothing', async (text, what) => {
    const { code, out, err } = await run('config import /k.conf --format keepalived', {
      files: { '/k.conf': text },
    });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(what);
    expect(err).toContain('nothing was written');
  });

  test('refuses files that do not agree what moves together', async () => {
    const other = {
      '/a.conf': instance('192.0.2.1', '192.0.2.2', 1),
      '/b.conf': instance('192.0.2.2', '192.0.2.1', 2).replace('/24 }', '/24\n 192.0.2.101 }'),
    };
    const { out, err } = await run('config import /a.conf /b.conf', { files: other });
    expect(out).toBe('');
    expect(err).toContain('share addresses and are not alike');
  });

  test('ends where files include each other', async () => {
    const loop = { '/d/k.conf': 'global_defs {\n}\ninclude k.conf\n' };
    expect((await run('config import /d/k.conf', { files: loop })).err).toContain(
      'does a file include itself?',
    );
  });
});

test('fail, start and list are words of the old one', async () => {
  const drained = await run('fail b -s /x');
  expect(drained.asked).toEqual([['/x', { kind: 'command', command: { kind: 'drain', member: 'b' } }]]);
  const started = await run('start -s /x');
  expect(started.asked.at(-1)).toEqual([
    '/x',
    { kind: 'command', command: { kind: 'undrain', member: 'a' } },
  ]);
  expect((await run('list -s /x')).out).toContain('MEMBERS');
});
