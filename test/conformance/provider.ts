/** The providers' conformance suite (`src/conformance/provider.ts`) as vitest tests. */
import { describe, it, type TestContext } from 'vitest';
import { type ProviderStage, providerCases } from '../../src/conformance/provider.ts';

export type { ProviderStage } from '../../src/conformance/provider.ts';
export { until } from '../../src/conformance/timing.ts';

/** Building a stage up and taking it down included, on a busy machine. */
const PATIENCE_MS = 30_000;

export function describeProvider(title: string, open: () => Promise<ProviderStage>): void {
  describe(title, () => {
    for (const { name, run } of providerCases(open)) {
      const play = async (context: TestContext) => {
        const skipped = await run();
        if (skipped !== undefined) context.skip(skipped);
      };
      it(name, play, PATIENCE_MS);
    }
  });
}
