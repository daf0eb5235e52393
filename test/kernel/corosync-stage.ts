/** Where stories of agents on corosync are told: agents and daemons on hosts of a lab, and the bounds that their rings set. */
import { it } from 'vitest';
import { Cluster } from '../../src/lab/cluster.ts';
import { lastRelease } from '../../src/lab/custody.ts';
import { type CorosyncOptions, CorosyncSite, TIMES } from './corosync-site.ts';
import { answered, STILL } from './vocabulary.ts';

/** The ring notices and forms anew, and then what a takeover needs on a busy machine, ms. */
export const RING_MAX = TIMES.token + TIMES.consensus + 3000;
/** A lost connection is known at once, and releasing takes milliseconds; the rest is for a busy machine. */
export const AT_ONCE = 500;
export const PATIENCE = 40_000;
export const TEST_MAX = 120_000;
/** For whoever joins. */
export const GROUP = {
  engine: 'corosync',
  ...{ listen: undefined, peers: undefined, profile: undefined, key_file: undefined },
};

export interface StageOptions extends CorosyncOptions {
  readonly hosts?: number;
}

export class Stage {
  cluster!: Cluster;
  site!: CorosyncSite;

  /** Three hosts unless it is said how many, nothing started. */
  async build(sections: object, { hosts = 3, ...options }: StageOptions): Promise<void> {
    const settings = { ...STILL, group: GROUP, ...sections };
    this.cluster = await Cluster.open({ hosts, vips: 6, patience_ms: PATIENCE, sections: settings });
    this.site = CorosyncSite.of(this.cluster.observatory.lab, options);
  }

  /** Everything serves. */
  async open(sections: object, options: StageOptions): Promise<void> {
    await this.build(sections, options);
    await this.site.startAll();
    this.cluster.startAll();
    await this.cluster.served();
    await this.cluster.joined();
    await answered(this.cluster);
  }

  async close(): Promise<void> {
    await this.site?.close();
    await this.cluster?.close();
  }

  /** A story; what the agents and daemons said is told with what went wrong. */
  tell(what: string, story: () => Promise<void>, timeout = TEST_MAX): void {
    it(what, { timeout }, async () => {
      try {
        await story();
      } catch (error) {
        if (error instanceof Error) error.message += `\n${this.cluster.logs(25)}\n${this.site.logs()}`;
        throw error;
      }
    });
  }

  /** How long after `at` the host held the last of what it held then, ms; undefined: it holds something still. */
  async releasedAfter(host: string, at: number): Promise<number | undefined> {
    const { holds } = await this.cluster.observatory.custody();
    return lastRelease(holds, { host, at });
  }
}
