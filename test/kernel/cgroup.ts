/** Control groups of a test's own, wherever this machine has their hierarchies mounted; removed when done. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export type Hierarchy = 'unified' | 'memory';

let made = 0;

export class Cgroup {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** `needs`: a file that the group must have. Answers with the reason where it cannot be had here. */
  static make(hierarchy: Hierarchy, needs: string): Cgroup | string {
    const root = rootOf(hierarchy);
    if (root === undefined) return `no ${hierarchy} control groups are mounted here`;
    // A run that was killed may have left some, and process ids begin anew in each world.
    const folder = `${root}/wackamole-test-${Date.now().toString(36)}-${process.pid}-${++made}`;
    try {
      mkdirSync(folder);
    } catch (error) {
      return `no control group can be made below ${root}: ${(error as Error).message}`;
    }
    const group = new Cgroup(folder);
    if (existsSync(`${folder}/${needs}`)) return group;
    rmdirSync(folder);
    return `control groups below ${root} have no ${needs}`;
  }

  get folder(): string {
    return this.#folder;
  }

  add(pid: number): void {
    this.set('cgroup.procs', String(pid));
  }

  set(file: string, value: string): void {
    writeFileSync(`${this.#folder}/${file}`, value);
  }

  get(file: string): string {
    return readFileSync(`${this.#folder}/${file}`, 'latin1');
  }

  /** Whoever is still in it has to be ended before. */
  async remove(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        rmdirSync(this.#folder);
        return;
      } catch (error) {
        if (attempt === 100) throw error;
        await sleep(20);
      }
    }
  }
}

/** The folder below which this process may make groups: where it is itself, as far as that is visible. */
function rootOf(hierarchy: Hierarchy): string | undefined {
  const mounts = readFileSync('/proc/mounts', 'latin1')
    .split('\n')
    .map((line) => line.split(' '));
  const mount = mounts.find(([, , type, options = '']) =>
    hierarchy === 'unified' ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes('memory'),
  )?.[1];
  if (mount === undefined) return undefined;
  const own = readFileSync('/proc/self/cgroup', 'latin1')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([, names = '']) =>
      hierarchy === 'unified' ? names === '' : names.split(',').includes('memory'),
    )?.[2];
  return own !== undefined && existsSync(`${mount}${own}/cgroup.procs`) ? `${mount}${own}` : mount;
}
