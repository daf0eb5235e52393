/** What an operator's own program (provider `exec`) may write to its standard output: any text. Read to an outcome or a complaint, both bounded. */
import fc from 'fast-check';
import { type ExecVerb, readAnswer } from '../../../providers/exec/protocol.ts';
import type { Vip } from '../../../src/model/vip.ts';
import { demand, type Target } from '../target.ts';

const VERBS: readonly ExecVerb[] = ['inspect', 'acquire', 'release', 'renew', 'announce', 'test'];
const VIPS: readonly Vip[] = ['v1', 'v2', '__proto__'].map((id, at) => ({
  id,
  addresses: [{ family: 4, address: `10.0.0.${at + 1}`, prefixLength: 32 }],
  prefer: [],
  weight: 1,
  policy: 'component',
  providers: ['exec'],
}));
const IDS = VIPS.map(({ id }) => id);
/** Of a reason, detail or complaint; a complaint quotes what it complains of. */
const TEXT_MAX = 500;

interface Input {
  readonly verb: ExecVerb;
  readonly asked: number;
  readonly text: string;
}

const odd = fc.oneof(
  fc.constantFrom<unknown>(null, 0, -1, '', true, [], {}, 'huh', '\u001b[2J', '__proto__', 'x'.repeat(2000)),
  fc.jsonValue(),
);
const mostly = (right: fc.Arbitrary<unknown>) =>
  fc.oneof({ arbitrary: right, weight: 8 }, { arbitrary: odd, weight: 1 });
const said = fc.record(
  {
    id: mostly(fc.constantFrom(...IDS, 'v9')),
    held: mostly(fc.boolean()),
    code: mostly(fc.constantFrom('ok', 'failed', 'lost', 'address-in-use', 'no-such-code')),
    reason: mostly(fc.string()),
    fit: mostly(fc.boolean()),
  },
  { requiredKeys: [] },
);
const check = fc.record(
  {
    vip: mostly(fc.constantFrom(...IDS)),
    what: mostly(fc.string()),
    verdict: mostly(fc.constantFrom('pass', 'warn', 'fail', 'unknown')),
    detail: mostly(fc.string()),
    mend: mostly(fc.string()),
  },
  { requiredKeys: [] },
);
const answer = fc.record(
  {
    version: mostly(fc.constant(1)),
    unsupported: mostly(fc.boolean()),
    vips: mostly(fc.array(mostly(said), { maxLength: 5 })),
    checks: mostly(fc.array(mostly(check), { maxLength: 5 })),
  },
  { requiredKeys: [] },
);

function judge({ verb, asked, text }: Input): void {
  const vips = VIPS.slice(0, asked);
  const read = readAnswer(verb, vips, text);
  if (read.kind === 'garbage')
    return demand(
      read.problem !== '' && read.problem.length <= TEXT_MAX,
      () => `a complaint: ${read.problem}`,
    );
  if (read.kind === 'checks')
    for (const { what, detail, verdict, mend } of read.checks) {
      demand(what !== '' && what.length <= TEXT_MAX && detail.length <= TEXT_MAX, () => `a check: ${what}`);
      demand(verdict === 'pass' || (mend !== undefined && mend !== ''), () => `no mend of ${what}`);
    }
  if (read.kind !== 'vips') return;
  const ids = vips.map(({ id }) => id);
  for (const [id, { held, reason }] of read.said) {
    demand(ids.includes(id), () => `it answers for ${id}, which was not asked for`);
    demand(typeof held === 'boolean' && reason.length <= TEXT_MAX, () => `what it says of ${id}`);
  }
  // Nothing is counted as said that was not: what is missing is named.
  if (verb !== 'announce')
    demand(read.said.size + read.missing.length === ids.length, () => `${read.missing.join(' ')} missing`);
}

export const execAnswers: Target<Input> = {
  name: 'exec-answers',
  about: "standard output of an operator's program (providers/exec)",
  share: 2,
  patience: 300,
  inputs: () =>
    fc.record({
      verb: fc.constantFrom(...VERBS),
      asked: fc.integer({ min: 0, max: VIPS.length }),
      text: fc.oneof(
        { arbitrary: answer.map((each) => JSON.stringify(each)), weight: 8 },
        { arbitrary: fc.json(), weight: 1 },
        { arbitrary: fc.string(), weight: 1 },
        {
          arbitrary: fc.constantFrom('', ' \n', 'null', '[]', '{"version":1}', '{"a":'.repeat(20_000)),
          weight: 1,
        },
      ),
    }),
  check: judge,
};
