/**
 * Terraform's plugin protocol 6 as far as our server speaks it: names, numbers and types of messages, for gRPC.
 * Source: docs/plugin-protocol of hashicorp/terraform, tfplugin6.8.
 */
import { fromJSON, type PackageDefinition } from '@grpc/proto-loader';

type FieldText = string;
type Message = Readonly<Record<string, FieldText>>;

/** `7 repeated Diagnostic` → a field; `2 map string Schema` → a map. */
function fieldOf(text: FieldText) {
  const words = text.split(' ');
  const id = Number(words[0]);
  if (words[1] === 'map') return { id, keyType: words[2]!, type: words[3]! };
  if (words[1] === 'repeated') return { id, rule: 'repeated' as const, type: words[2]! };
  return { id, type: words[1]! };
}

const DIAGNOSTICS = (id: number) => ({ diagnostics: `${id} repeated Diagnostic` });
const CONFIG_REQUEST: Message = { type_name: '1 string', config: '2 DynamicValue' };

const MESSAGES: Readonly<Record<string, Message>> = {
  DynamicValue: { msgpack: '1 bytes', json: '2 bytes' },
  Step: { attribute_name: '1 string', element_key_string: '2 string', element_key_int: '3 int64' },
  AttributePath: { steps: '1 repeated Step' },
  Diagnostic: { severity: '1 int32', summary: '2 string', detail: '3 string', attribute: '4 AttributePath' },
  RawState: { json: '1 bytes', flatmap: '2 map string string' },
  Attribute: {
    name: '1 string',
    type: '2 bytes',
    description: '3 string',
    required: '4 bool',
    optional: '5 bool',
    computed: '6 bool',
    sensitive: '7 bool',
    write_only: '11 bool',
  },
  NestedBlock: {
    type_name: '1 string',
    block: '2 Block',
    nesting: '3 int32',
    min_items: '4 int64',
    max_items: '5 int64',
  },
  Block: { version: '1 int64', attributes: '2 repeated Attribute', block_types: '3 repeated NestedBlock' },
  Schema: { version: '1 int64', block: '2 Block' },
  ServerCapabilities: { plan_destroy: '1 bool' },

  Empty: {},
  SchemaResponse: {
    provider: '1 Schema',
    resource_schemas: '2 map string Schema',
    data_source_schemas: '3 map string Schema',
    ...DIAGNOSTICS(4),
    server_capabilities: '6 ServerCapabilities',
  },
  ProviderConfigRequest: { config: '1 DynamicValue' },
  ProviderConfigResponse: DIAGNOSTICS(2),
  ConfigRequest: CONFIG_REQUEST,
  DiagnosticsResponse: DIAGNOSTICS(1),
  UpgradeRequest: { type_name: '1 string', version: '2 int64', raw_state: '3 RawState' },
  UpgradeResponse: { upgraded_state: '1 DynamicValue', ...DIAGNOSTICS(2) },
  ConfigureRequest: { terraform_version: '1 string', config: '2 DynamicValue' },
  ReadRequest: { type_name: '1 string', current_state: '2 DynamicValue' },
  ReadResponse: { new_state: '1 DynamicValue', ...DIAGNOSTICS(2) },
  PlanRequest: {
    type_name: '1 string',
    prior_state: '2 DynamicValue',
    proposed_new_state: '3 DynamicValue',
    config: '4 DynamicValue',
  },
  PlanResponse: {
    planned_state: '1 DynamicValue',
    requires_replace: '2 repeated AttributePath',
    ...DIAGNOSTICS(4),
  },
  ApplyRequest: {
    type_name: '1 string',
    prior_state: '2 DynamicValue',
    planned_state: '3 DynamicValue',
    config: '4 DynamicValue',
  },
  ApplyResponse: { new_state: '1 DynamicValue', ...DIAGNOSTICS(3) },
  DataResponse: { state: '1 DynamicValue', ...DIAGNOSTICS(2) },
  StopResponse: { Error: '1 string' },
};

const CALLS: Readonly<Record<string, readonly [request: string, response: string]>> = {
  GetProviderSchema: ['Empty', 'SchemaResponse'],
  ValidateProviderConfig: ['ProviderConfigRequest', 'ProviderConfigResponse'],
  ValidateResourceConfig: ['ConfigRequest', 'DiagnosticsResponse'],
  ValidateDataResourceConfig: ['ConfigRequest', 'DiagnosticsResponse'],
  UpgradeResourceState: ['UpgradeRequest', 'UpgradeResponse'],
  ConfigureProvider: ['ConfigureRequest', 'DiagnosticsResponse'],
  ReadResource: ['ReadRequest', 'ReadResponse'],
  PlanResourceChange: ['PlanRequest', 'PlanResponse'],
  ApplyResourceChange: ['ApplyRequest', 'ApplyResponse'],
  ReadDataSource: ['ConfigRequest', 'DataResponse'],
  StopProvider: ['Empty', 'StopResponse'],
};

export type CallName =
  | 'GetProviderSchema'
  | 'ValidateProviderConfig'
  | 'ValidateResourceConfig'
  | 'ValidateDataResourceConfig'
  | 'UpgradeResourceState'
  | 'ConfigureProvider'
  | 'ReadResource'
  | 'PlanResourceChange'
  | 'ApplyResourceChange'
  | 'ReadDataSource'
  | 'StopProvider';

export interface DynamicValue {
  readonly msgpack?: Uint8Array;
  readonly json?: Uint8Array;
}

export interface Diagnostic {
  readonly severity: 1 | 2;
  readonly summary: string;
  readonly detail?: string;
}

/** For `grpc.loadPackageDefinition`: package `tfplugin6`, service `Provider`. */
export function packageDefinition(): PackageDefinition {
  const messages = Object.fromEntries(
    Object.entries(MESSAGES).map(([name, fields]) => [
      name,
      { fields: Object.fromEntries(Object.entries(fields).map(([field, text]) => [field, fieldOf(text)])) },
    ]),
  );
  const methods = Object.fromEntries(
    Object.entries(CALLS).map(([name, [requestType, responseType]]) => [name, { requestType, responseType }]),
  );
  const nested = { tfplugin6: { nested: { ...messages, Provider: { methods } } } };
  // Its types know neither services nor packages; it does.
  const root = { nested } as unknown as Parameters<typeof fromJSON>[0];
  return fromJSON(root, { keepCase: true, longs: Number, defaults: false });
}
