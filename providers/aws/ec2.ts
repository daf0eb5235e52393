/**
 * The few EC2 calls we use, in our own nouns: the border between what is decided and what is asked of Amazon. Implemented by
 * `sdk.ts`. A call rejects with an `Ec2Failure` alone, and always settles: it carries its own timeout.
 */

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** An elastic network interface. */
export interface Eni {
  readonly id: string;
  readonly subnet: string;
  readonly vpc: string;
  readonly zone: string;
  readonly account: string;
  readonly instance: string | undefined;
  readonly description: string;
  readonly sourceDestCheck: boolean;
  readonly addresses: readonly {
    readonly address: string;
    readonly primary: boolean;
    /** Elastic or public address on top of it. */
    readonly publicIp: string | undefined;
  }[];
  readonly ipv6: readonly string[];
  readonly tags: readonly Tag[];
}

export interface ElasticIp {
  readonly address: string;
  readonly allocation: string;
  /** Fresh with each association. */
  readonly association: string | undefined;
  readonly eni: string | undefined;
  readonly instance: string | undefined;
  readonly privateAddress: string | undefined;
  readonly borderGroup: string | undefined;
}

export interface Route {
  readonly destination: string;
  readonly eni: string | undefined;
  readonly instance: string | undefined;
  /** Gateway, peering or whatever else it leads to. */
  readonly other: string | undefined;
  readonly blackhole: boolean;
}

export interface RouteTable {
  readonly id: string;
  readonly vpc: string;
  readonly main: boolean;
  readonly subnets: readonly string[];
  readonly routes: readonly Route[];
}

export interface Subnet {
  readonly id: string;
  readonly vpc: string;
  readonly zone: string;
  readonly cidr: string;
  readonly ipv6Cidrs: readonly string[];
  readonly freeAddresses: number;
}

export interface InstanceLimits {
  readonly ipv4PerInterface: number;
  readonly ipv6PerInterface: number;
}

/** One filter of a Describe call: any of the values. */
export interface Filter {
  readonly name: string;
  readonly values: readonly string[];
}

export interface Identity {
  readonly account: string;
  readonly arn: string;
}

/** Options of a call. */
export interface CallOptions {
  readonly signal: AbortSignal;
  /** Ask for permission only; an allowed call rejects with a failure of kind `would-succeed`. */
  readonly dryRun?: boolean;
}

export interface Ec2 {
  enis(filters: readonly Filter[], options: CallOptions): Promise<readonly Eni[]>;
  elasticIps(filters: readonly Filter[], options: CallOptions): Promise<readonly ElasticIp[]>;
  routeTables(filters: readonly Filter[], options: CallOptions): Promise<readonly RouteTable[]>;
  subnets(filters: readonly Filter[], options: CallOptions): Promise<readonly Subnet[]>;
  /** Tags by resource id. */
  tags(
    filters: readonly Filter[],
    options: CallOptions,
  ): Promise<readonly { readonly resource: string; readonly tag: Tag }[]>;
  instanceLimits(type: string, options: CallOptions): Promise<InstanceLimits | undefined>;
  change(call: Change, options: CallOptions): Promise<void>;
  /** Who the credentials are. Rejects like the others; a region without a reachable STS end point is a failure too. */
  identity(options: CallOptions): Promise<Identity>;
  /** Resolves the credentials without asking EC2; rejects with a failure of kind `credentials`. */
  credentials(signal: AbortSignal): Promise<void>;
  /** How far the clock of this host is ahead of Amazon's, in ms, by the last answer; undefined: nothing was answered yet. */
  readonly clockAhead: number | undefined;
  close(): void;
}

/** Calls that change something. */
export type Change =
  | {
      readonly kind: 'assign';
      readonly family: 4 | 6;
      readonly eni: string;
      readonly addresses: readonly string[];
      /** Take them from whoever has them; IPv4 alone. */
      readonly steal: boolean;
    }
  | {
      readonly kind: 'unassign';
      readonly family: 4 | 6;
      readonly eni: string;
      readonly addresses: readonly string[];
    }
  | {
      readonly kind: 'associate';
      readonly allocation: string;
      readonly eni: string;
      readonly privateAddress: string;
      readonly steal: boolean;
    }
  | { readonly kind: 'disassociate'; readonly association: string }
  | {
      readonly kind: 'route';
      /** Of a route that is not there: `create`. */
      readonly how: 'create' | 'replace';
      readonly table: string;
      readonly family: 4 | 6;
      readonly destination: string;
      readonly eni: string;
    }
  | { readonly kind: 'tag'; readonly resource: string; readonly tag: Tag };

/** The API action of a call, as IAM and error messages name it. */
export function actionOf(call: Change): string {
  switch (call.kind) {
    case 'assign':
      return call.family === 4 ? 'AssignPrivateIpAddresses' : 'AssignIpv6Addresses';
    case 'unassign':
      return call.family === 4 ? 'UnassignPrivateIpAddresses' : 'UnassignIpv6Addresses';
    case 'associate':
      return 'AssociateAddress';
    case 'disassociate':
      return 'DisassociateAddress';
    case 'route':
      return call.how === 'create' ? 'CreateRoute' : 'ReplaceRoute';
    case 'tag':
      return 'CreateTags';
  }
}
