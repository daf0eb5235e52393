/** Section of a `package` provider: an npm package of somebody else. */
import { z } from 'zod';
import { complaint } from '../schema-parts.ts';
import { guest } from './guest.ts';
import type { ProviderKind } from './provider-kind.ts';

export interface PackageProviderConfig {
  readonly kind: 'package';
  /** Name of the npm package. */
  readonly package: string;
  /** Folder of the configuration file, where the package is looked for first. */
  readonly folder: string;
  /** Handed to the package as it is. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What the registry takes (validate-npm-package-name), less what is there for old times' sake. */
const PACKAGE_NAME = /^(@[a-z0-9-][a-z0-9-._]{0,100}\/)?[a-z0-9-][a-z0-9-._]{0,100}$/;

const schema = z.strictObject({
  kind: z
    .literal('package')
    .describe("Somebody else's provider, from an npm package, on a thread of its own"),
  package: z
    .string()
    .regex(PACKAGE_NAME, {
      error: (issue) =>
        complaint(
          `${JSON.stringify(issue.input)} is not the name of a package`,
          'write it as `npm install` takes it, such as wackamole-provider-x or @you/x',
        ),
    })
    .describe('Its name; it is looked for from the folder of this file, then from that of the program'),
  options: z.record(z.string().min(1).max(64), z.unknown()).prefault({}).describe('What it is to be told'),
  guest: guest(),
});

export const PACKAGE_KIND: ProviderKind<typeof schema, PackageProviderConfig> = {
  schema,
  settingsOf: (section, { fromFolder }) => ({
    kind: 'package',
    package: section.package,
    folder: fromFolder('.'),
    options: section.options,
  }),
};
