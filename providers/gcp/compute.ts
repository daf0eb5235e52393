/**
 * The few calls of Compute Engine we use, in our own nouns: the border between what is decided and what is asked of Google. Implemented
 * by `sdk.ts`. A call rejects with a `GcpFailure` alone, and always settles: it carries its own timeout.
 */

export interface InstanceRef {
  readonly project: string;
  readonly zone: string;
  readonly instance: string;
}

export interface Alias {
  /** As the API has it: `10.0.0.5/32`. */
  readonly range: string;
  /** Name of the secondary range of the subnetwork; absent: of its primary one. */
  readonly rangeName?: string;
}

export interface AccessConfig {
  readonly name: string;
  /** External IPv4 address; absent while the instance is stopped and the address is ephemeral. */
  readonly natIp?: string;
}

export interface Nic {
  readonly name: string;
  readonly network: string;
  readonly subnetwork: string;
  readonly address: string;
  /** Changes with each change of the interface; who writes has to name it. */
  readonly fingerprint: string;
  readonly aliases: readonly Alias[];
  readonly accessConfigs: readonly AccessConfig[];
}

export interface Instance {
  readonly ref: InstanceRef;
  /** `RUNNING`, `STOPPING`, `TERMINATED` … */
  readonly status: string;
  readonly canIpForward: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly nics: readonly Nic[];
}

export interface Route {
  readonly name: string;
  readonly network: string;
  readonly destination: string;
  readonly priority: number;
  readonly description: string;
  /** Last part of the URL of the instance, with its zone; absent: it leads to something else. */
  readonly instance?: InstanceRef;
  /** For people: whatever it leads to. */
  readonly hop: string;
}

export interface Address {
  readonly name: string;
  readonly address: string;
  /** `RESERVED`, `RESERVING`, `IN_USE`. */
  readonly status: string;
  readonly external: boolean;
  /** URLs of what uses it. */
  readonly users: readonly string[];
}

export interface Subnet {
  readonly name: string;
  readonly region: string;
  readonly network: string;
  readonly cidr: string;
  readonly secondary: readonly { readonly name: string; readonly cidr: string }[];
}

/** Of what permissions are asked. */
export type Resource =
  | { readonly kind: 'project'; readonly project: string }
  | ({ readonly kind: 'instance' } & InstanceRef)
  | {
      readonly kind: 'subnetwork' | 'address';
      readonly project: string;
      readonly region: string;
      readonly name: string;
    };

export interface CallOptions {
  readonly signal: AbortSignal;
}

/** Who the credentials are and what the token may do at most. */
export interface Identity {
  readonly who: string;
  /** Scopes of OAuth; empty: not known. */
  readonly scopes: readonly string[];
}

export interface Compute {
  instance(ref: InstanceRef, options: CallOptions): Promise<Instance>;
  /** Of all zones; `label`: only those that have it, with that value. */
  instances(
    question: {
      readonly project: string;
      readonly label?: { readonly key: string; readonly value: string };
    },
    options: CallOptions,
  ): Promise<readonly Instance[]>;
  routes(
    question: { readonly project: string; readonly destinations: readonly string[] },
    options: CallOptions,
  ): Promise<readonly Route[]>;
  addresses(
    question: { readonly project: string; readonly region: string; readonly addresses: readonly string[] },
    options: CallOptions,
  ): Promise<readonly Address[]>;
  subnet(
    ref: { readonly project: string; readonly region: string; readonly name: string },
    options: CallOptions,
  ): Promise<Subnet>;
  /** One value that a guest wrote about itself; undefined: none. */
  guestAttribute(ref: InstanceRef, key: string, options: CallOptions): Promise<string | undefined>;
  /** Those of the permissions that we have. Changes nothing. */
  granted(
    resource: Resource,
    permissions: readonly string[],
    options: CallOptions,
  ): Promise<readonly string[]>;
  /** Resolves when the operation is over, and without an error. Never cut off once it was asked for. */
  change(change: Change): Promise<void>;
  /** Resolves the credentials; rejects with a failure of kind `credentials`. */
  identity(options: CallOptions): Promise<Identity>;
  /** How far the clock of this host is ahead of Google's, in ms, by the last answer; undefined: nothing was answered yet. */
  readonly clockAhead: number | undefined;
  close(): void;
}

/** Calls that change something; each is one operation. */
export type Change =
  | {
      /** Replaces the whole list of the interface, which must still be as `fingerprint` says. */
      readonly kind: 'aliases';
      readonly on: InstanceRef;
      readonly nic: string;
      readonly fingerprint: string;
      readonly aliases: readonly Alias[];
    }
  | {
      readonly kind: 'add-access-config';
      readonly on: InstanceRef;
      readonly nic: string;
      readonly name: string;
      readonly natIp: string;
    }
  | {
      readonly kind: 'delete-access-config';
      readonly on: InstanceRef;
      readonly nic: string;
      readonly name: string;
    }
  | {
      readonly kind: 'insert-route';
      readonly project: string;
      readonly network: string;
      readonly name: string;
      readonly destination: string;
      readonly priority: number;
      readonly description: string;
      readonly to: InstanceRef;
    }
  | { readonly kind: 'delete-route'; readonly project: string; readonly name: string };

/** The method of a change, as messages name it. */
export function methodOf({ kind }: Change): string {
  switch (kind) {
    case 'aliases':
      return 'instances.updateNetworkInterface';
    case 'add-access-config':
      return 'instances.addAccessConfig';
    case 'delete-access-config':
      return 'instances.deleteAccessConfig';
    case 'insert-route':
      return 'routes.insert';
    case 'delete-route':
      return 'routes.delete';
  }
}

/** For people. */
export function wordsOf({ zone, instance }: InstanceRef): string {
  return `${instance} (${zone})`;
}

export function isSame(one: InstanceRef, other: InstanceRef): boolean {
  return one.instance === other.instance && one.zone === other.zone && one.project === other.project;
}

/** Last part of a URL of the API. */
export function lastPart(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}

const INSTANCE_URL = /projects\/([^/]+)\/zones\/([^/]+)\/instances\/([^/]+)$/;

/** Undefined: it is not the URL of an instance. */
export function instanceOf(url: string): InstanceRef | undefined {
  const [, project, zone, instance] = INSTANCE_URL.exec(url) ?? [];
  if (project === undefined || zone === undefined || instance === undefined) return undefined;
  return { project, zone, instance };
}
