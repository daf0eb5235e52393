/** `quorum.witness`: where the record of the witness lies, and whether it makes sense with these votes. */
import type { WitnessConfig } from './config.ts';
import type { Findings } from './findings.ts';
import type { FileShape } from './schema.ts';

type WitnessShape = NonNullable<FileShape['quorum']['witness']>;

/** Undefined where there is none, or with a finding. `votes`: of all members; `primary`: whether any VIP asks for it. */
export function buildWitness(
  { quorum: { witness }, cluster }: FileShape,
  { votes, primary }: { readonly votes: number; readonly primary: boolean },
  findings: Findings,
): WitnessConfig | undefined {
  if (witness === undefined) return undefined;
  const path = ['quorum', 'witness'];
  const place = placeOf(witness, findings);
  if (witness.renew * 4 > witness.lease)
    findings.error([...path, 'renew'], {
      what: 'is more than a quarter of the lease',
      mend: 'write less, so that three renewals may fail',
    });
  if (votes % 2 === 1)
    findings.warn(path, {
      what: `the ${votes} votes of the members are odd already, and with one more that may be missing it takes more of them`,
      mend: 'drop it, or give an even number of votes',
      atKey: true,
    });
  if (!primary)
    findings.warn(path, {
      what: 'no VIP is of policy `primary`, so nobody will ask it',
      mend: 'write `policy: primary`, or drop it',
      atKey: true,
    });
  if (place === undefined) return undefined;
  return {
    kind: witness.kind,
    place,
    key: witness.key ?? `wackamole/${cluster}`,
    ...(witness.region !== undefined && { region: witness.region }),
    ...(witness.endpoint !== undefined && { endpoint: witness.endpoint }),
    lease_ms: witness.lease,
    renew_ms: witness.renew,
  };
}

function placeOf({ kind, table, bucket }: WitnessShape, findings: Findings): string | undefined {
  const [wanted, place, other] =
    kind === 'dynamodb' ? (['table', table, bucket] as const) : (['bucket', bucket, table] as const);
  const path = ['quorum', 'witness'];
  if (place === undefined)
    findings.error(path, {
      what: `\`kind: ${kind}\` needs a \`${wanted}\``,
      mend: `write \`${wanted}: NAME\``,
      atKey: true,
    });
  const odd = wanted === 'table' ? 'bucket' : 'table';
  if (other !== undefined)
    findings.error([...path, odd], {
      what: `\`kind: ${kind}\` has no \`${odd}\``,
      mend: 'drop it',
      atKey: true,
    });
  return place;
}
