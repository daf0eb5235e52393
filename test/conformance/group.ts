/** The groups' conformance suite (`src/conformance/group.ts`) as vitest tests. */
import { describe, type TestContext, test } from 'vitest';
import { type GroupCluster, groupCases } from '../../src/conformance/group.ts';

export type { GroupCluster } from '../../src/conformance/group.ts';

/** Starting members and ending them included, on a busy machine. */
const PATIENCE_MS = 30_000;

export function groupConformance(name: string, makeCluster: () => Promise<GroupCluster>): void {
  describe(`group communication: ${name}`, () => {
    for (const { name: what, run } of groupCases(makeCluster)) {
      const play = async (context: TestContext) => {
        const skipped = await run();
        if (skipped !== undefined) context.skip(skipped);
      };
      test(what, play, PATIENCE_MS);
    }
  });
}
