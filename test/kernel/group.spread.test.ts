/**
 * The groups' conformance suite on real Spread daemons, where the environment names some: all members at one daemon, and each at its own.
 * The daemon double has its turn in the gate.
 */
import { execFileSync } from 'node:child_process';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { SpreadGroupConfig } from '../../src/config/config.ts';
import { groupCases } from '../../src/conformance/group.ts';
import type { GroupCommunication } from '../../src/group/group.ts';
import { createSpreadGroup } from '../../src/group/spread/spread-group.ts';
import { Lab } from '../../src/lab/lab.ts';
import type { GroupCluster } from '../conformance/group.ts';
import { type DaemonKind, daemonKinds, nameOfKind, SpreadSite } from './spread-site.ts';

const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const PATIENCE = 60_000;
/** Of this process on the switch of the lab, so that it reaches the daemons. */
const OWN_ADDRESS = '10.77.255.250/16';

/** Hands everything on between one member and its daemon, so that the connection can end without a goodbye. */
class Way {
  readonly target: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    this.target = `${(server.address() as { port: number }).port}@127.0.0.1`;
  }

  static async open(daemon: string): Promise<Way> {
    const sockets = new Set<Socket>();
    const server = createServer((member) => {
      const there = connect({ host: daemon, port: 4803 });
      for (const [socket, other] of [
        [member, there],
        [there, member],
      ] as const) {
        sockets.add(socket);
        socket.on('error', quiet);
        socket.on('close', () => other.destroy());
        socket.pipe(other);
      }
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return new Way(server, sockets);
  }

  cut(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Members that one case starts, at most, those that end included. */
const MEMBERS_MAX = 8;
let clusters = 0;

class RealCluster implements GroupCluster {
  readonly #free: Way[];
  readonly #ways = new Map<GroupCommunication, Way>();
  readonly #spreadGroup: string;

  private constructor(ways: readonly Way[]) {
    clusters += 1;
    this.#spreadGroup = `conformance-${clusters}`;
    this.#free = [...ways];
  }

  static async open(daemons: readonly string[]): Promise<RealCluster> {
    const ways = Array.from({ length: MEMBERS_MAX }, (_, at) => Way.open(daemons[at % daemons.length]!));
    return new RealCluster(await Promise.all(ways));
  }

  member(name: string): GroupCommunication {
    const way = this.#free.shift();
    if (way === undefined) throw new Error(`more than ${MEMBERS_MAX} members in one case`);
    const group: SpreadGroupConfig = {
      engine: 'spread',
      daemon: way.target,
      spread_group: this.#spreadGroup,
      connect_timeout_ms: 5000,
      daemon_timeout_ms: 10_000,
      agent_timeout_ms: 3000,
    };
    const member = createSpreadGroup({ cluster: 'test', member: name, group }, { log });
    this.#ways.set(member, way);
    return member;
  }

  async crash(group: GroupCommunication): Promise<void> {
    this.#ways.get(group)!.cut();
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#ways.keys()].map((group) => group.leave()));
    for (const way of [...this.#ways.values(), ...this.#free]) way.cut();
  }
}

const REAL = daemonKinds().filter((kind) => kind !== 'double');

test.skipIf(REAL.length > 0)('group communication: real Spread daemons', ({ skip }) =>
  skip('no daemon is named'),
);

describe.each(REAL)('group communication: spread, %s', (kind: DaemonKind) => {
  let lab: Lab;
  let site: SpreadSite;

  beforeAll(async () => {
    lab = await Lab.create({ hosts: 3 });
    execFileSync('ip', ['addr', 'add', OWN_ADDRESS, 'dev', 'sw0']);
    site = await SpreadSite.open(lab, kind);
  }, PATIENCE);

  afterAll(async () => {
    site?.close();
    await lab?.dispose();
  });

  const addresses = () => lab.hosts.map(({ plan }) => plan.ipv4);
  const play = (daemons: () => readonly string[]) => {
    for (const { name, run } of groupCases(() => RealCluster.open(daemons()))) {
      test(name, { timeout: PATIENCE }, async (context) => {
        const skipped = await run();
        if (skipped !== undefined) context.skip(skipped);
      });
    }
  };

  describe(`${nameOfKind(kind)}, one for all`, () => play(() => addresses().slice(0, 1)));
  describe(`${nameOfKind(kind)}, one for each`, () => play(addresses));
});
