import type { Vip } from '../../src/model/vip.ts';
import { describeProvider, type ProviderStage } from '../conformance/provider.ts';
import { INTERFACE, run, Stage, vip } from './provider-stage.ts';

const VIPS: readonly Vip[] = [
  vip('both-families', '10.77.0.101', '2001:db8:77::101'),
  vip('host-route', '10.77.0.102'),
  vip('in-subnet', '10.77.0.103/24'),
  vip('six', '2001:db8:77::104/64'),
];

describeProvider('local', async (): Promise<ProviderStage> => {
  const stage = new Stage();
  stage.begin();
  return {
    provider: stage.provider(),
    vips: VIPS,
    async remove({ addresses: [address] }) {
      run(`ip address delete ${address?.address}/${address?.prefixLength} dev ${INTERFACE}`);
    },
    async occupy({ addresses: [address] }) {
      stage.inNeighbour(`ip address add ${address?.address}/32 dev ${stage.farEnd}`);
      return async () => {
        stage.inNeighbour(`ip address delete ${address?.address}/32 dev ${stage.farEnd}`);
      };
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
