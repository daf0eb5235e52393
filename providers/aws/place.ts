/** Where this host stands in the cloud: its interfaces, their subnets, what its instance type may carry. */
import type { Eni, InstanceLimits, Subnet } from './ec2.ts';

export interface OwnInterface {
  readonly eni: Eni;
  readonly subnet: Subnet;
}

export interface Place {
  readonly region: string;
  readonly instance: string | undefined;
  readonly instanceType: string | undefined;
  /** In configured order; the first one is used where nothing says otherwise. */
  readonly interfaces: readonly OwnInterface[];
  readonly limits: InstanceLimits | undefined;
}

export function ownEnis(place: Place): ReadonlySet<string> {
  return new Set(place.interfaces.map(({ eni }) => eni.id));
}

/** For people: who has it. */
export function holderWords({ id, instance, description }: Eni): string {
  const on = instance === undefined ? 'attached to no instance' : `of ${instance}`;
  return description === '' ? `${id} ${on}` : `${id} ${on}, ${JSON.stringify(description.slice(0, 60))}`;
}
