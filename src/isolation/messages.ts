/** What the agent's thread and a provider's own thread say to each other, by structured clone. */
import type { ProviderTraits } from '../provider/provider.ts';

/** Verbs that are answered. */
export type Verb = 'start' | 'inspect' | 'acquire' | 'release' | 'renew' | 'test' | 'stop';

/** Arguments as the provider takes them, without listener and signal. */
export type ToThread =
  | {
      readonly kind: 'request';
      readonly number: number;
      readonly verb: Verb;
      readonly words: readonly unknown[];
    }
  /** The caller does not want the answer to this request any more. */
  | { readonly kind: 'abort'; readonly number: number }
  | { readonly kind: 'tell'; readonly what: 'configure' | 'announce'; readonly vips: readonly unknown[] }
  /** The agent is well; `look`: and wants to know whether the thread is. */
  | { readonly kind: 'tick'; readonly look: boolean };

export type FromThread =
  /** The provider is made; `ticks`: it wants to be told that the agent is well. */
  | { readonly kind: 'loaded'; readonly traits: ProviderTraits; readonly ticks: boolean }
  /** It cannot be made at all; `reason` is for people. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'answer'; readonly number: number; readonly value: unknown }
  /** The provider rejected or threw. */
  | { readonly kind: 'threw'; readonly number: number; readonly reason: string }
  | { readonly kind: 'event'; readonly event: unknown }
  | { readonly kind: 'well' };

const KINDS: ReadonlySet<unknown> = new Set<FromThread['kind']>([
  'loaded',
  'refused',
  'answer',
  'threw',
  'event',
  'well',
]);

/** Code of strangers runs in that thread and may post anything: undefined for what is none of ours. */
export function readFromThread(message: unknown): FromThread | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { kind, number, reason, traits } = message as Record<string, unknown>;
  if (!KINDS.has(kind)) return undefined;
  if ((kind === 'answer' || kind === 'threw') && typeof number !== 'number') return undefined;
  if ((kind === 'refused' || kind === 'threw') && typeof reason !== 'string') return undefined;
  if (kind === 'loaded' && !isTraits(traits)) return undefined;
  return message as FromThread;
}

const SCOPES: ReadonlySet<unknown> = new Set<ProviderTraits['scope']>([
  'link',
  'subnet',
  'zone',
  'region',
  'any',
]);

function isTraits(traits: unknown): traits is ProviderTraits {
  if (typeof traits !== 'object' || traits === null) return false;
  const { families, scope, atomicTakeover, leaseBound } = traits as Record<string, unknown>;
  const known = Array.isArray(families) && families.every((family) => family === 4 || family === 6);
  const bound = leaseBound === undefined || (typeof leaseBound === 'number' && leaseBound >= 0);
  return known && SCOPES.has(scope) && typeof atomicTakeover === 'boolean' && bound;
}
