/** An example of ours, applied by the real `terraform` to the make-believe clouds, in a copy of the whole tree. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, type Outcome, ROOT } from './terraform.ts';

export const KEY = '5f'.repeat(32);
const PACKAGE = {
  TF_VAR_deb_url: 'https://packages.example.com/wackamole_0.1.0_amd64.deb',
  TF_VAR_deb_sha256: 'ab'.repeat(32),
  TF_VAR_cluster_key: KEY,
};
/** What each example has no default for. */
export const EXAMPLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  aws: { ...PACKAGE, TF_VAR_ami_id: 'ami-0123456789abcdef0' },
  gcp: { ...PACKAGE, TF_VAR_project: 'example-project' },
  hybrid: {
    ...PACKAGE,
    TF_VAR_ami_id: 'ami-0123456789abcdef0',
    TF_VAR_vpc_id: 'vpc-0123456789abcdef0',
    TF_VAR_subnet_ids: '["subnet-0123456789abcdef0","subnet-0123456789abcdef1"]',
    TF_VAR_route_table_id: 'rtb-0123456789abcdef0',
    TF_VAR_transit_gateway_id: 'tgw-0123456789abcdef0',
  },
};

export class Example {
  readonly bench: Bench;
  /** The copy of the tree. */
  readonly tree: string;
  readonly place: string;
  readonly env: Readonly<Record<string, string>>;

  constructor(bench: Bench, name: string, { copy = 'tree' }: { readonly copy?: string } = {}) {
    this.bench = bench;
    this.tree = join(bench.folder, `${name}-${copy}`);
    this.place = join(this.tree, 'examples', name);
    this.env = EXAMPLES[name]!;
    cpSync(ROOT, this.tree, { recursive: true });
  }

  /** Throws with Terraform's words where it fails. */
  async must(...args: readonly string[]): Promise<string> {
    const { status, output } = await this.run(...args);
    if (status !== 0) throw new Error(`terraform ${args.join(' ')} ended with ${status}:\n${output}`);
    return output;
  }

  run(...args: readonly string[]): Promise<Outcome> {
    return this.bench.run([...args, ...(args[0] === 'output' ? [] : ['-no-color'])], {
      in: this.place,
      env: this.env,
    });
  }

  async apply(): Promise<void> {
    await this.must('init');
    await this.must('apply', '-auto-approve');
  }

  async outputs(): Promise<Readonly<Record<string, unknown>>> {
    const shown = JSON.parse(await this.must('output', '-json')) as Readonly<
      Record<string, { readonly value: unknown }>
    >;
    return Object.fromEntries(Object.entries(shown).map(([name, { value }]) => [name, value]));
  }

  /** Changes a file of the copy; throws where there is nothing to change. */
  edit(file: string, change: (text: string) => string): void {
    const path = join(this.tree, file);
    const before = readFileSync(path, 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`nothing to change in ${file}`);
    writeFileSync(path, after);
  }

  read(file: string): string {
    return readFileSync(join(this.place, file), 'utf8');
  }
}
