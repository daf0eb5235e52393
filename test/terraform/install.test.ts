/** The program that installs the agent at first boot, as a host gets it: run with doubles of what would reach the network or dpkg. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ROOT } from './terraform.ts';

const template = readFileSync(join(ROOT, 'modules/cloud-init/files/wackamole-install.tftpl'), 'utf8');
const PACKAGE = 'what a package is made of';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wackamole-install-'));
  mkdirSync(join(folder, 'bin'));
  double(
    'curl',
    `while [ "$1" != --output ]; do shift; done; printf '%s' '${PACKAGE}' > "$2"; echo "curl $3" >> "$LOG"`,
  );
  double('dpkg-query', 'exit 1');
  double(
    'apt-get',
    'echo "apt-get $*" >> "$LOG"; [ -x "$POLICY_RC_D" ] && echo "nothing is started" >> "$LOG"; exit 0',
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function double(name: string, body: string): void {
  const file = join(folder, 'bin', name);
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
}

/** As `templatefile` makes it, for a package of Debian. */
function scriptFor(sha256: string): string {
  const [, deb = ''] = /%\{ if install\.deb != null ~\}\n([\s\S]*?)%\{ else ~\}/.exec(template)!;
  const head = template.slice(0, template.indexOf('%{ if'));
  return (head + deb)
    .replaceAll('${url}', "'https://packages.example.com/w.deb'")
    .replaceAll('${install.deb.sha256}', sha256)
    .replaceAll('$${', '${');
}

const policy = () => join(folder, 'policy-rc.d');

function run(sha256: string): { readonly status: number | null; readonly log: string } {
  const script = join(folder, 'wackamole-install');
  writeFileSync(script, scriptFor(sha256));
  const log = join(folder, 'log');
  const { status } = spawnSync('bash', [script], {
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, LOG: log, POLICY_RC_D: policy(), TMPDIR: folder },
  });
  return { status, log: existsSync(log) ? readFileSync(log, 'utf8') : '' };
}

const RIGHT = createHash('sha256').update(PACKAGE).digest('hex');

describe('wackamole-install', () => {
  test('installs the package that was meant, and nothing is started meanwhile', () => {
    const { status, log } = run(RIGHT);
    expect(status).toBe(0);
    expect(log).toMatch(
      /^curl https:\/\/packages\.example\.com\/w\.deb\napt-get install --yes --no-install-recommends \S+\.deb\nnothing is started\n$/,
    );
    expect(existsSync(policy())).toBe(false);
  });

  test('installs no other', () => {
    const { status, log } = run('0'.repeat(64));
    expect(status).not.toBe(0);
    expect(log).not.toContain('apt-get');
    expect(existsSync(policy())).toBe(false);
  });

  test('lets an upgrade start agents anew, and leaves a policy of the host alone', () => {
    double('dpkg-query', 'exit 0');
    expect(run(RIGHT).log).not.toContain('nothing is started');
    double('dpkg-query', 'exit 1');
    writeFileSync(policy(), '#!/bin/sh\nexit 0\n');
    expect(run(RIGHT).status).toBe(0);
    expect(existsSync(policy())).toBe(true);
  });
});
