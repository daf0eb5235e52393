/**
 * A Terraform provider on a unix socket: speaks the plugin protocol, knows the types of one provider, and keeps a make-believe cloud.
 * Terraform reaches it by TF_REATTACH_PROVIDERS, so that it asks no registry and starts no plugin. Ours alone: no code of the real ones.
 */
import { join } from 'node:path';
import {
  type GrpcObject,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceClientConstructor,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { MakeBelieveCloud } from './make-believe-cloud.ts';
import { planChange, unconfigurable } from './planning.ts';
import { type Block, type ProviderSchema, readSchema } from './schema-text.ts';
import { decode, encode, isObject, type ObjectValue } from './values.ts';
import { type CallName, type Diagnostic, type DynamicValue, packageDefinition } from './wire.ts';

/** What requests have, whichever they are of. */
interface Request {
  readonly type_name?: string;
  readonly config?: DynamicValue;
  readonly current_state?: DynamicValue;
  readonly prior_state?: DynamicValue;
  readonly proposed_new_state?: DynamicValue;
  readonly planned_state?: DynamicValue;
  readonly raw_state?: { readonly json?: Uint8Array };
}
type Answer = Readonly<Record<string, unknown>>;

const NESTING = { single: 1, list: 2, set: 3 } as const;

/** Of the provider blocks, what ours and examples write. */
const PROVIDER_BLOCKS: Readonly<Record<'aws' | 'google', readonly string[]>> = {
  aws: ['region'],
  google: ['project', 'region', 'zone'],
};

export class PluginServer {
  readonly provider: 'aws' | 'google';
  readonly cloud: MakeBelieveCloud;
  readonly socket: string;
  readonly #server = new Server({ 'grpc.max_receive_message_length': 64 << 20 });

  constructor(provider: 'aws' | 'google', { folder }: { readonly folder: string }) {
    this.provider = provider;
    this.cloud = new MakeBelieveCloud(readSchema(provider));
    this.socket = join(folder, `${provider}.sock`);
  }

  async start(): Promise<void> {
    const { tfplugin6 } = loadPackageDefinition(packageDefinition());
    const { Provider } = tfplugin6 as GrpcObject;
    const answers = answersOf(this);
    const calls = Object.entries(answers).map(([name, answer]) => [
      name,
      (call: ServerUnaryCall<Request, Answer>, done: sendUnaryData<Answer>) => {
        try {
          done(null, answer(call.request));
        } catch (error) {
          done(error instanceof Error ? error : new Error(String(error)));
        }
      },
    ]);
    this.#server.addService((Provider as ServiceClientConstructor).service, Object.fromEntries(calls));
    await new Promise<void>((resolve, reject) => {
      this.#server.bindAsync(`unix:${this.socket}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  /** For TF_REATTACH_PROVIDERS. */
  get reattach(): Answer {
    return {
      Protocol: 'grpc',
      ProtocolVersion: 6,
      Pid: process.pid,
      Test: true,
      Addr: { Network: 'unix', String: this.socket },
    };
  }
}

function answersOf({
  provider,
  cloud,
}: PluginServer): Readonly<Record<CallName, (request: Request) => Answer>> {
  const blockOf = ({ type_name: type = '' }: Request): Block => cloud.schema.resources.get(type)!;
  return {
    GetProviderSchema: () => schemaAnswer(provider, cloud.schema),
    ValidateProviderConfig: () => ({}),
    ValidateResourceConfig: (request) => ({ diagnostics: complaints(blockOf(request), request) }),
    ValidateDataResourceConfig: () => ({}),
    ConfigureProvider: () => ({}),
    StopProvider: () => ({}),
    UpgradeResourceState: ({ raw_state: raw }) => ({ upgraded_state: encode(decode({ json: raw!.json! })) }),
    ReadResource: ({ type_name: type, current_state: state }) => {
      const value = decode(state);
      return { new_state: encode(isObject(value) ? cloud.read(type!, value) : null) };
    },
    PlanResourceChange: (request) => {
      const { planned, replace } = planChange(blockOf(request), {
        prior: decode(request.prior_state),
        proposed: decode(request.proposed_new_state),
      });
      return { planned_state: encode(planned), requires_replace: replace.map((steps) => ({ steps })) };
    },
    ApplyResourceChange: ({ type_name: type, ...request }) => ({
      new_state: encode(
        cloud.apply(type!, {
          prior: decode(request.prior_state),
          planned: decode(request.planned_state),
          config: decode(request.config),
        }),
      ),
    }),
    ReadDataSource: ({ type_name: type, config }) => ({
      state: encode(cloud.look(type!, decode(config) as ObjectValue)),
    }),
  };
}

function complaints(block: Block, { config }: Request): readonly Diagnostic[] {
  return unconfigurable(block, decode(config)).map((path) => ({
    severity: 1,
    summary: 'Value for unconfigurable attribute',
    detail: `Can't configure a value for "${path}": its value will be decided automatically.`,
  }));
}

function schemaAnswer(provider: 'aws' | 'google', { resources, data }: ProviderSchema): Answer {
  const own: Block = {
    attributes: PROVIDER_BLOCKS[provider].map((name) => ({
      name,
      type: 'string',
      required: false,
      optional: true,
      computed: false,
      replaces: false,
      writeOnly: false,
      sensitive: false,
    })),
    blocks: [],
  };
  const all = (blocks: ReadonlyMap<string, Block>) =>
    Object.fromEntries(
      [...blocks].map(([name, block]) => [name, { version: 0, block: blockMessage(block) }]),
    );
  return {
    provider: { version: 0, block: blockMessage(own) },
    resource_schemas: all(resources),
    data_source_schemas: all(data),
    server_capabilities: { plan_destroy: false },
  };
}

function blockMessage({ attributes, blocks }: Block): Answer {
  return {
    version: 0,
    attributes: attributes.map(({ name, type, required, optional, computed, sensitive, writeOnly }) => ({
      name,
      type: Buffer.from(JSON.stringify(type)),
      required,
      optional,
      computed,
      sensitive,
      write_only: writeOnly,
    })),
    block_types: blocks.map(({ name, nesting, min, max, block }) => ({
      type_name: name,
      nesting: NESTING[nesting],
      min_items: min,
      max_items: max,
      block: blockMessage(block),
    })),
  };
}
