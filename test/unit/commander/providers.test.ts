import { describe, expect, test } from 'vitest';
import type { ProviderCheck, TestRequest } from '../../../src/commander/collaborators.ts';
import { ControlError } from '../../../src/control/control-error.ts';
import { run, type Scene } from './collaborators-example.ts';

const FILE = `cluster: web
group: { peers: { a: 10.0.0.1, b: 10.0.0.2, c: 10.0.0.3 }, key_file: k }
providers: { local: { interface: eth0 }, metal: { kind: memory } }
vips: { web-1: 10.0.0.100, web-2: { addresses: [10.0.0.101], providers: [metal] } }
`;
const NO_AGENT = { answer: () => new ControlError('no-agent', 'no agent runs here') };
const PASS: ProviderCheck = { provider: 'local', what: 'rights', verdict: 'pass', detail: 'all' };
const WARN: ProviderCheck = {
  ...PASS,
  what: 'rp_filter',
  verdict: 'warn',
  detail: 'strict',
  mend: 'set it to 2',
};
const FAIL: ProviderCheck = {
  ...PASS,
  vip: 'web-1',
  verdict: 'fail',
  detail: 'no such interface',
  mend: 'name another',
};
const UNKNOWN: ProviderCheck = {
  ...PASS,
  verdict: 'unknown',
  detail: 'no answer in time',
  mend: 'ask again',
};

interface TestScene extends Scene {
  /** The configuration. */
  readonly text?: string;
}

const testing = (
  words: string,
  checks: readonly ProviderCheck[],
  { text = FILE, ...scene }: TestScene = {},
) =>
  run(`providers test --config f ${words}`.trim(), {
    files: { f: text },
    testProviders: () => Promise.resolve(checks),
    ...NO_AGENT,
    ...scene,
  });

describe('providers test', () => {
  test.each([
    [[PASS], 0, /a failover to this host would work/],
    [[PASS, WARN], 0, /a failover to this host would work/],
    [[PASS, UNKNOWN], 2, /could not be told/],
    [[FAIL, PASS], 1, /a failover to this host would fail/],
    [[UNKNOWN, FAIL], 1, /a failover to this host would fail/],
  ] as const)('of %j ends with %i', async (checks, code, says) => {
    const { code: ended, out } = await testing('', checks);
    expect(out).toMatch(says);
    expect(ended).toBe(code);
  });

  test('tells what is wrong at full length, and how to mend it', async () => {
    const { out } = await testing('', [PASS, FAIL]);
    expect(out).toMatch(/fail +local +web-1 +rights\n +no such interface\n +→ name another\n/);
    expect(out).toMatch(/agent: none runs here; nothing was changed/);
  });

  test('as JSON has all of it', async () => {
    const { out, code } = await testing('--json', [PASS, FAIL]);
    expect(JSON.parse(out)).toMatchObject({
      verdict: 'fail',
      agent: 'none runs here',
      checks: [PASS, FAIL, {}, {}],
    });
    expect(code).toBe(1);
  });

  test('hands on what is asked for, and what the agent of this host knows', async () => {
    const requests: TestRequest[] = [];
    const scene = {
      answer: undefined,
      testProviders: (request: TestRequest) => {
        requests.push(request);
        return Promise.resolve([PASS]);
      },
    };
    const { answer: _, ...rest } = scene;
    await run('providers test --config f --provider metal --vip web-2 --timeout 3s', {
      files: { f: FILE },
      ...rest,
    });
    expect(requests).toMatchObject([
      { provider: 'metal', vip: 'web-2', timeout: 3000, context: { here: expect.any(Array) } },
    ]);
  });

  test.each([
    ['--provider metall', /f has no provider metall; did you mean metal\?/],
    ['--vip web-9', /f has no VIP web-9/],
    ['--failures 0', /from 1 to 100/],
    ['--config g', /cannot read g/],
  ])('%s is a wrong command line', async (words, says) => {
    const { code, err } = await testing(words, [PASS]);
    expect(err).toMatch(says);
    expect(code).toBe(2);
  });

  test('texts of strangers do not steer the terminal', async () => {
    const { out } = await testing('', [{ ...FAIL, detail: 'x\u001b[2J', what: 'y\u0007' }]);
    for (const sign of ['\u001b', '\u0007']) expect(out).not.toContain(sign);
  });
});

describe('what only the cluster can lack', () => {
  const found = async (words: string, own: readonly ProviderCheck[], scene: TestScene = {}) => {
    const { out } = await testing(`--json ${words}`, own, scene);
    const { checks } = JSON.parse(out) as { checks: ProviderCheck[] };
    return checks.slice(own.length);
  };

  test('room: as many addresses as the hosts that remain can hold', async () => {
    const slots = (count: number): ProviderCheck => ({ ...PASS, what: 'slots', slots4: count });
    expect(await found('', [slots(1)])).toContainEqual(
      expect.objectContaining({ what: 'room after 1 host failed', verdict: 'pass', provider: 'local' }),
    );
    expect(await found('', [slots(0)])).toContainEqual(
      expect.objectContaining({ verdict: 'fail', mend: expect.stringMatching(/add /) }),
    );
    expect(await found('--failures 3', [PASS])).toContainEqual(
      expect.objectContaining({ verdict: 'fail', detail: expect.stringContaining('nobody is left') }),
    );
    expect(await found('--failures 2', [PASS])).toContainEqual(
      expect.objectContaining({
        verdict: 'pass',
        detail: '1 host of 3 remain, and no provider tells of a limit',
      }),
    );
  });

  test('room: each family by itself, for the VIPs of that provider alone', async () => {
    const text = FILE.replace('10.0.0.100,', '{ addresses: ["2001:db8::1", "2001:db8::2", 10.0.0.100] },');
    const room = (slots: object) => found('', [{ ...PASS, what: 'slots', ...slots }], { text });
    expect(await room({ slots6: 1 })).toContainEqual(
      expect.objectContaining({ verdict: 'pass', detail: expect.stringContaining('IPv6 addresses each') }),
    );
    expect(await room({ slots6: 0, slots4: 5 })).toContainEqual(
      expect.objectContaining({ verdict: 'fail', detail: expect.stringContaining('; 2 are configured') }),
    );
    // One of the two IPv4 addresses is carried by another provider.
    expect(await room({ slots4: 1 })).toContainEqual(
      expect.objectContaining({ verdict: 'pass', detail: expect.stringContaining('; 1 are configured') }),
    );
  });

  test('room: nobody knows where members are discovered and no agent runs', async () => {
    const open = FILE.replace(/peers: \{.*?\}/, 'listen: 10.0.0.1, multicast: true');
    expect(await found('', [PASS], { text: open })).toContainEqual(
      expect.objectContaining({ what: 'room after 1 host failed', verdict: 'unknown' }),
    );
  });

  test('votes: the heaviest may be the ones that fail', async () => {
    const text = `${FILE}policy: primary\nquorum: { votes: { a: 3 } }\n`;
    expect(await found('', [PASS], { text: text })).toContainEqual(
      expect.objectContaining({
        what: 'votes after 1 host failed',
        verdict: 'fail',
        detail: expect.stringContaining('2 of 5'),
      }),
    );
    expect(await found('', [PASS], { text: `${FILE}policy: primary\n` })).toContainEqual(
      expect.objectContaining({ what: 'votes after 1 host failed', verdict: 'pass' }),
    );
  });

  test('a default route through a VIP of its own', async () => {
    const through = { defaultRoutes: () => [{ gateway: '10.0.0.101', interfaceName: 'eth0' }] };
    expect(await found('', [PASS], through)).toContainEqual(
      expect.objectContaining({ vip: 'web-2', what: 'default route', verdict: 'warn' }),
    );
    const cloud = FILE.replace('{ kind: memory }', '{ kind: exec, command: /bin/x }');
    expect(await found('', [PASS], { ...through, text: cloud })).toContainEqual(
      expect.objectContaining({ vip: 'web-2', what: 'default route', verdict: 'fail' }),
    );
    const other = { defaultRoutes: () => [{ gateway: '10.0.0.254', interfaceName: 'eth0' }] };
    expect(await found('', [PASS], other)).toContainEqual(
      expect.objectContaining({ what: 'default route', verdict: 'pass' }),
    );
  });
});

describe('providers list and policy', () => {
  const kinds = [
    { kind: 'local', about: 'addresses on interfaces', packages: [] },
    { kind: 'aws', about: 'addresses of EC2', packages: [{ name: '@aws-sdk/client-ec2' }] },
  ];
  const configured = [{ name: 'metal', kind: 'local', vips: 3 }];
  const scene = { files: { f: FILE }, listProviders: () => Promise.resolve({ kinds, configured }) };

  test('say what there is, what is missing and what is configured', async () => {
    const { out, code } = await run('providers list --config f', scene);
    expect(out).toMatch(/aws +addresses of EC2 +@aws-sdk\/client-ec2 \(not installed\)/);
    expect(out).toMatch(/metal +local +3 VIPs/);
    expect(code).toBe(0);
    expect(JSON.parse((await run('providers list --json --config f', scene)).out)).toEqual({
      kinds,
      configured,
    });
  });

  test('list works without a file, and says so', async () => {
    const { out, code } = await run('providers list --config nowhere', scene);
    expect(out).toMatch(/nowhere cannot be used/);
    expect(code).toBe(0);
  });

  test('policy prints what the provider gives, by name and by kind', async () => {
    const policy = (_: unknown, names: readonly string[]) => Promise.resolve({ Statement: names });
    for (const which of ['metal', 'memory']) {
      const { out, code } = await run(`providers policy ${which} --config f`, {
        ...scene,
        providerPolicy: policy,
      });
      expect(JSON.parse(out)).toEqual({ Statement: ['metal'] });
      expect(code).toBe(0);
    }
  });

  test('policy and list are for any desk, test is for a host of the file', async () => {
    const desk = { ...scene, hostName: 'desk', providerPolicy: () => Promise.resolve({}) };
    expect((await run('providers policy metal --config f', desk)).code).toBe(0);
    expect((await run('providers list --config f', desk)).out).not.toMatch(/cannot be used/);
    expect(await run('providers test --config f', desk)).toMatchObject({
      code: 2,
      err: expect.stringContaining('desk'),
    });
  });

  test.each([
    ['aws', /f has no provider aws/],
    ['local', /provider local needs no permissions/],
  ])('policy %s is refused', async (which, says) => {
    const { err, code } = await run(`providers policy ${which} --config f`, scene);
    expect(err).toMatch(says);
    expect(code).toBe(2);
  });
});
