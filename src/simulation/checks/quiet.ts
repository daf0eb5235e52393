/** Parts of the group that have been left alone for long enough that what should be so can be looked for. */
import type { Millis } from '../../model/time.ts';
import type { Vip, VipId } from '../../model/vip.ts';
import type { AgentProcess } from '../world/agent-process.ts';
import type { Host } from '../world/host.ts';
import type { World } from '../world/world.ts';

/** The hosts of the agent's view, if all of them have been left alone for the bound. */
export function quietMembers(
  { now, hosts }: Pick<World, 'now' | 'hosts'>,
  agent: AgentProcess,
  bound: Millis,
): Host[] | undefined {
  const { view, viewAt } = agent.facts;
  if (!view || now - viewAt < bound) return undefined;
  const members = hosts.filter(
    (host) =>
      host.agent?.facts.view?.id === view.id &&
      host.disturbedAt < now - bound &&
      host.troubledUntil < now &&
      host.agent.group?.hasDeafStream === false &&
      host.agent.startedAt < now - bound &&
      !host.frozen,
  );
  return members.length === view.members.length ? members : undefined;
}

/** Whether one of its checks says that it must not hold the VIP whatever becomes of it. */
export function isReleased({ config, failing }: Host, vip: VipId): boolean {
  return config.checks.some(
    ({ name, when_all_fail, vips }) =>
      when_all_fail === 'release' && failing.has(name) && (vips?.includes(vip) ?? true),
  );
}

/** The VIPs of which all members have one opinion; of the others it is said that nobody serves them, or one of the opinions. */
export function agreedVips(members: readonly Host[]): readonly Vip[] {
  const [first, ...rest] = members.map(({ config }) => config.vips) as [
    readonly Vip[],
    ...(readonly Vip[])[],
  ];
  if (rest.every((vips) => vips === first)) return first;
  return first.filter((vip) => {
    const text = textOf(vip);
    return rest.every((vips) => textOf(vips.find(({ id }) => id === vip.id)) === text);
  });
}

const TEXTS = new WeakMap<Vip, string>();

function textOf(vip: Vip | undefined): string | undefined {
  if (vip === undefined) return undefined;
  const known = TEXTS.get(vip);
  if (known !== undefined) return known;
  const text = JSON.stringify(vip);
  TEXTS.set(vip, text);
  return text;
}
