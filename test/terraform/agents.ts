/** What agents do to a cloud behind Terraform's back, on the resources that Terraform knows: VIPs and fences. */
import type { MakeBelieveCloud } from './make-believe-cloud.ts';
import type { ObjectValue, Value } from './values.ts';

/** All VIPs to the first host, with the fence as a tag. Returns what was changed. */
export function moveAwsVips(cloud: MakeBelieveCloud): readonly string[] {
  const [holder] = cloud.of('aws_network_interface');
  if (holder === undefined) return [];
  const own = list(holder.value['private_ips']);
  const fence = { 'wackamole:web:fence': '1764340800057 since 2026-11-28T18:00:00Z' };
  const tags = { ...(holder.value['tags'] as ObjectValue), ...fence };
  const addresses = [...own, '10.20.0.101', '10.20.0.102'];
  holder.value = {
    ...holder.value,
    private_ips: addresses,
    private_ip_list: addresses,
    private_ips_count: addresses.length - 1,
    ipv6_addresses: ['2001:db8::101'],
    ipv6_address_list: ['2001:db8::101'],
    ipv6_address_count: 1,
    tags,
    tags_all: tags,
  };
  const instance = cloud.of('aws_instance')[0]!;
  instance.value = {
    ...instance.value,
    secondary_private_ips: addresses.slice(1),
    public_ip: '198.51.100.77',
    associate_public_ip_address: true,
  };
  const vips = cloud
    .of('aws_eip')
    .filter(({ value }) => 'wackamole:cluster' in (value['tags'] as ObjectValue));
  for (const vip of vips) {
    vip.value = {
      ...vip.value,
      network_interface: holder.value['id'] ?? null,
      instance: instance.value['id'] ?? null,
      private_ip: '10.20.0.101',
      association_id: 'eipassoc-0123456789abcdef0',
    };
  }
  return [holder, instance, ...vips].map(({ type }) => type);
}

/** An alias and an external address to the first host. */
export function moveGcpVips(cloud: MakeBelieveCloud): readonly string[] {
  const holder = cloud.of('google_compute_instance')[0]!;
  const [first, ...others] = list(holder.value['network_interface']) as readonly ObjectValue[];
  holder.value = {
    ...holder.value,
    network_interface: [
      {
        ...first,
        alias_ip_range: [{ ip_cidr_range: '10.156.0.101/32', subnetwork_range_name: '' }],
        access_config: [{ nat_ip: '198.51.100.7', network_tier: 'PREMIUM', public_ptr_domain_name: '' }],
      },
      ...others,
    ],
  };
  const vips = cloud.of('google_compute_address').filter(({ value }) => value['address_type'] === 'EXTERNAL');
  for (const vip of vips) vip.value = { ...vip.value, users: [holder.value['self_link'] ?? null] };
  return [holder, ...vips].map(({ type }) => type);
}

function list(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? (value as readonly Value[]) : [];
}
