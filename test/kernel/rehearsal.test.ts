/** `wackamole providers test` on the real kernel: it finds what is wrong, and neither kernel nor link hears of any change. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { arpClaim, arpQuestion, neighbourClaim, neighbourQuestion } from '../../providers/local/packets.ts';
import type { ProviderCheck } from '../../src/commander/collaborators.ts';
import { insideNetworkNamespace } from '../../src/platform/libc.ts';
import { openRouteRequests } from '../../src/platform/netlink.ts';
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  type FrameReceiver,
  openFrameReceiver,
} from '../../src/platform/packet-socket.ts';
import { INTERFACE, run, Stage } from './provider-stage.ts';
import { NO_WORLD } from './vocabulary.ts';

const PROGRAM = process.env['WACKAMOLE_PROGRAM'] ?? '';
let stage: Stage;
let folder: string;

beforeEach(() => {
  stage = new Stage();
  stage.begin();
  folder = mkdtempSync(join(tmpdir(), 'wackamole-rehearsal-'));
});

afterEach(() => {
  stage.end();
  rmSync(folder, { recursive: true, force: true });
});

function configure({ device = INTERFACE, more = '' } = {}): string {
  const file = join(folder, 'wackamole.yaml');
  const text = `cluster: rehearsal
member: a
group: { peers: { a: 10.77.0.1, b: 10.77.0.2 }, insecure: true }
providers: { local: { interface: ${device} } }
control: { socket: ${folder}/none.sock }
vips:
  four: 10.77.0.101/24
  six: "2001:db8:77::101/64"
${more}`;
  writeFileSync(file, text);
  return file;
}

function rehearse(file: string, ...words: readonly string[]) {
  return rehearseBy([], file, words);
}

/** Under a program that takes something away. */
function rehearseBy(prefix: readonly string[], file: string, words: readonly string[] = []) {
  const argv = [
    ...prefix,
    process.execPath,
    PROGRAM,
    'providers',
    'test',
    '--json',
    '--config',
    file,
    ...words,
  ];
  const { status, stdout, stderr } = spawnSync(argv[0]!, argv.slice(1), { encoding: 'utf8' });
  const { checks, verdict } = JSON.parse(stdout === '' ? '{"checks":[]}' : stdout) as {
    checks: ProviderCheck[];
    verdict: string;
  };
  const of = (what: string, vip?: string) =>
    checks.filter((check) => check.what === what && check.vip === vip)[0];
  return { status, checks, verdict, of, stderr };
}

/** All that the neighbour sees of us in the meantime, and all that the kernel tells of changes. */
function record(): () => Promise<{ frames: Buffer[]; notices: string; settings: string }> {
  const receivers = insideNetworkNamespace(stage.neighbourPath, () => {
    const requests = openRouteRequests();
    const { index: interfaceIndex } = requests.links().find(({ name }) => name === stage.farEnd)!;
    requests.close();
    return [ETHERTYPE_ARP, ETHERTYPE_IPV6].map((ethertype) =>
      openFrameReceiver({ interfaceIndex, ethertype }),
    );
  });
  const monitor = spawn('ip', ['monitor', 'link', 'address', 'route', 'rule', 'netconf', 'nexthop']);
  let notices = '';
  monitor.stdout.setEncoding('utf8').on('data', (part: string) => (notices += part));
  return async () => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    monitor.kill();
    return { frames: receivers.flatMap(framesOf), notices, settings: settings() };
  };
}

function framesOf(receiver: FrameReceiver): Buffer[] {
  const frames: Buffer[] = [];
  for (let frame = receiver.next(); frame !== undefined; frame = receiver.next())
    frames.push(Buffer.from(frame));
  receiver.close();
  return frames;
}

/** Kernel settings, addresses, routes, rules and neighbours as text. */
function settings(): string {
  return run(
    `cd /proc/sys/net && grep -rs . ipv4/conf/${INTERFACE} ipv6/conf/${INTERFACE} ipv4/conf/all; ip address; ip route; ip -6 route; ip rule`,
  );
}

const mac = () => /link\/ether (\S+)/.exec(run(`ip link show ${INTERFACE}`))![1]!.replaceAll(':', '');
const QUIET_AFTER = 2_500;

describe.skipIf(NO_WORLD !== undefined)('providers test', () => {
  it('passes on a host where all is well, and changes nothing that kernel or link could hear of', async () => {
    const file = configure();
    // What the kernel does by itself with a new interface is over by then.
    await new Promise((resolve) => setTimeout(resolve, QUIET_AFTER));
    const before = settings();
    const stop = record();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { status, of, stderr, checks } = rehearse(file);
    const { frames, notices, settings: after } = await stop();
    expect(stderr).toBe('');
    expect(checks.filter(({ verdict }) => verdict === 'fail')).toEqual([]);
    expect(status).toBe(0);
    for (const vip of ['four', 'six'])
      expect(of('address on the link', vip)).toMatchObject({ verdict: 'pass' });
    for (const what of [
      'rights',
      'lease of addresses',
      'mark of addresses',
      'guardian',
      `interface ${INTERFACE}`,
      `IPv6 on ${INTERFACE}`,
    ])
      expect(of(what)).toMatchObject({ verdict: 'pass' });
    expect(notices).toBe('');
    expect(after).toBe(before);
    const ours = frames.filter((frame) => frame.subarray(6, 12).toString('hex') === mac());
    const questions = ours.filter((frame) => arpQuestion(frame) ?? neighbourQuestion(frame));
    expect(questions.length).toBeGreaterThanOrEqual(2);
    expect(ours.filter((frame) => arpClaim(frame) ?? neighbourClaim(frame))).toEqual([]);
  });

  it('finds a stranger on the link, an address of our own, and an interface that is not there', () => {
    stage.inNeighbour(`ip address add 10.77.0.101/32 dev ${stage.farEnd}`);
    run(`ip address add 2001:db8:77::101/64 dev ${INTERFACE} nodad`);
    const { of, status } = rehearse(configure());
    expect(of('address on the link', 'four')).toMatchObject({
      verdict: 'warn',
      detail: expect.stringContaining('is answered for by'),
    });
    expect(of('address on this host', 'six')).toMatchObject({ verdict: 'warn' });
    expect(status).toBe(0);
    const missing = rehearse(configure({ device: 'eth77' }));
    expect(missing.of('interface eth77')).toMatchObject({ verdict: 'fail' });
    expect(missing.status).toBe(1);
  });

  it('finds a carrier that is gone, settings in the way, and a default route through a VIP', () => {
    run(`sysctl -qw net.ipv4.conf.${INTERFACE}.arp_ignore=8 net.ipv4.conf.${INTERFACE}.rp_filter=1`);
    run(`sysctl -qw net.ipv6.conf.${INTERFACE}.disable_ipv6=1`);
    run(`ip route add default via 10.77.0.101`);
    const { of } = rehearse(configure());
    expect(of(`arp_ignore of ${INTERFACE}`)).toMatchObject({ verdict: 'fail' });
    expect(of(`rp_filter of ${INTERFACE}`)).toMatchObject({ verdict: 'warn' });
    expect(of(`IPv6 on ${INTERFACE}`)).toMatchObject({ verdict: 'fail' });
    expect(of('default route', 'four')).toMatchObject({ verdict: 'warn' });
    stage.setCarrier(false);
    const { of: without, status } = rehearse(configure());
    expect(without(`interface ${INTERFACE}`)).toMatchObject({ verdict: 'fail' });
    expect(status).toBe(1);
  });

  it('finds settings that would surprise: of secondary addresses, and of who answers on a link of several interfaces', () => {
    for (const name of ['all', INTERFACE]) {
      run(`sysctl -qw net.ipv4.conf.${name}.promote_secondaries=0 net.ipv4.conf.${name}.arp_ignore=0`);
      run(`sysctl -qw net.ipv4.conf.${name}.arp_announce=2`);
    }
    const { of } = rehearse(configure());
    expect(of(`promote_secondaries of ${INTERFACE}`)).toMatchObject({ verdict: 'warn' });
    expect(of(`arp_ignore of ${INTERFACE}`)).toMatchObject({
      verdict: 'warn',
      detail: expect.stringContaining('arp_announce is 2'),
    });
    run(
      `sysctl -qw net.ipv4.conf.${INTERFACE}.promote_secondaries=1 net.ipv4.conf.${INTERFACE}.arp_ignore=1`,
    );
    const { of: after } = rehearse(configure());
    expect(after(`promote_secondaries of ${INTERFACE}`)).toMatchObject({ verdict: 'pass' });
    expect(after(`arp_ignore of ${INTERFACE}`)).toMatchObject({
      verdict: 'pass',
      detail: '1 (arp_announce 2)',
    });
  });

  it('finds rights that are missing, and asks nothing on the link without them', () => {
    const without = ['setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw'];
    const { of, status } = rehearseBy(without, configure());
    expect(of('rights')).toMatchObject({
      verdict: 'fail',
      detail: expect.stringMatching(/^missing: CAP_NET_RAW \(/),
      mend: expect.stringContaining('AmbientCapabilities'),
    });
    expect(of('address on the link', 'four')).toBeUndefined();
    expect(status).toBe(1);
  });

  it('says within its time that a program does not answer', () => {
    const file = configure({ more: '' });
    const program = join(folder, 'hangs');
    writeFileSync(program, '#!/bin/sh\nsleep 60\n', { mode: 0o755 });
    const text = `cluster: rehearsal
member: a
group: { peers: { a: 10.77.0.1, b: 10.77.0.2 }, insecure: true }
providers: { slow: { kind: exec, command: ${program}, timeout: 25s } }
control: { socket: ${folder}/none.sock }
vips: { four: 10.77.0.101 }
`;
    writeFileSync(file, text);
    const began = performance.now();
    const { checks, status } = rehearse(file, '--timeout', '2s');
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(checks[0]).toMatchObject({ provider: 'slow', mend: expect.any(String) });
    expect(['unknown', 'fail']).toContain(checks[0]?.verdict);
    expect(status).not.toBe(0);
  });
});
