/** Finds out where this host stands: by configuration where it says so, by the metadata service where not. */
import { readFileSync } from 'node:fs';
import type { AwsProviderConfig } from '../../src/config/config.ts';
import type { Ec2, Eni } from './ec2.ts';
import { Ec2Failure } from './failures.ts';
import type { Imds, ImdsInterface } from './imds.ts';
import type { OwnInterface, Place } from './place.ts';

const LINK_NAME = /^(?!\.{1,2}$)[^\s/:]{1,15}$/;

/** Rejects with an Error for a person. */
export async function regionOf(config: AwsProviderConfig, imds: Imds, signal: AbortSignal): Promise<string> {
  const region = config.region ?? process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'];
  if (region !== undefined && region !== '') return region;
  return (await imds.identity(signal)).region;
}

/** Rejects with an Error for a person. */
export async function findPlace(
  config: AwsProviderConfig,
  { ec2, imds, region }: { readonly ec2: Ec2; readonly imds: Imds; readonly region: string },
  signal: AbortSignal,
): Promise<Place> {
  const ids = await interfaceIds(config, imds, signal);
  const enis = await ec2.enis([{ name: 'network-interface-id', values: ids }], { signal });
  const ordered = ids.map((id) => enis.find((eni) => eni.id === id) ?? missingInterface(id, region));
  const subnets = await ec2.subnets(
    [{ name: 'subnet-id', values: [...new Set(ordered.map(({ subnet }) => subnet))] }],
    { signal },
  );
  const interfaces = ordered.map((eni): OwnInterface => {
    const subnet = subnets.find(({ id }) => id === eni.subnet);
    if (subnet === undefined) throw new Error(`subnet ${eni.subnet} of ${eni.id} is not shown by EC2`);
    return { eni, subnet };
  });
  const identity = await imds.identity(signal).catch(() => undefined);
  const instance = identity?.instance ?? interfaces[0]?.eni.instance;
  const instanceType = identity?.instanceType;
  return { region, instance, instanceType, interfaces, limits: await limitsOf(ec2, instanceType, signal) };
}

/** Ids of the interfaces the configuration names. */
async function interfaceIds(config: AwsProviderConfig, imds: Imds, signal: AbortSignal): Promise<string[]> {
  const named = config.interfaces.every((name) => typeof name === 'string' && name.startsWith('eni-'));
  if (named) return config.interfaces.map(String);
  const known = await imds.interfaces(signal);
  return config.interfaces.map((name) => {
    if (typeof name === 'string' && name.startsWith('eni-')) return name;
    const found = known.find((each) => isMeant(name, each));
    if (found !== undefined) return found.eni;
    const there = known.map(({ deviceIndex, mac, eni }) => `${deviceIndex}: ${eni} (${mac})`).join(', ');
    throw new Error(
      `this instance has no interface ${JSON.stringify(name)}: it has ${there}; correct \`interfaces\``,
    );
  });
}

function isMeant(name: string | number, { deviceIndex, mac }: ImdsInterface): boolean {
  if (typeof name === 'number') return deviceIndex === name;
  return mac === (name.includes(':') ? name.toLowerCase() : macOfLink(name));
}

function macOfLink(name: string): string | undefined {
  if (!LINK_NAME.test(name)) return undefined;
  try {
    return readFileSync(`/sys/class/net/${name}/address`, 'utf8').trim().toLowerCase();
  } catch {
    return undefined;
  }
}

function missingInterface(id: string, region: string): Eni {
  throw new Error(
    `${id} does not exist in ${region} for these credentials: correct \`interfaces\` or \`region\``,
  );
}

/** Limits are good to know and nothing more: without permission to ask, the calls themselves will tell. */
async function limitsOf(ec2: Ec2, type: string | undefined, signal: AbortSignal): Promise<Place['limits']> {
  if (type === undefined || type === '') return undefined;
  try {
    return await ec2.instanceLimits(type, { signal });
  } catch (error) {
    if (error instanceof Ec2Failure) return undefined;
    throw error;
  }
}
