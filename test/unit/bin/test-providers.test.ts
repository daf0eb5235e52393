/** Rehearsals of clouds where there is no cloud: each provider says so itself, on its own thread, and none is waited for in vain. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testProviders } from '../../../src/bin/test-providers.ts';
import { configOf } from '../config/parse-text.ts';

const NOWHERE = 'metadata_endpoint: "http://127.0.0.1:9"';
const FILE = `cluster: web
group: { peers: { a: 10.0.0.1, b: 10.0.0.2, c: 10.0.0.3 }, key_file: k }
providers:
  eip: { kind: aws, mode: elastic-ip, ${NOWHERE} }
  alias: { kind: gcp, mode: alias-ip, ${NOWHERE} }
  overlay: { kind: gcp, mode: route, ${NOWHERE} }
vips:
  web-1: { addresses: [198.51.100.1], providers: [eip] }
  web-2: { addresses: [10.0.0.50], providers: [alias] }
  web-3: { addresses: [10.9.0.1], providers: [overlay] }
`;

it('no cloud and no credentials: every provider says what is missing, and how to mend it', async () => {
  const checks = await testProviders({
    config: configOf(FILE),
    // Far more than it takes; what is asked for is that nobody ends by it.
    timeout: 60_000,
  });
  for (const provider of ['eip', 'alias', 'overlay']) {
    const bad = checks.filter((check) => check.provider === provider && check.verdict !== 'pass');
    const fails = bad.filter(({ verdict }) => verdict === 'fail');
    expect(fails.length, provider).toBeGreaterThan(0);
    expect(
      bad.filter(({ verdict }) => verdict === 'unknown'),
      provider,
    ).toEqual([]);
    for (const { mend } of bad) expect(mend).not.toBe('');
  }
}, 90_000);

const FEW = `cluster: web
group: { peers: { a: 10.0.0.1, b: 10.0.0.2, c: 10.0.0.3 }, key_file: k }
`;

it('one provider and one VIP alone are asked for where they are named', async () => {
  const text = `${FEW}providers: { one: { kind: aws, mode: route, region: eu-test-1, ${NOWHERE} }, other: { kind: memory } }
vips:
  a: { addresses: [10.9.0.1], providers: [one] }
  b: { addresses: [10.9.0.2], providers: [other] }
  c: { addresses: [10.9.0.3], providers: [other] }
`;
  const asked = async (only: { readonly provider?: string; readonly vip?: string }) =>
    (await testProviders({ config: configOf(text), timeout: 60_000, ...only })).map(
      ({ provider, vip }) => `${provider} ${vip ?? ''}`,
    );
  expect(new Set((await asked({ provider: 'other' })).map((line) => line.split(' ')[0]))).toEqual(
    new Set(['other']),
  );
  const vips = new Set((await asked({ vip: 'c' })).map((line) => line.split(' ')[1]).filter(Boolean));
  expect(vips).toEqual(new Set(['c']));
}, 90_000);

it('a provider that cannot be made, one that loads too long and one that does not answer: a line each, that says so', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wackamole-test-providers-'));
  try {
    const program = join(folder, 'hangs');
    writeFileSync(program, '#!/bin/sh\nsleep 60\n', { mode: 0o755 });
    installEndless(folder);
    const text = `${FEW}providers:
  missing: { kind: package, package: wackamole-provider-of-nobody }
  hangs: { kind: exec, command: ${program}, timeout: 25s }
  slow: { kind: package, package: endless }
vips: { a: { addresses: [10.9.0.1], providers: [hangs] } }
`;
    const found = async (provider: string, timeout: number) =>
      (await testProviders({ config: configIn(folder, text), timeout, provider }))[0];
    expect(await found('missing', 30_000)).toMatchObject({
      provider: 'missing',
      verdict: 'fail',
      detail: expect.stringContaining('wackamole-provider-of-nobody'),
      mend: expect.any(String),
    });
    expect(await found('hangs', 1_000)).toMatchObject({
      verdict: 'fail',
      mend: expect.stringContaining('mend the program'),
    });
    expect(await found('slow', 1_000)).toMatchObject({
      verdict: 'unknown',
      detail: 'it was not loaded in time',
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 90_000);

/** A package that is never done with being loaded. */
function installEndless(folder: string): void {
  const place = join(folder, 'node_modules', 'endless');
  mkdirSync(place, { recursive: true });
  writeFileSync(
    join(place, 'package.json'),
    '{ "name": "endless", "type": "module", "exports": "./index.js" }',
  );
  writeFileSync(join(place, 'index.js'), 'await new Promise((resolve) => setTimeout(resolve, 3_600_000));\n');
}

/** As of a file that lies there. */
function configIn(folder: string, text: string): ReturnType<typeof configOf> {
  const { providers, ...config } = configOf(text);
  const placed = Object.entries(providers).map(
    ([name, settings]) => [name, settings.kind === 'package' ? { ...settings, folder } : settings] as const,
  );
  return { ...config, providers: Object.fromEntries(placed) };
}
