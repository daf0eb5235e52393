/**
 * What every implementation of group communication must do, seen from outside: the contract of `src/group/group.ts` as cases. Give it a
 * way to make members. Independent of any test framework (`cases.ts`).
 */
import { type ConformanceCase, outcomeOf } from './cases.ts';
import { GROUP_CASES } from './group-cases.ts';
import { type GroupCluster, Play } from './group-play.ts';

export { type CaseResult, type ConformanceCase, runCases } from './cases.ts';
export type { GroupCluster } from './group-play.ts';

/** `makeCluster` is called before each case; up to three members are alive at a time. */
export function groupCases(makeCluster: () => Promise<GroupCluster>): readonly ConformanceCase[] {
  return GROUP_CASES.map(([name, play]) => ({
    name,
    async run() {
      const played = new Play(await makeCluster());
      try {
        return await outcomeOf(() => play(played));
      } finally {
        await played.end();
      }
    },
  }));
}
