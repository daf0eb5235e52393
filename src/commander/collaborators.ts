/** What the commands need of the world; `bin` hands in the real things, tests hand in others. */
import type { Config } from '../config/config.ts';
import type { request, watch } from '../control/client.ts';
import type { Rehearsed, RehearsedFault } from '../model/rehearsal.ts';
import type { Millis } from '../model/time.ts';

export interface Output {
  write(text: string): void;
}

export interface Terminal {
  /** Characters a line; absent where it is no terminal. */
  readonly columns?: number;
  readonly rows?: number;
  /** Whether standard output is a person's terminal, which can be redrawn. */
  readonly interactive: boolean;
  readonly color: boolean;
}

/** One line of a host's examination. */
export interface HostCheck {
  readonly vip?: string;
  readonly what: string;
  readonly verdict: 'pass' | 'warn' | 'fail' | 'unknown';
  readonly detail: string;
  /** How to mend it; present unless `pass`. */
  readonly mend?: string;
}

/** One line of a rehearsal. */
export interface ProviderCheck extends HostCheck {
  /** Absent: of the cluster as a whole. */
  readonly provider?: string;
  /** Addresses of each family that this host can hold through the provider. */
  readonly slots4?: number;
  readonly slots6?: number;
}

export interface TestRequest {
  readonly config: Config;
  /** Absent: all of the configuration. */
  readonly provider?: string;
  readonly vip?: string;
  readonly timeout: Millis;
  /** What the agent of this host knows; absent: none runs. */
  readonly context?: { readonly here: readonly string[]; readonly elsewhere: readonly string[] };
}

export interface DefaultRoute {
  readonly gateway?: string;
  readonly interfaceName: string;
}

/** A kind of provider that a file may name. */
export interface KnownKind {
  readonly kind: string;
  readonly about: string;
  /** npm packages it needs; without a version: not installed. */
  readonly packages: readonly { readonly name: string; readonly version?: string }[];
}

export interface ProviderList {
  readonly kinds: readonly KnownKind[];
  readonly configured: readonly { readonly name: string; readonly kind: string; readonly vips: number }[];
}

/** An address that an agent left on this host. */
export interface Leftover {
  /** With its prefix length. */
  readonly address: string;
  readonly interfaceName: string;
  /** Why it is still there; absent: it is gone, or would be. */
  readonly problem?: string;
}

export interface DemoOptions {
  readonly profile?: 'lan' | 'fast';
  readonly hosts?: number;
  readonly vips?: number;
  readonly json: boolean;
  /** Tell each VIP's outage, not only the worst. */
  readonly verbose: boolean;
}

export interface RehearsalOptions {
  readonly config: Config;
  /** All hosts of the cluster. */
  readonly hosts: readonly string[];
  readonly faults: readonly RehearsedFault[];
  readonly runs: number;
}

export interface SpreadUserOptions {
  /** In Spread's notation. */
  readonly daemon: string;
  /** Private name; absent: the daemon makes one up. */
  readonly name?: string;
}

export interface InstallRequest {
  /** Name of the cluster whose agent is one of several on this host; absent: the host's only one. */
  readonly instance?: string;
  /** Folder that is or will be the root of a host. */
  readonly root: string;
  readonly dryRun: boolean;
}

/** What was done, or would be, and what to know of it, a line each; or why not. */
export type Installation =
  | { readonly ok: true; readonly done: readonly string[]; readonly notes: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

export interface Collaborators {
  readonly version: string;
  /** Of this host, for the member name where the file has none. */
  readonly hostName: string;
  readonly stdout: Output;
  readonly stderr: Output;
  terminal(): Terminal;
  /** Wall clock, milliseconds since 1970. */
  now(): number;
  readFile(path: string): Promise<string>;
  /** Files whose names match a shell pattern, relative to the folder; sorted. */
  listFiles(pattern: string, folder: string): Promise<readonly string[]>;
  /** An address of this host on the interface, IPv4 if there is one; undefined: it has none, or is not here. */
  addressOn(interfaceName: string): string | undefined;
  readonly request: typeof request;
  readonly watch: typeof watch;
  readonly generateKey: () => string;
  readonly writeKeyFile: (path: string, key: string) => Promise<void>;
  /** At least one; the first is the one in use. */
  readKeyFile(path: string): Promise<readonly Uint8Array[]>;
  /** Why the service of this host could not read a key file that we can; undefined: it could, or there is none. */
  serviceKeyProblem(path: string): Promise<string | undefined>;
  replaceKeyFile(path: string, keys: readonly Uint8Array[]): Promise<void>;
  /** Names a key without telling anything of it. */
  readonly fingerprintOf: (key: Uint8Array) => string;
  /** Runs until the agent ends; the process's exit code. */
  runAgent(options: { readonly config: string; readonly core: boolean }): Promise<number>;
  runDemo(options: DemoOptions): Promise<number>;
  /** Reads commands from standard input until it ends. */
  runSpreadUser(options: SpreadUserOptions): Promise<number>;
  /** Examines whether this host can do what the configuration asks; changes nothing. */
  checkHost(config: Config): Promise<readonly HostCheck[]>;
  /** Lets the providers rehearse; changes nothing, and ends in time. */
  testProviders(request: TestRequest): Promise<readonly ProviderCheck[]>;
  /** Of this host. */
  defaultRoutes(): readonly DefaultRoute[];
  /** Without a configuration: what there is. */
  listProviders(config: Config | undefined): Promise<ProviderList>;
  /** What the agent must be allowed for these providers of one kind, in the platform's notation; undefined: nothing. */
  providerPolicy(config: Config, providers: readonly string[]): Promise<unknown>;
  /** Simulates the cluster of a configuration; rejects with an Error where it does not come up. */
  rehearse(options: RehearsalOptions): Promise<Rehearsed>;
  /** Removes every address that carries our mark, or those of one cluster; rejects with an Error for a person. */
  cleanUp(options: {
    readonly dryRun: boolean;
    /** `addresses`: which of those are its that do not say whose they are. */
    readonly only?: { readonly cluster: string; readonly addresses: readonly string[] };
  }): Promise<readonly Leftover[]>;
  /** Makes this program a service of the host; rejects only for a bug. */
  install(request: InstallRequest): Promise<Installation>;
  uninstall(request: InstallRequest): Promise<Installation>;
}
