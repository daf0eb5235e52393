/** A cluster that grows, shrinks and is renewed while agents have moved its VIPs: what Terraform then does, and to whom it does nothing. */
import { expect, test } from 'vitest';
import type { Example } from './example.ts';

interface Change {
  readonly address: string;
  readonly change: { readonly actions: readonly string[] };
}

const CASES = [
  {
    name: 'aws',
    more: [
      [
        'c = { subnet_id',
        'd = { subnet_id = aws_subnet.this["a"].id, private_ip = "10.20.0.14" }\n    c = { subnet_id',
      ],
      ['    web-2    =', '    web-3 = { mode = "elastic-ip" }\n    web-2    ='],
    ],
    adds: [
      'aws_eip.vip["web-3"]',
      'aws_network_interface.member["d"]',
      'aws_instance.member["d"]',
      'aws_eip.member["d"]',
    ],
    less: [/ {4}web-2 .*\n/],
    removes: ['aws_eip.vip["web-2"]'],
    renew: 'aws_instance.member["a"]',
  },
  {
    name: 'gcp',
    more: [
      ['    c = { zone', '    d = { zone = "europe-west3-a", address = "10.156.0.14" }\n    c = { zone'],
      ['    web      =', '    cache = { mode = "alias-ip", addresses = ["10.156.0.102"] }\n    web      ='],
    ],
    adds: [
      'google_compute_address.alias["cache-0"]',
      'google_compute_address.member["d"]',
      'google_compute_instance.member["d"]',
    ],
    less: [/ {4}database .*\n/],
    removes: ['google_compute_address.alias["database-0"]'],
    renew: 'google_compute_instance.member["a"]',
  },
] as const;

/** To be called within a suite whose example is applied, and its VIPs moved. */
export function growthTests(name: string, example: () => Example): void {
  const row = CASES.find((each) => each.name === name);
  if (row === undefined) return;
  const file = `examples/${row.name}/main.tf`;

  /** What a plan would do, by address; what stays as it is is left out. */
  async function planned(...words: readonly string[]): Promise<Readonly<Record<string, string>>> {
    await example().must('plan', '-out=plan', ...words);
    const shown = JSON.parse(await example().must('show', '-json', 'plan')) as {
      readonly resource_changes: readonly Change[];
    };
    const changes = shown.resource_changes
      .map(
        ({ address, change }) => [address.replace('module.wackamole.', ''), change.actions.join()] as const,
      )
      .filter(([address, actions]) => actions !== 'no-op' && !address.startsWith('data.'));
    return Object.fromEntries(changes);
  }

  test('grows by a member and a VIP, and touches no other', async () => {
    const before = example().read('main.tf');
    for (const [there, more] of row.more) example().edit(file, (text) => text.replace(there, more));
    expect(await planned()).toEqual(Object.fromEntries(row.adds.map((address) => [address, 'create'])));
    example().edit(file, () => before);
  });

  test('shrinks by a VIP, and takes away only what that was made of', async () => {
    const before = example().read('main.tf');
    for (const gone of row.less) example().edit(file, (text) => text.replace(gone, ''));
    const changes = Object.entries(await planned());
    // A mode that nobody uses any more is no longer allowed.
    const rights = changes.filter(([address]) =>
      /^(aws_iam_role_policy|google_project_iam_custom_role)\.moves/.test(address),
    );
    expect(rights.every(([, actions]) => actions === 'update')).toBe(true);
    expect(changes.filter((change) => !rights.includes(change))).toEqual(
      row.removes.map((address) => [address, 'delete']),
    );
    example().edit(file, () => before);
  });

  test('renews one host on demand, and its interface and address stay', async () => {
    expect(await planned(`-replace=module.wackamole.${row.renew}`)).toEqual({ [row.renew]: 'delete,create' });
  });

  test('does not renew all hosts for a new image', async () => {
    const variables = `modules/${row.name}/main.tf`;
    const before = row.name === 'aws' ? 'ami                  = var.ami_id' : 'image = var.image';
    const after = row.name === 'aws' ? 'ami                  = "ami-00000000"' : 'image = "another"';
    example().edit(variables, (text) => text.replace(before, after));
    expect(await planned()).toEqual({});
    example().edit(variables, (text) => text.replace(after, before));
  });
}
