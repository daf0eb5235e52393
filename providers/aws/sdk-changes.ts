/** Our changing calls as commands of the SDK. */
import type { EC2Client } from '@aws-sdk/client-ec2';
import { actionOf, type Change } from './ec2.ts';

type Sdk = typeof import('@aws-sdk/client-ec2');

/** Whatever a command resolves with. */
export type Answer = unknown;

export interface Prepared {
  readonly action: string;
  send(client: EC2Client, abortSignal: AbortSignal): Promise<Answer>;
}

export function changeCommand(sdk: Sdk, call: Change, { dryRun }: { readonly dryRun: boolean }): Prepared {
  // These four have no dry run: with one asked for they would be done.
  if (dryRun && (call.kind === 'assign' || call.kind === 'unassign'))
    throw new TypeError(`${actionOf(call)} cannot be rehearsed`);
  const command = commandOf(sdk, call, dryRun ? { DryRun: true } : {});
  // The union of commands is more than the overloads of `send` can tell apart.
  return {
    action: actionOf(call),
    send: (client, abortSignal) => client.send(command as never, { abortSignal }),
  };
}

function commandOf(sdk: Sdk, call: Change, dry: { DryRun?: boolean }): unknown {
  switch (call.kind) {
    case 'assign':
      return call.family === 4
        ? new sdk.AssignPrivateIpAddressesCommand({
            NetworkInterfaceId: call.eni,
            PrivateIpAddresses: [...call.addresses],
            AllowReassignment: call.steal,
          })
        : new sdk.AssignIpv6AddressesCommand({
            NetworkInterfaceId: call.eni,
            Ipv6Addresses: [...call.addresses],
          });
    case 'unassign':
      return call.family === 4
        ? new sdk.UnassignPrivateIpAddressesCommand({
            NetworkInterfaceId: call.eni,
            PrivateIpAddresses: [...call.addresses],
          })
        : new sdk.UnassignIpv6AddressesCommand({
            NetworkInterfaceId: call.eni,
            Ipv6Addresses: [...call.addresses],
          });
    case 'associate':
      return new sdk.AssociateAddressCommand({
        AllocationId: call.allocation,
        NetworkInterfaceId: call.eni,
        PrivateIpAddress: call.privateAddress,
        // Always said: what happens without it depends on the account's age.
        AllowReassociation: call.steal,
        ...dry,
      });
    case 'disassociate':
      return new sdk.DisassociateAddressCommand({ AssociationId: call.association, ...dry });
    case 'route':
      return routeCommand(sdk, call, dry);
    case 'tag':
      return new sdk.CreateTagsCommand({
        Resources: [call.resource],
        Tags: [{ Key: call.tag.key, Value: call.tag.value }],
        ...dry,
      });
  }
}

function routeCommand(
  sdk: Sdk,
  call: Extract<Change, { kind: 'route' }>,
  dry: { DryRun?: boolean },
): unknown {
  const input = {
    RouteTableId: call.table,
    ...(call.family === 4
      ? { DestinationCidrBlock: call.destination }
      : { DestinationIpv6CidrBlock: call.destination }),
    NetworkInterfaceId: call.eni,
    ...dry,
  };
  return call.how === 'create' ? new sdk.CreateRouteCommand(input) : new sdk.ReplaceRouteCommand(input);
}
