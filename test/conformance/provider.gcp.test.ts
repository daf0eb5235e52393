/** The suite of every provider against `gcp` in its three ways, with the real SDK and a make-believe Compute Engine. */
import type { GcpMode } from '../../src/config/config.ts';
import type { Vip } from '../../src/model/vip.ts';
import { ALIAS_VIPS, EXTERNAL_VIPS, ROUTE_VIPS, Scene } from '../cloud/gce/scene.ts';
import { describeProvider, type ProviderStage } from './provider.ts';

async function open(mode: GcpMode, vips: readonly Vip[]): Promise<ProviderStage> {
  const scene = await Scene.open({ mode, vips, hosts: 1, asleep: true, config: { look_interval_ms: 1_000 } });
  const { provider, instance } = scene.host(0);
  const [nic] = instance.nics;
  return {
    provider,
    vips,
    async remove({ addresses }) {
      const gone = (each: string) =>
        addresses.some(({ address }) => each === address || each === `${address}/32`);
      nic!.aliases = nic!.aliases.filter(({ range }) => !gone(range));
      nic!.accessConfigs = nic!.accessConfigs.filter(({ natIp }) => !gone(natIp));
      nic!.fingerprint = scene.project.fingerprint();
      for (const { name, destination } of [...scene.project.state.routes.values()])
        if (gone(destination)) scene.project.state.routes.delete(name);
    },
    end: () => scene.end(),
  };
}

describeProvider('gcp, mode alias-ip', () => open('alias-ip', ALIAS_VIPS));
describeProvider('gcp, mode route', () => open('route', ROUTE_VIPS));
// An interface has one external address, so that a host carries one such VIP.
describeProvider('gcp, mode external-ip', () => open('external-ip', EXTERNAL_VIPS.slice(0, 1)));
