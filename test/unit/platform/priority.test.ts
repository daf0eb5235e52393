import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { shareSessionPriority } from '../../../src/platform/priority.ts';

const MODULE = fileURLToPath(new URL('../../../src/platform/priority.ts', import.meta.url));
const grouped = existsSync('/proc/self/autogroup');
if (!grouped)
  console.log('priority of sessions is not tested: this kernel does not group processes by session');

/** What a process of its own says of itself after raising its priority to 5, which anybody may. */
async function afterRaising(detached: boolean): Promise<string> {
  const script = `
    const { raisePriority } = await import(${JSON.stringify(MODULE)});
    const refused = raisePriority(5);
    const { readFileSync } = await import('node:fs');
    const { getPriority } = await import('node:os');
    console.log(refused ?? '', getPriority(0), readFileSync('/proc/self/autogroup', 'latin1'));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    detached,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  await once(child, 'close');
  return text.trim();
}

describe.skipIf(!grouped)('raisePriority', () => {
  it('raises the session that the process leads', async () => {
    expect(await afterRaising(true)).toMatch(/^5 \/autogroup-\d+ nice 5$/u);
  });

  it('leaves the session of somebody else alone', async () => {
    const ours = readFileSync('/proc/self/autogroup', 'latin1').trim();
    // A process that never was in a session of its own, as some container runtimes start theirs, is in no group: the file is empty.
    expect(await afterRaising(false)).toBe(`5 ${ours}`.trim());
  });
});

describe.skipIf(!grouped)('shareSessionPriority', () => {
  it('gives a new session the priority of this process', async () => {
    const script = `
      const { spawn } = await import('node:child_process');
      const { setPriority } = await import('node:os');
      const { readFileSync } = await import('node:fs');
      const { shareSessionPriority } = await import(${JSON.stringify(MODULE)});
      setPriority(0, 7);
      const child = spawn('/bin/sh', ['-c', 'read line'], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
      shareSessionPriority(child.pid);
      console.log(readFileSync(\`/proc/\${child.pid}/autogroup\`, 'latin1').trim());
      child.stdin.end();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    await once(child, 'close');
    expect(text.trim()).toMatch(/ nice 7$/u);
  });

  it('says nothing of a process that is gone', () => {
    expect(() => shareSessionPriority(2 ** 22 + 1)).not.toThrow();
  });
});
