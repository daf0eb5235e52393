/** Puts the notebook program where an exec provider may run it, with a folder of its own. */
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExecProvider } from '../../../../providers/exec/provider.ts';
import type { ExecProviderConfig } from '../../../../src/config/config.ts';

export function installProgram() {
  const folder = mkdtempSync(join(tmpdir(), 'wackamole-exec-'));
  const program = join(folder, 'program');
  copyFileSync(new URL('./notebook.sh', import.meta.url), program);
  chmodSync(program, 0o755);
  return {
    folder,
    program,
    setMode: (mode: string) => writeFileSync(join(folder, 'mode'), mode),
    asked: () =>
      readFileSync(join(folder, 'asked'), 'utf8')
        .trim()
        .split('\n')
        .map(
          (line) => JSON.parse(line) as { verb: string; vips: { id: string }[] } & Record<string, unknown>,
        ),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function execProvider(program: string, changes: Partial<ExecProviderConfig> = {}) {
  const config: ExecProviderConfig = {
    kind: 'exec',
    command: [program],
    env: {},
    timeout_ms: 20_000,
    renew_interval_ms: 1_000,
    families: [4, 6],
    scope: 'any',
    atomic_takeover: false,
    ...changes,
  };
  return createExecProvider({ name: 'mine', config, place: { cluster: 'web', member: 'a' } });
}
