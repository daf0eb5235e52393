/** The groups' conformance suite on real corosync daemons: each member at one of its own. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { CorosyncGroupConfig } from '../../src/config/config.ts';
import { groupCases } from '../../src/conformance/group.ts';
import { createCorosyncGroup } from '../../src/group/corosync/corosync-group.ts';
import { CorosyncThread } from '../../src/group/corosync/thread.ts';
import type { GroupCommunication } from '../../src/group/group.ts';
import { Lab } from '../../src/lab/lab.ts';
import type { GroupCluster } from '../conformance/group.ts';
import { CorosyncSite, NO_COROSYNC } from './corosync-site.ts';

const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const PATIENCE = 60_000;
let groups = 0;

interface Member {
  readonly thread: CorosyncThread;
  readonly host: string;
  over: boolean;
}

class CorosyncCluster implements GroupCluster {
  readonly #lab: Lab;
  readonly #members = new Map<GroupCommunication, Member>();
  readonly #config: CorosyncGroupConfig;

  constructor(lab: Lab) {
    groups += 1;
    this.#lab = lab;
    this.#config = {
      engine: 'corosync',
      cpg_group: `conformance-${groups}`,
      primary_by: 'corosync',
      connect_timeout_ms: 5000,
      daemon_timeout_ms: 20_000,
      agent_timeout_ms: 3000,
    };
  }

  /** At a daemon where no other is: a process is in a group once only, and all these are one process. */
  member(name: string): GroupCommunication {
    const taken = [...this.#members.values()].filter(({ over }) => !over).map(({ host }) => host);
    const host = this.#lab.hosts.find((candidate) => !taken.includes(candidate.name));
    if (host === undefined) throw new Error('more members at a time than hosts');
    const thread = new CorosyncThread(host.netns);
    const group = createCorosyncGroup(
      { cluster: 'test', member: name, group: this.#config },
      { log, thread },
    );
    const member = { thread, host: host.name, over: false };
    this.#members.set(group, member);
    const leave = group.leave.bind(group);
    group.leave = async () => {
      await leave();
      member.over = true;
    };
    return group;
  }

  async crash(group: GroupCommunication): Promise<void> {
    const member = this.#members.get(group)!;
    member.thread.cutOff();
    await member.thread.waitUntilFree(PATIENCE);
    member.over = true;
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#members.keys()].map((group) => group.leave()));
  }
}

describe.skipIf(NO_COROSYNC !== undefined)('group communication: corosync', () => {
  let lab: Lab;
  let site: CorosyncSite;

  beforeAll(async () => {
    lab = await Lab.create({ hosts: 4 });
    site = await CorosyncSite.open(lab, { transport: 'knet' });
  }, PATIENCE);

  afterAll(async () => {
    await site?.close();
    await lab?.dispose();
  });

  for (const { name, run } of groupCases(async () => new CorosyncCluster(lab))) {
    test(name, { timeout: PATIENCE }, async (context) => {
      const skipped = await run();
      if (skipped !== undefined) context.skip(skipped);
    });
  }
});
