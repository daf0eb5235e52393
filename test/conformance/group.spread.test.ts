/** The Spread back end against the daemon double: all members at one daemon, and each at its own. */
import type { SpreadGroupConfig } from '../../src/config/config.ts';
import type { GroupCommunication } from '../../src/group/group.ts';
import { createSpreadGroup } from '../../src/group/spread/spread-group.ts';
import { DaemonsOnSockets } from '../spread/daemons-on-sockets.ts';
import { type GroupCluster, groupConformance } from './group.ts';

const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const VERSION = [5, 0, 1] as const;

class SpreadCluster implements GroupCluster {
  readonly #daemons: DaemonsOnSockets;
  readonly #groups: GroupCommunication[] = [];
  readonly #privateGroups = new Map<GroupCommunication, string>();

  constructor(daemons: DaemonsOnSockets) {
    this.#daemons = daemons;
  }

  member(name: string): GroupCommunication {
    const { names } = this.#daemons.double.settings;
    const daemon = names[name.charCodeAt(0) % names.length]!;
    const group: SpreadGroupConfig = {
      engine: 'spread',
      daemon: this.#daemons.target(daemon),
      spread_group: 'wackamole-test',
      connect_timeout_ms: 5000,
      daemon_timeout_ms: 10_000,
      agent_timeout_ms: 3000,
    };
    const noted = {
      ...log,
      info: (fields: object) => {
        if ('privateGroup' in fields) this.#privateGroups.set(member, String(fields.privateGroup));
      },
    };
    const member = createSpreadGroup({ cluster: 'test', member: name, group }, { log: noted });
    this.#groups.push(member);
    return member;
  }

  async crash(group: GroupCommunication): Promise<void> {
    this.#daemons.cutOff(this.#privateGroups.get(group)!);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#groups.map((group) => group.leave()));
    await this.#daemons.dispose();
  }
}

groupConformance('spread, one daemon', async () => {
  return new SpreadCluster(await new DaemonsOnSockets({ version: VERSION, names: ['localhost'] }).begin());
});
groupConformance('spread, three daemons', async () => {
  return new SpreadCluster(
    await new DaemonsOnSockets({ version: VERSION, names: ['zed', 'mid', 'abe'] }).begin(),
  );
});
