/** A client that hears no broadcast and only ever spoke to the host that dies: the next holder knows of it by what that host told. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage } from '../../src/agent/messages.ts';
import type { LocalProviderConfig } from '../../src/config/config.ts';
import type { KnownNeighbour } from '../../src/model/neighbour.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { INTERFACE, run, Stage, vip } from './provider-stage.ts';

const SIGNAL = new AbortController().signal;
const VIP = vip('four', '10.77.0.101');
const CLIENT = '10.77.0.2';
/** Namespace of the host that dies, and its interface. */
const OTHER = `other${process.pid}`;
const SHARED = { shared_neighbours: { interval_ms: 300, notify: [{ throttle: 1000, ping: false }] } };

let stage: Stage;
let provider: Provider | undefined;
let holder: ChildProcessByStdio<Writable, Readable, null> | undefined;
/** What the holder tells the group. */
let told: readonly KnownNeighbour[] = [];

beforeEach(() => {
  stage = new Stage();
  stage.begin();
  const far = stage.farEnd;
  run(
    `ip netns add ${OTHER}; ip link add ov0 netns ${OTHER} type veth peer name far1 netns ${stage.neighbour}`,
  );
  run(
    `ip -n ${OTHER} address add 10.77.0.3/24 dev ov0; ip -n ${OTHER} link set ov0 up; ip -n ${OTHER} link set lo up`,
  );
  // The client is a switch too: both hosts are on its link.
  stage.inNeighbour(
    `ip link add br0 type bridge; ip address del ${CLIENT}/24 dev ${far}; ip address add ${CLIENT}/24 dev br0; ` +
      `ip link set ${far} master br0; ip link set far1 master br0; ip link set far1 up; ip link set br0 up`,
  );
});

afterEach(async () => {
  await provider?.stop();
  provider = undefined;
  holder?.kill('SIGKILL');
  holder = undefined;
  told = [];
  stage.end();
  run(`ip netns delete ${OTHER}`);
});

async function hold(changes: Partial<LocalProviderConfig>): Promise<void> {
  const command = ['netns', 'exec', OTHER, process.execPath, `${import.meta.dirname}/provider-agent.ts`];
  const child = spawn('ip', command, { stdio: ['pipe', 'pipe', 'inherit'] });
  holder = child;
  child.stdin.end(`${JSON.stringify([VIP])}\n${JSON.stringify({ interface: 'ov0', ...changes })}\n`);
  await new Promise<void>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      const event = JSON.parse(line) as { kind: string; neighbours: readonly KnownNeighbour[] };
      if (event.kind === 'acquired') resolve();
      if (event.kind !== 'neighbours') return;
      // As it goes through the group.
      const decoded = decodeMessage(encodeMessage({ kind: 'neighbours', neighbours: event.neighbours }));
      if (decoded.ok && decoded.message.kind === 'neighbours') told = decoded.message.neighbours;
    });
  });
}

const believed = () => /lladdr (\S+)/.exec(stage.inNeighbour('ip neigh show 10.77.0.101'))?.[1];
const macOf = (text: string) => /link\/ether (\S+)/.exec(text)?.[1];

/** The client speaks to the holder alone, then goes deaf; the holder's process is killed, and this host takes over. */
async function takeOver(changes: Partial<LocalProviderConfig>): Promise<void> {
  await hold(changes);
  // Refused, which is an answer: both kernels know each other then.
  stage.inNeighbour('timeout 5 bash -c ": < /dev/tcp/10.77.0.101/9" 2>/dev/null || true');
  stage.inNeighbour(
    'nft "add table netdev deaf; add chain netdev deaf in { type filter hook ingress device br0 priority 0; }; add rule netdev deaf in meta pkttype { broadcast, multicast } drop"',
  );
  const before = macOf(run(`ip -n ${OTHER} link show dev ov0`));
  expect(believed()).toBe(before);
  // It counts as fresh for a while, so that the client itself does not ask.
  stage.inNeighbour(`ip neigh replace 10.77.0.101 lladdr ${before} dev br0 nud reachable`);
  provider = stage.provider(changes);
  await provider.start([VIP], () => {});
  if (changes.shared_neighbours !== undefined)
    await expect.poll(() => told.map(([address]) => address), { timeout: 10_000 }).toContain(CLIENT);
  provider.neighbours?.(told);
  const gone = once(holder!, 'exit');
  holder!.kill('SIGKILL');
  await gone;
  await expect
    .poll(() => run(`ip -n ${OTHER} address show dev ov0`), { timeout: 10_000 })
    .not.toContain('10.77.0.101');
  // This host has never heard of the client.
  expect(run(`ip neigh show ${CLIENT} dev ${INTERFACE}`)).not.toContain('lladdr');
  const [outcome] = await provider.acquire([{ vip: VIP, guard: { kind: 'at-once' } }], 1, SIGNAL);
  expect(outcome?.held).toBe(true);
}

describe('a client that only the host that died knew, and that hears no broadcast', () => {
  it('is told directly by the next holder where the members share what they know', async () => {
    await takeOver(SHARED);
    const mac = macOf(run(`ip link show dev ${INTERFACE}`));
    await expect.poll(believed, { timeout: 10_000 }).toBe(mac);
  });

  it('goes on speaking to the dead where they do not', async () => {
    await takeOver({});
    expect(told).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(believed()).toBe(macOf(run(`ip -n ${OTHER} link show dev ov0`)));
  });
});
