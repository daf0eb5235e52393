/**
 * What a kind of provider adds to the configuration: the shape of its section, the settings that become of it, and what has to fit
 * together. One file a kind beside this one; `kinds.ts` lists them.
 */
import type { z } from 'zod';
import type { AgentConfig, GroupConfig } from '../config.ts';
import type { Findings } from '../findings.ts';
import type { Path } from '../problem.ts';
import type { PlacedVip } from '../vip-section.ts';

export interface ProviderKind<Schema extends z.ZodObject, Settings> {
  /** With a literal `kind`, whose description says what the provider does. */
  readonly schema: Schema;
  settingsOf(section: z.output<Schema>, context: SectionContext): Settings;
  /** What no single key can say; absent: nothing. */
  check?(settings: Settings, context: CheckContext): void;
}

export interface SectionContext {
  /** Makes a relative path start from the folder of the configuration file. */
  readonly fromFolder: (path: string) => string;
  /** Of the group. */
  readonly engine: GroupConfig['engine'];
}

export interface CheckContext {
  /** Name of the provider. */
  readonly name: string;
  /** Of its section in the file. */
  readonly path: Path;
  readonly agent: AgentConfig;
  /** The VIPs that this host's agent would let it carry; of a row of names the first. */
  readonly carried: readonly PlacedVip[];
  readonly findings: Findings;
}
