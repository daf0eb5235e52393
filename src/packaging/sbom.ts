/** What is in the packages that is not ours, in CycloneDX: npm's own list, less what was not shipped, with nothing that differs from build to build. */
import { createHash } from 'node:crypto';
import { lockFile, ROOT, run } from './runtime.ts';
import type { Release } from './tree.ts';

interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

interface Bom {
  serialNumber: string;
  metadata: { timestamp: string; component: Component & { version: string } };
  components: Component[];
  dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

/** @param packages folders of what is shipped, below `node_modules` */
export function softwareList(packages: ReadonlySet<string>, { version, seconds }: Release): string {
  const bom = JSON.parse(run(['npm', 'sbom', '--sbom-format', 'cyclonedx'], ROOT)) as Bom;
  const shipped = bom.components.filter((component) => packages.has(pathOf(component)));
  const listed = new Set(shipped.map(pathOf));
  const others = [...packages].filter((path) => !listed.has(path)).map(fromLockFile);
  bom.components = [...shipped, ...others].toSorted((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1));
  const own = bom.metadata.component['bom-ref'];
  const known = new Set([own, ...bom.components.map((component) => component['bom-ref'])]);
  bom.dependencies = bom.dependencies
    .filter(({ ref }) => known.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => known.has(other)) }));
  bom.metadata.timestamp = new Date(seconds * 1000).toISOString();
  bom.metadata.component = { ...bom.metadata.component, name: 'wackamole', version };
  bom.serialNumber = '';
  bom.serialNumber = `urn:uuid:${uuidOf(JSON.stringify(bom))}`;
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}

function pathOf({ properties = [] }: Component): string {
  return properties.find(({ name }) => name === 'cdx:npm:package:path')?.value ?? '';
}

/** What npm did not install here: another architecture's. */
function fromLockFile(path: string): Component {
  const found = lockFile().packages[path];
  if (found === undefined) throw new Error(`package-lock.json does not name ${path}; run \`npm install\``);
  const { version, integrity, license } = found;
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const digest = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');
  const component = {
    'bom-ref': `${name}@${version}`,
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    properties: [{ name: 'cdx:npm:package:path', value: path }],
    hashes: [{ alg: 'SHA-512', content: digest }],
    ...(license !== undefined && { licenses: [{ license: { id: license } }] }),
  };
  return component;
}

/** Of the form that the standard wants (version 8: of whoever makes it). */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
