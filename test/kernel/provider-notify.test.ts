/** A neighbour that hears no broadcast learns of a new holder by what is said to it alone. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Provider } from '../../src/provider/provider.ts';
import { INTERFACE, run, Stage, vip } from './provider-stage.ts';

const SIGNAL = new AbortController().signal;
const WRONG = '02:00:00:00:00:99';
const FOUR = vip('four', '10.77.0.101');
const SIX = vip('six', '2001:db8:77::101');
const BOTH = [FOUR, SIX];

let stage: Stage;
let provider: Provider | undefined;

beforeEach(() => {
  stage = new Stage();
  stage.begin();
  const far = stage.farEnd;
  run(`ip address add 2001:db8:77::1/64 dev ${INTERFACE} nodad`);
  stage.inNeighbour(`ip address add 2001:db8:77::2/64 dev ${far} nodad`);
  stage.inNeighbour(
    `nft "add table netdev deaf; add chain netdev deaf in { type filter hook ingress device ${far} priority 0; }; add rule netdev deaf in meta pkttype { broadcast, multicast } drop"`,
  );
  for (const address of ['10.77.0.101', '2001:db8:77::101'])
    stage.inNeighbour(`ip neigh replace ${address} lladdr ${WRONG} dev ${far} nud reachable`);
  const mac = stage.inNeighbour(`cat /sys/class/net/${far}/address`).trim();
  for (const address of ['10.77.0.2', '2001:db8:77::2'])
    run(`ip neigh replace ${address} lladdr ${mac} dev ${INTERFACE} nud reachable`);
});

afterEach(async () => {
  await provider?.stop();
  provider = undefined;
  stage.end();
});

async function hold(changes: Parameters<Stage['provider']>[0]): Promise<void> {
  provider = stage.provider(changes);
  await provider.start(BOTH, () => {});
  const requests = BOTH.map((one) => ({ vip: one, guard: { kind: 'at-once' as const } }));
  const outcomes = await provider.acquire(requests, 1, SIGNAL);
  expect(outcomes.every(({ held }) => held)).toBe(true);
}

const believed = (address: string) =>
  /lladdr (\S+)/.exec(stage.inNeighbour(`ip neigh show ${address}`))?.[1] ?? 'nothing';
const ours = () => /link\/ether (\S+)/.exec(run(`ip link show dev ${INTERFACE}`))?.[1];
/** Echo requests that the neighbour's kernel has read, of both families. */
function echoes(): { four: number; six: number } {
  const [names, values] = stage
    .inNeighbour('grep ^Icmp: /proc/net/snmp')
    .split('\n')
    .map((line) => line.split(' '));
  const six = /^Icmp6InEchos\s+(\d+)/m.exec(stage.inNeighbour('cat /proc/net/snmp6'))?.[1];
  return { four: Number(values?.[names?.indexOf('InEchos') ?? -1]), six: Number(six) };
}
const ADDRESSES = ['10.77.0.101', '2001:db8:77::101'];

describe('a neighbour that hears no broadcast', () => {
  it('does not learn of a new holder by announcements', async () => {
    await hold({});
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(ADDRESSES.map(believed)).toEqual([WRONG, WRONG]);
  });

  it('learns of it where it is to be told directly', async () => {
    await hold({
      notify: [
        { family: 4, address: '10.77.0.0', prefixLength: 24, throttle: 1000, ping: false },
        { family: 6, address: '2001:db8:77::2', prefixLength: 128, throttle: 1000, ping: true },
      ],
    });
    const mac = ours();
    await expect.poll(() => ADDRESSES.map(believed), { timeout: 10_000 }).toEqual([mac, mac]);
  });

  it.each([true, false])('is asked for an answer besides where the entry says so: ping %s', async (ping) => {
    await hold({
      notify: [
        { family: 4, address: '10.77.0.2', prefixLength: 32, throttle: 1000, ping },
        { family: 6, address: '2001:db8:77::2', prefixLength: 128, throttle: 1000, ping },
      ],
    });
    if (ping) await expect.poll(echoes, { timeout: 10_000 }).toEqual({ four: 1, six: 1 });
    const mac = ours();
    await expect.poll(() => ADDRESSES.map(believed), { timeout: 10_000 }).toEqual([mac, mac]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(echoes()).toEqual(ping ? { four: 1, six: 1 } : { four: 0, six: 0 });
  });
});
