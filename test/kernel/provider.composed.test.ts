/** A provider that moves no address beside the real one on an interface: the pair keeps the contract on the real kernel. */
import { createComposedProvider } from '../../providers/composed/provider.ts';
import { createMemoryProvider } from '../../providers/memory/provider.ts';
import type { Vip } from '../../src/model/vip.ts';
import { describeProvider, type ProviderStage } from '../conformance/provider.ts';
import { INTERFACE, run, Stage, vip } from './provider-stage.ts';

const VIPS: readonly Vip[] = [
  vip('both-families', '10.77.0.101', '2001:db8:77::101'),
  vip('host-route', '10.77.0.102'),
  vip('in-subnet', '10.77.0.103/24'),
];

describeProvider('composed of memory and local', async (): Promise<ProviderStage> => {
  const stage = new Stage();
  stage.begin();
  const parts = { outer: createMemoryProvider('cloud'), guest: stage.provider() };
  return {
    provider: createComposedProvider('cloud', { interface: INTERFACE, prefix: { 4: 32, 6: 128 } }, parts),
    vips: VIPS,
    async remove({ addresses: [address] }) {
      run(`ip address delete ${address?.address}/32 dev ${INTERFACE}`);
    },
    async cripple() {
      stage.setCarrier(false);
      return async () => stage.setCarrier(true);
    },
    async end() {
      stage.end();
    },
  };
});
