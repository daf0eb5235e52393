/**
 * What every provider has to do, whatever it moves: the contract of `src/provider/provider.ts` as cases. Give it a way to open a stage,
 * which is called afresh for each case. Independent of any test framework (`cases.ts`).
 */
import { type ConformanceCase, outcomeOf } from './cases.ts';
import { PROVIDER_CASES } from './provider-cases.ts';
import { closeStage, openStage, type ProviderStage } from './provider-stage.ts';

export { type CaseResult, type ConformanceCase, runCases } from './cases.ts';
export type { ProviderStage } from './provider-stage.ts';

export function providerCases(open: () => Promise<ProviderStage>): readonly ConformanceCase[] {
  return PROVIDER_CASES.map(([name, play]) => ({
    name,
    async run() {
      const played = await openStage(open);
      try {
        return await outcomeOf(() => play(played));
      } finally {
        await closeStage(played);
      }
    },
  }));
}
