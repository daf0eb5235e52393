/** The witness that the configuration names, if any: its lease, driven in this process, on a store in a thread of its own. */
import type { Config } from '../config/config.ts';
import { memberId } from '../model/member.ts';
import { bootTimeNow } from '../platform/clock.ts';
import { freshIncarnation, freshToken } from '../platform/identity.ts';
import { installedPackage } from '../platform/installed-package.ts';
import { packagePath, scriptUrl } from '../platform/layout.ts';
import type { WitnessDriver } from '../witness/driver.ts';

/** While it is not needed. */
const LOOK_EVERY = 60_000;

const PACKAGES = {
  dynamodb: '@aws-sdk/client-dynamodb',
  s3: '@aws-sdk/client-s3',
  gcs: 'google-auth-library',
} as const;

/** Rejects with an Error for a person where its package is not installed. */
export async function createWitness({ member, quorum }: Config): Promise<WitnessDriver | undefined> {
  const { witness } = quorum;
  if (witness === undefined) return undefined;
  const wanted = PACKAGES[witness.kind];
  if (installedPackage(wanted) === undefined)
    throw new Error(
      `the witness needs the package ${wanted}, which is not installed; run \`npm install --include=optional\` in ${packagePath('.')}`,
    );
  const { WitnessDriver } = await import('../witness/driver.ts');
  const { createThreadStore } = await import('../witness/thread-store.ts');
  const { kind, place, key, region, endpoint, lease_ms: lease, renew_ms: renew } = witness;
  const store = createThreadStore({
    script: scriptUrl('witness/witness-thread.ts'),
    data: { kind, place, key, region, endpoint },
  });
  // One identity for all memberships of this run: what it has taken it knows again after it lost the group.
  const self = memberId(member, freshIncarnation());
  return new WitnessDriver(
    { self, lease, renew, look: LOOK_EVERY },
    { store, clock: bootTimeNow, nonce: () => freshToken(12).toString('hex') },
  );
}
