/** The client as others get it: a package of its own imports `wackamole/spread` and runs the examples of docs/examples. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { DaemonsOnSockets } from '../../../spread/daemons-on-sockets.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const PATIENCE_MS = 60_000;

let outside: string;
let daemons: DaemonsOnSockets;
const running: ChildProcess[] = [];

/** Another project, in which this one is installed: what `npm run build:exports` makes, and no sources beside it. */
beforeAll(async () => {
  outside = mkdtempSync(join(tmpdir(), 'outside-'));
  const installed = join(outside, 'node_modules/wackamole');
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(outside, 'package.json'), '{ "name": "outside", "type": "module", "private": true }\n');
  copyFileSync(join(ROOT, 'package.json'), join(installed, 'package.json'));
  symlinkSync(join(ROOT, 'src'), join(installed, 'src'));
  const PATH = [join(ROOT, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
  execFileSync('npm', ['run', '-s', 'build:exports'], { cwd: installed, env: { ...process.env, PATH } });
  rmSync(join(installed, 'src'));
  for (const example of ['spread-watch.ts', 'spread-shares.ts'])
    copyFileSync(join(ROOT, 'docs/examples', example), join(outside, example));
  daemons = await new DaemonsOnSockets({ version: [5, 0, 1], names: ['zed', 'mid'] }).begin();
}, 120_000);

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

afterAll(async () => {
  await daemons.dispose();
  rmSync(outside, { recursive: true, force: true });
});

class Program {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #looks = new Set<() => void>();
  readonly ended: Promise<number | null>;

  constructor(...argv: string[]) {
    this.#child = spawn(process.execPath, argv, { cwd: outside, stdio: ['ignore', 'pipe', 'inherit'] });
    running.push(this.#child);
    this.ended = new Promise((resolve) => this.#child.once('exit', resolve));
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.#lines.push(line);
      for (const look of [...this.#looks]) look();
    });
  }

  /** Waits until it has printed such a line. */
  async prints(wanted: RegExp): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const late = setTimeout(
      () => reject(new Error(`no ${String(wanted)} in:\n${this.#lines.join('\n')}`)),
      PATIENCE_MS,
    );
    const look = () => {
      const line = this.#lines.find((one) => wanted.test(one));
      if (line !== undefined) resolve(line);
    };
    this.#looks.add(look);
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#looks.delete(look);
    }
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }
}

test('everything it exports is there for a package outside', () => {
  const script = `import * as spread from 'wackamole/spread'; console.log(Object.keys(spread).sort().join(' '))`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: outside });
  expect(said.toString().trim()).toBe(
    'AUTH_IP AUTH_NULL Connection LastingConnection Session SpreadError codeOf connect formatTarget keepConnected parseTarget sameGroupId',
  );
});

test('example spread-watch: tells who comes and what is said, and outlives its daemon', async () => {
  const watch = new Program('spread-watch.ts', daemons.target('zed'), 'shares');
  await watch.prints(/^connected as #r\d+-\d+#zed$/);
  const shares = new Program('spread-shares.ts', daemons.target('mid'), 'me');
  await watch.prints(/^shares: \S+ #me#mid \(join\)$/);
  await daemons.kill('zed');
  await watch.prints(/^CONNECTION_CLOSED.*next attempt in \d+ ms$/);
  await shares.prints(/^network : mine are 0 1 2 3 4 5 6 7 8 9$/);
  await daemons.start('zed');
  await shares.prints(/^join #\S+#zed: mine are /);
  watch.interrupt();
  expect(await watch.ended).toBe(0);
}, 120_000);

test('example spread-shares: everybody takes another part, and a name that is taken is told by its code', async () => {
  const [a, b] = [
    new Program('spread-shares.ts', daemons.target('zed'), 'a'),
    new Program('spread-shares.ts', daemons.target('mid'), 'b'),
  ];
  await Promise.all([a.prints(/mine are 0 2 4 6 8$/), b.prints(/mine are 1 3 5 7 9$/)]);
  const again = new Program('spread-shares.ts', daemons.target('mid'), 'b');
  await again.prints(/^REJECT_NOT_UNIQUE \(-6\): /);
  expect(await again.ended).toBe(1);
  a.interrupt();
  await a.prints(/^goodbye$/);
  await b.prints(/^disconnect #a#zed: mine are 0 1 2 3 4 5 6 7 8 9$/);
}, 120_000);
