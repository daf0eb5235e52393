/** From a change to the SDK's request for it. Pure. */
import type { Change, InstanceRef } from './compute.ts';
import type { Service } from './sdk-load.ts';

export interface PlannedRequest {
  readonly service: Service;
  readonly method: string;
  readonly request: object;
  /** Stays in the body though the SDK drops it: empty lists. */
  readonly patch?: Readonly<Record<string, unknown>>;
  /** Where its operation is found. */
  readonly operationOf: { readonly project: string; readonly zone?: string };
}

/** `requestId`: a UUID, by which Google does it once however often it is asked. */
export function requestOf(change: Change, requestId: string): PlannedRequest {
  switch (change.kind) {
    case 'aliases': {
      const aliasIpRanges = change.aliases.map(({ range, rangeName }) => ({
        ipCidrRange: range,
        ...(rangeName !== undefined && { subnetworkRangeName: rangeName }),
      }));
      return {
        ...onInstance('updateNetworkInterface', change.on, {
          networkInterface: change.nic,
          networkInterfaceResource: { fingerprint: change.fingerprint, aliasIpRanges },
          requestId,
        }),
        patch: { aliasIpRanges: [] },
      };
    }
    case 'add-access-config':
      return onInstance('addAccessConfig', change.on, {
        networkInterface: change.nic,
        accessConfigResource: { name: change.name, natIP: change.natIp, type: 'ONE_TO_ONE_NAT' },
        requestId,
      });
    case 'delete-access-config':
      return onInstance('deleteAccessConfig', change.on, {
        networkInterface: change.nic,
        accessConfig: change.name,
        requestId,
      });
    case 'insert-route':
      return {
        service: 'routes',
        method: 'insert',
        request: { project: change.project, routeResource: routeResource(change), requestId },
        operationOf: { project: change.project },
      };
    case 'delete-route':
      return {
        service: 'routes',
        method: 'delete',
        request: { project: change.project, route: change.name, requestId },
        operationOf: { project: change.project },
      };
  }
}

function onInstance(method: string, on: InstanceRef, rest: object): PlannedRequest {
  const { project, zone } = on;
  return { service: 'instances', method, request: { ...on, ...rest }, operationOf: { project, zone } };
}

function routeResource(change: Extract<Change, { kind: 'insert-route' }>): object {
  const { project, zone, instance } = change.to;
  return {
    name: change.name,
    description: change.description,
    network: `projects/${change.project}/global/networks/${change.network}`,
    destRange: change.destination,
    priority: change.priority,
    nextHopInstance: `projects/${project}/zones/${zone}/instances/${instance}`,
  };
}
