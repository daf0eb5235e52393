/** Who this host is: the metadata service, version 2, and what the configuration says instead. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPlace, regionOf } from '../../../../providers/aws/discovery.ts';
import { Imds } from '../../../../providers/aws/imds.ts';
import { openSdk } from '../../../../providers/aws/sdk.ts';
import { FakeImds } from '../../../cloud/ec2/fake-imds.ts';
import { NEVER, Stage } from '../../../cloud/ec2/stage.ts';

let stage: Stage;
let service: FakeImds;
let now = 0;

beforeEach(async () => {
  stage = await Stage.open({ mode: 'secondary-ip', hosts: 1 });
  const second = stage.region.addEni(stage.subnet, '10.0.0.31', {
    instance: stage.members[0]!.eni.instance!,
    deviceIndex: 1,
  });
  service = new FakeImds(stage.region, [stage.members[0]!.eni, second]);
  await service.listen();
  now = 0;
});

afterEach(async () => {
  await service.close();
  await stage.close();
});

const open = () => new Imds({ endpoint: service.url, now: () => now });

async function placed(interfaces: readonly (string | number)[]) {
  const config = { ...stage.config(stage.members[0]!.eni), interfaces };
  const ec2 = await openSdk({
    region: stage.region.name,
    endpoint: stage.fake.url,
    callTimeout: 3000,
    name: 'test',
  });
  try {
    return await findPlace(config, { ec2, imds: open(), region: stage.region.name }, NEVER);
  } finally {
    ec2.close();
  }
}

describe('the metadata service', () => {
  it('is asked for a token once, however many questions follow', async () => {
    const imds = open();
    expect(await imds.identity(NEVER)).toMatchObject({ region: 'eu-test-1', instanceType: 'm5.24xlarge' });
    expect(await imds.interfaces(NEVER)).toHaveLength(2);
    expect(service.tokensGiven).toBe(1);
  });

  it('is asked for a new token when the old one is over, or refused', async () => {
    const imds = open();
    await imds.identity(NEVER);
    now = 6 * 3_600_000;
    await imds.identity(NEVER);
    expect(service.tokensGiven).toBe(2);
    service.tokens.clear();
    await imds.identity(NEVER);
    expect(service.tokensGiven).toBe(3);
  });

  it('that does not answer is named, with the hop limit', async () => {
    service.state = 'hung';
    await expect(open().identity(NEVER)).rejects.toThrow(/does not answer within 1000 ms.*hop limit/);
  });

  it('that is switched off, or not there, is named', async () => {
    service.state = 'off';
    await expect(open().identity(NEVER)).rejects.toThrow(/403.*enable it/);
    await expect(new Imds({ endpoint: 'http://127.0.0.1:1', now: () => 0 }).identity(NEVER)).rejects.toThrow(
      /cannot be reached.*interfaces/,
    );
  });
});

describe('the place of this host', () => {
  it('is found by device index, MAC or id, in configured order', async () => {
    const [first, second] = [...stage.region.state.enis.values()];
    for (const names of [
      [1, 0],
      [second!.mac.toUpperCase(), 0],
      [second!.id, first!.id],
    ]) {
      const { interfaces, limits, instance } = await placed(names);
      expect(interfaces.map(({ eni }) => eni.id)).toEqual([second!.id, first!.id]);
      expect(instance).toBe(first!.instance);
      expect(limits).toEqual({ ipv4PerInterface: 50, ipv6PerInterface: 50 });
    }
  });

  it('names the interfaces there are when the configured one is not', async () => {
    await expect(placed([7])).rejects.toThrow(/no interface 7: it has 0: eni-.*correct `interfaces`/);
    await expect(placed(['eni-00000000000000099'])).rejects.toThrow(/does not exist in eu-test-1/);
  });

  it('takes the region from the service where nothing else says it', async () => {
    const { region: _, ...config } = stage.config(stage.members[0]!.eni);
    const before = process.env['AWS_REGION'];
    delete process.env['AWS_REGION'];
    try {
      expect(await regionOf(config, open(), NEVER)).toBe('eu-test-1');
    } finally {
      if (before !== undefined) process.env['AWS_REGION'] = before;
    }
  });
});
