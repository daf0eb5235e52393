/** Amazon's shapes, in which everything may be missing, turned into ours. Pure. */
import type {
  Address,
  NetworkInterface,
  RouteTable as SdkRouteTable,
  Subnet as SdkSubnet,
} from '@aws-sdk/client-ec2';
import type { ElasticIp, Eni, Route, RouteTable, Subnet } from './ec2.ts';

export function eniOf(eni: NetworkInterface): Eni {
  return {
    id: eni.NetworkInterfaceId ?? '',
    subnet: eni.SubnetId ?? '',
    vpc: eni.VpcId ?? '',
    zone: eni.AvailabilityZone ?? '',
    account: eni.OwnerId ?? '',
    instance: eni.Attachment?.InstanceId,
    description: eni.Description ?? '',
    sourceDestCheck: eni.SourceDestCheck ?? true,
    addresses: (eni.PrivateIpAddresses ?? []).map(
      ({ PrivateIpAddress = '', Primary = false, Association }) => ({
        address: PrivateIpAddress,
        primary: Primary,
        publicIp: Association?.PublicIp,
      }),
    ),
    ipv6: (eni.Ipv6Addresses ?? []).flatMap(({ Ipv6Address }) => Ipv6Address ?? []),
    tags: (eni.TagSet ?? []).map(({ Key = '', Value = '' }) => ({ key: Key, value: Value })),
  };
}

export function elasticIpOf(address: Address): ElasticIp {
  return {
    address: address.PublicIp ?? '',
    allocation: address.AllocationId ?? '',
    association: address.AssociationId,
    eni: address.NetworkInterfaceId,
    instance: address.InstanceId,
    privateAddress: address.PrivateIpAddress,
    borderGroup: address.NetworkBorderGroup,
  };
}

export function routeTableOf(table: SdkRouteTable): RouteTable {
  const associations = table.Associations ?? [];
  return {
    id: table.RouteTableId ?? '',
    vpc: table.VpcId ?? '',
    main: associations.some(({ Main }) => Main === true),
    subnets: associations.flatMap(({ SubnetId }) => SubnetId ?? []),
    routes: (table.Routes ?? []).flatMap((route): Route[] => {
      const destination = route.DestinationCidrBlock ?? route.DestinationIpv6CidrBlock;
      if (destination === undefined) return [];
      return [
        {
          destination,
          eni: route.NetworkInterfaceId,
          instance: route.InstanceId,
          other:
            route.GatewayId ??
            route.NatGatewayId ??
            route.TransitGatewayId ??
            route.VpcPeeringConnectionId ??
            route.EgressOnlyInternetGatewayId ??
            route.LocalGatewayId ??
            route.CarrierGatewayId ??
            route.CoreNetworkArn,
          blackhole: route.State === 'blackhole',
        },
      ];
    }),
  };
}

export function subnetOf(subnet: SdkSubnet): Subnet {
  return {
    id: subnet.SubnetId ?? '',
    vpc: subnet.VpcId ?? '',
    zone: subnet.AvailabilityZone ?? '',
    cidr: subnet.CidrBlock ?? '',
    ipv6Cidrs: (subnet.Ipv6CidrBlockAssociationSet ?? []).flatMap(({ Ipv6CidrBlock }) => Ipv6CidrBlock ?? []),
    freeAddresses: subnet.AvailableIpAddressCount ?? 0,
  };
}
