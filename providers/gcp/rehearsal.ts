/**
 * Would a failover to this host work? Asks everything the real calls need, step by step, by calls that change nothing. What cannot be
 * asked, because an earlier step failed, is not asked: without credentials that takes a few seconds.
 */
import type { Vip } from '../../src/model/vip.ts';
import type { Check } from '../../src/provider/provider.ts';
import { type Compute, wordsOf } from './compute.ts';
import { GcpFailure, mendingOf } from './failures.ts';
import { CLUSTER_LABEL, isMember, labelValue } from './fence.ts';
import { permissionChecks } from './permissions.ts';
import { findPlace, type Place } from './place.ts';
import { metadataOf, modeOf, type OpenCompute, type ProviderSettings, sdkSettings } from './residence.ts';
import type { Mode, Sight } from './sight.ts';
import { strangerChecks } from './strangers.ts';
import { checkGuestAgent } from './surroundings.ts';
import { tokensOf } from './token.ts';

export interface RehearsalParts {
  readonly settings: ProviderSettings;
  readonly openCompute: OpenCompute;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

const CREDENTIALS_MAX = 5_000;
const NO_CREDENTIALS =
  'attach a service account to the instance with the role that `wackamole providers policy gcp` prints, or set GOOGLE_APPLICATION_CREDENTIALS; nothing else was asked';
/** Tokens are refused when clocks are minutes apart. */
const CLOCK_WARN = 30_000;
const CLOCK_FAIL = 300_000;
/** A failover takes some ten calls one after the other. */
const LATENCY_WARN = 1_000;
const SCOPES = /auth\/(cloud-platform|compute)$/;

export async function rehearse(vips: readonly Vip[], parts: RehearsalParts): Promise<readonly Check[]> {
  const rehearsal = new Rehearsal(vips, parts);
  try {
    await rehearsal.run();
  } finally {
    rehearsal.close();
  }
  return rehearsal.checks;
}

class Rehearsal {
  readonly checks: Check[] = [];
  readonly #vips: readonly Vip[];
  readonly #parts: RehearsalParts;
  #compute: Compute | undefined;

  constructor(vips: readonly Vip[], parts: RehearsalParts) {
    this.#vips = vips;
    this.#parts = parts;
  }

  close(): void {
    this.#compute?.close();
  }

  async run(): Promise<void> {
    const { settings, signal } = this.#parts;
    this.checks.push(checkGuestAgent(settings.config.mode));
    if (!(await this.#token())) return;
    const compute = await this.#open();
    if (compute === undefined || !(await this.#credentials(compute))) return;
    const place = await this.#place(compute);
    this.#clock(compute);
    if (place === undefined) return;
    this.#membership(place);
    await this.#metadata(place);
    const mode = modeOf(settings, { compute, place });
    this.#room(mode);
    await this.#registers(mode);
    const question = { mode: settings.config.mode, cluster: settings.cluster, place, vips: this.#vips };
    this.checks.push(...(await permissionChecks(compute, question, signal)));
    if (settings.config.mode === 'alias-ip')
      this.checks.push(...(await strangerChecks(compute, question, signal)));
  }

  async #open(): Promise<Compute | undefined> {
    const { openCompute, settings } = this.#parts;
    try {
      this.#compute = await openCompute(sdkSettings(settings.config, metadataOf(settings.config)));
      return this.#compute;
    } catch (error) {
      this.#fail('SDK', messageOf(error), 'npm install @google-cloud/compute');
      return undefined;
    }
  }

  /** Before the SDK is loaded, which takes seconds of a busy host: without a token it would be of no use. */
  async #token(): Promise<boolean> {
    const { settings } = this.#parts;
    try {
      await tokensOf(metadataOf(settings.config), Date.now).token(this.#credentialsSignal());
      return true;
    } catch (error) {
      this.#fail('credentials', messageOf(error), NO_CREDENTIALS);
      return false;
    }
  }

  #credentialsSignal(): AbortSignal {
    return AbortSignal.any([this.#parts.signal, AbortSignal.timeout(CREDENTIALS_MAX)]);
  }

  async #credentials(compute: Compute): Promise<boolean> {
    const signal = this.#credentialsSignal();
    try {
      const { who, scopes } = await compute.identity({ signal });
      this.#pass('credentials', who);
      this.#scopes(scopes);
      return true;
    } catch (error) {
      this.#fail('credentials', messageOf(error), NO_CREDENTIALS);
      return false;
    }
  }

  /** A second gate beside the role, which no test of permissions shows. */
  #scopes(scopes: readonly string[]): void {
    const what = 'token scopes';
    const names = scopes.map((scope) => scope.slice(scope.lastIndexOf('/') + 1)).join(', ');
    if (scopes.length === 0)
      this.#unknown(what, 'the token does not say', 'look at the access scopes of the instance');
    else if (scopes.some((scope) => SCOPES.test(scope))) this.#pass(what, names);
    else
      this.#fail(
        what,
        names,
        'stop the instance and run `gcloud compute instances set-service-account NAME --scopes=cloud-platform`: whatever the role allows, these scopes do not',
      );
  }

  async #place(compute: Compute): Promise<Place | undefined> {
    const { settings, now, signal } = this.#parts;
    try {
      const place = await findPlace(
        settings.config,
        { compute, metadata: metadataOf(settings.config) },
        signal,
      );
      const { self, nic, subnet, region } = place;
      this.#pass(
        'interface',
        `${nic.name} of ${wordsOf(self)} in ${subnet.name} (${subnet.cidr}), ${region}, ${nic.network}`,
      );
      const began = now();
      await compute.instance(self, { signal });
      this.#latency(now() - began);
      return place;
    } catch (error) {
      this.#fail(
        'interface',
        messageOf(error),
        mendOf(error, 'correct `project`, `zone`, `instance` or `interface` in the configuration'),
      );
      return undefined;
    }
  }

  #latency(took: number): void {
    const detail = `${Math.round(took)} ms for a read`;
    if (took < LATENCY_WARN) this.#pass('end point', detail);
    else
      this.#warn(
        'end point',
        detail,
        'each failover takes some ten such times: switch on Private Google Access for the subnetwork',
      );
  }

  #clock(compute: Compute): void {
    const ahead = compute.clockAhead;
    if (ahead === undefined) return;
    const detail = `${Math.abs(Math.round(ahead / 1000))} s ${ahead < 0 ? 'behind' : 'ahead of'} Google's`;
    const mend = 'let chrony follow metadata.google.internal';
    if (Math.abs(ahead) > CLOCK_FAIL) this.#fail('clock', detail, mend);
    else if (Math.abs(ahead) > CLOCK_WARN) this.#warn('clock', detail, mend);
    else this.#pass('clock', detail);
  }

  /** Others take addresses from members alone. */
  #membership({ instance, self }: Place): void {
    const { cluster, config } = this.#parts.settings;
    if (config.mode === 'route') return;
    const label = `${CLUSTER_LABEL}=${labelValue(cluster)}`;
    if (isMember(cluster, instance.labels)) this.#pass('label', label);
    else
      this.#fail(
        'label',
        `${wordsOf(self)} has no label ${label}: when it fails, others take nothing from it`,
        `gcloud compute instances add-labels ${self.instance} --zone=${self.zone} --labels=${label}`,
      );
    if (config.mode !== 'alias-ip') return;
    if (/^true$/i.test(instance.metadata['enable-guest-attributes'] ?? ''))
      this.#pass('fence', 'guest attributes are on');
    else
      this.#warn(
        'fence',
        'guest attributes are off on this instance, unless the whole project has them on: a member of an older view might take from it',
        `gcloud compute instances add-metadata ${self.instance} --zone=${self.zone} --metadata=enable-guest-attributes=TRUE`,
      );
  }

  /** Identity comes from it; what it says of addresses may be old. */
  async #metadata({ nic, self }: Place): Promise<void> {
    const what = 'metadata server';
    try {
      const told = await metadataOf(this.#parts.settings.config).self(this.#parts.signal);
      const hint = told.nics.find(({ address }) => address === nic.address);
      const missing = nic.aliases.find(({ range }) => hint?.aliases.includes(range) !== true);
      if (hint === undefined || told.instance !== self.instance)
        this.#fail(
          what,
          `this is ${told.instance}, and ${wordsOf(self)} is configured`,
          'correct `instance`: it must be this host',
        );
      else if (missing !== undefined)
        this.#warn(
          what,
          `does not know ${missing.range} of ${nic.name} yet`,
          'nothing to do: it lags behind, and nothing is decided by it; Google’s guest agent goes by it',
        );
      else this.#pass(what, `answers, and knows ${nic.name} as the API does`);
    } catch (error) {
      this.#warn(
        what,
        messageOf(error),
        'not needed while `project`, `zone` and `instance` are written out and credentials come from a file',
      );
    }
  }

  #room(mode: Mode): void {
    const needed = this.#vips.flatMap(({ addresses }) =>
      addresses.filter(({ family }) => family === 4),
    ).length;
    const slots = mode.slots(this.#vips);
    if (slots === undefined) return this.#pass('room', `no limit of addresses, and ${needed} are configured`);
    const detail = `${slots} addresses, ${Math.min(slots, mode.room())} more fit now, and ${needed} are configured`;
    const check = { what: 'room', detail, slots4: slots } as const;
    const mend =
      'no harm while others live: for the last survivor raise the quota, or spread the VIPs over more interfaces';
    this.checks.push(slots >= needed ? { ...check, verdict: 'pass' } : { ...check, verdict: 'warn', mend });
  }

  async #registers(mode: Mode): Promise<void> {
    try {
      const sight = await mode.look(this.#vips, { signal: this.#parts.signal });
      for (const vip of this.#vips) this.checks.push(registerCheck(vip, sight));
    } catch (error) {
      this.#fail('addresses', messageOf(error), mendOf(error, 'run the test again'));
    }
  }

  #pass(what: string, detail: string): void {
    this.checks.push({ what, verdict: 'pass', detail });
  }

  #warn(what: string, detail: string, mend: string): void {
    this.checks.push({ what, verdict: 'warn', detail, mend });
  }

  #fail(what: string, detail: string, mend: string): void {
    this.checks.push({ what, verdict: 'fail', detail, mend });
  }

  #unknown(what: string, detail: string, mend: string): void {
    this.checks.push({ what, verdict: 'unknown', detail, mend });
  }
}

/** Whether the VIP could be had here, and who has it now. */
function registerCheck({ id: vip }: Vip, sight: Sight): Check {
  const what = 'address';
  const refusal = sight.refused.get(vip);
  if (refusal !== undefined)
    return {
      vip,
      what,
      verdict: 'fail',
      detail: refusal.reason,
      mend: refusal.reason.split(': ').at(-1) ?? 'see there',
    };
  for (const { address, seen } of sight.pieces.get(vip) ?? []) {
    if (seen.state !== 'theirs') continue;
    const { words, member } = seen.holder;
    if (member) return { vip, what, verdict: 'pass', detail: `${address} is with ${words}, a member` };
    const detail = `${address} is with ${words}, which is no member of this cluster`;
    return {
      vip,
      what,
      verdict: 'fail',
      detail,
      mend: `take it from there, or label that instance ${CLUSTER_LABEL}`,
    };
  }
  return { vip, what, verdict: 'pass', detail: 'free, or here already' };
}

export function mendOf(error: unknown, otherwise: string): string {
  return (error instanceof GcpFailure ? mendingOf(error.kind, error.method) : undefined) ?? otherwise;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
