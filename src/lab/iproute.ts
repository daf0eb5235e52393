/** Runs iproute2 and nftables for the lab: many changes in one process, errors with the line that failed. */
import { spawn } from 'node:child_process';
import { assertInsideWorld } from './world.ts';

/** Performs `ip` commands (without the word `ip`) in order, in the world's namespace or in `netns`; stops at the first error. */
export async function ip(lines: readonly string[], netns?: string): Promise<void> {
  assertInsideWorld();
  if (lines.length === 0) return;
  const where = netns === undefined ? [] : ['-n', netns];
  await feed(['ip', ...where, '-batch', '-'], `${lines.join('\n')}\n`);
}

/** Like {@link ip}, but goes on after errors and tells of none: for clearing away what may be gone already. */
export async function ipForce(lines: readonly string[]): Promise<void> {
  assertInsideWorld();
  if (lines.length === 0) return;
  await feed(['ip', '-force', '-batch', '-'], `${lines.join('\n')}\n`).catch(() => undefined);
}

/** Loads an nftables script into the world's namespace. */
export async function nft(script: string): Promise<void> {
  assertInsideWorld();
  await feed(['nft', '-f', '-'], script);
}

function feed(argv: readonly [string, ...string[]], input: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), { stdio: ['pipe', 'ignore', 'pipe'] });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(0, 4096);
    });
    child.once('error', (error) =>
      reject(new Error(`cannot run ${argv[0]}: ${error.message}; is it installed?`)),
    );
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${argv.join(' ')}: ${complaint.trim() || `exit ${code}`}`));
    });
    // A child that ended early says so by its exit code; the broken pipe adds nothing.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
