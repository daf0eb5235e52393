/**
 * A conformance suite as data: named cases that need no test framework. Whoever runs them decides what a pass, a failure and a case that
 * does not apply look like; `runCases` is enough where there is no framework.
 */

export interface ConformanceCase {
  readonly name: string;
  /** Rejects with an Error that says what was expected and what came instead; a text: the case does not apply here, and why. */
  readonly run: () => Promise<string | undefined>;
}

/** Thrown by a case that cannot be played here; its message says why. */
export class DoesNotApply extends Error {}

/** What {@link ConformanceCase.run} resolves with. */
export async function outcomeOf(play: () => Promise<void>): Promise<string | undefined> {
  try {
    await play();
    return undefined;
  } catch (error) {
    if (error instanceof DoesNotApply) return error.message;
    throw error;
  }
}

export type CaseResult =
  | { readonly name: string; readonly verdict: 'passed' }
  | { readonly name: string; readonly verdict: 'skipped' | 'failed'; readonly why: string };

/** Runs them one after the other; never rejects. A case that takes longer than `patience` ms has failed. */
export async function runCases(
  cases: readonly ConformanceCase[],
  { patience = 60_000 }: { readonly patience?: number } = {},
): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = [];
  for (const each of cases) results.push(await runCase(each, patience));
  return results;
}

async function runCase({ name, run }: ConformanceCase, patience: number): Promise<CaseResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not come to an end within ${patience} ms`)), patience);
  });
  try {
    const skipped = await Promise.race([run(), late]);
    return skipped === undefined ? { name, verdict: 'passed' } : { name, verdict: 'skipped', why: skipped };
  } catch (error) {
    return { name, verdict: 'failed', why: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
