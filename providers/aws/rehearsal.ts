/**
 * Would a failover to this host work? Asks everything the real calls need, step by step, and changes nothing (`probes.ts`). What cannot
 * be asked, because an earlier step failed, is not asked: without credentials that takes a second.
 */
import type { Vip } from '../../src/model/vip.ts';
import type { Check } from '../../src/provider/provider.ts';
import { failureOf } from './attempt.ts';
import { findPlace, regionOf } from './discovery.ts';
import type { Ec2 } from './ec2.ts';
import { Ec2Failure, mendingOf } from './failures.ts';
import { Imds } from './imds.ts';
import type { Place } from './place.ts';
import { askProbe, associationOf, probesFor } from './probes.ts';
import { modeOf, type ProviderSettings } from './residence.ts';
import type { SdkSettings } from './sdk.ts';
import type { Sight } from './sight.ts';
import { slotsFor } from './slots.ts';
import { checkEgress, checkRivals } from './surroundings.ts';

export interface RehearsalParts {
  readonly settings: ProviderSettings;
  readonly openEc2: (settings: SdkSettings) => Promise<Ec2>;
  readonly wall: () => number;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Credentials come from files, variables or the metadata service; whichever it is, soon. */
const CREDENTIALS_MAX = 5_000;
/** Amazon refuses at five minutes. */
const CLOCK_WARN = 30_000;
const CLOCK_FAIL = 240_000;
/** More would only be throttled. */
const PROBES_AT_ONCE = 4;
/** A failover takes some five calls one after the other. */
const LATENCY_WARN = 1_000;

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
  readonly #imds: Imds;
  #ec2: Ec2 | undefined;

  constructor(vips: readonly Vip[], parts: RehearsalParts) {
    this.#vips = vips;
    this.#parts = parts;
    const { metadata_endpoint: endpoint } = parts.settings.config;
    this.#imds = new Imds({ now: parts.wall, ...(endpoint !== undefined && { endpoint }) });
  }

  close(): void {
    this.#ec2?.close();
  }

  async run(): Promise<void> {
    this.checks.push(checkRivals(), checkEgress(this.#vips));
    const region = await this.#region();
    if (region === undefined) return;
    const ec2 = await this.#open(region);
    if (ec2 === undefined || !(await this.#credentials(ec2))) return;
    await this.#identity(ec2);
    const place = await this.#place(ec2, region);
    this.#clock(ec2);
    if (place === undefined) return;
    await this.#metadata(place);
    await this.#limits(ec2, place);
    this.#slots(place);
    await this.#registers(ec2, place);
  }

  async #region(): Promise<string | undefined> {
    const { settings, signal } = this.#parts;
    try {
      const region = await regionOf(settings.config, this.#imds, signal);
      this.#pass('region', region);
      return region;
    } catch (error) {
      this.#fail('region', messageOf(error), 'write `region` in the configuration, or set AWS_REGION');
      return undefined;
    }
  }

  async #open(region: string): Promise<Ec2 | undefined> {
    const { openEc2, settings } = this.#parts;
    const { endpoint, call_timeout_ms: callTimeout } = settings.config;
    try {
      this.#ec2 = await openEc2({
        region,
        name: settings.name,
        callTimeout,
        ...(endpoint !== undefined && { endpoint }),
      });
      return this.#ec2;
    } catch (error) {
      this.#fail('SDK', messageOf(error), 'npm install @aws-sdk/client-ec2');
      return undefined;
    }
  }

  async #credentials(ec2: Ec2): Promise<boolean> {
    const signal = AbortSignal.any([this.#parts.signal, AbortSignal.timeout(CREDENTIALS_MAX)]);
    try {
      await ec2.credentials(signal);
      this.#pass('credentials', 'found');
      return true;
    } catch (error) {
      const mend =
        'attach an instance profile to the instance (`wackamole providers policy aws` prints its policy), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; nothing else was asked';
      this.#fail('credentials', messageOf(error), mend);
      return false;
    }
  }

  async #identity(ec2: Ec2): Promise<void> {
    try {
      const { arn, account } = await ec2.identity({ signal: this.#parts.signal });
      this.#pass('identity', `${arn}, account ${account}`);
    } catch (error) {
      const mend =
        'only for your information: a VPC without Internet needs an end point com.amazonaws.REGION.sts';
      this.#warn('identity', messageOf(error), mend);
    }
  }

  async #place(ec2: Ec2, region: string): Promise<Place | undefined> {
    const { settings, now, signal } = this.#parts;
    try {
      const place = await findPlace(settings.config, { ec2, imds: this.#imds, region }, signal);
      for (const { eni, subnet } of place.interfaces)
        this.#pass('interface', `${eni.id} in ${subnet.id} (${subnet.cidr}), ${subnet.zone}, ${eni.vpc}`);
      const began = now();
      await ec2.enis([{ name: 'network-interface-id', values: place.interfaces.map(({ eni }) => eni.id) }], {
        signal,
      });
      this.#latency(now() - began);
      return place;
    } catch (error) {
      const mend =
        error instanceof Ec2Failure
          ? (mendingOf(error.kind, error.action) ?? 'check end point and network')
          : 'correct `interfaces` or `region` in the configuration';
      this.#fail('interface', messageOf(error), mend);
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
        'each failover takes some five such times: use an end point in the VPC',
      );
  }

  #clock(ec2: Ec2): void {
    const ahead = ec2.clockAhead;
    if (ahead === undefined) return;
    const detail = `${Math.abs(Math.round(ahead / 1000))} s ${ahead < 0 ? 'behind' : 'ahead of'} Amazon's`;
    const mend = 'let chrony follow 169.254.169.123; Amazon refuses signatures that are minutes off';
    if (Math.abs(ahead) > CLOCK_FAIL) this.#fail('clock', detail, mend);
    else if (Math.abs(ahead) > CLOCK_WARN) this.#warn('clock', detail, mend);
    else this.#pass('clock', detail);
  }

  /** Identity comes from it; what it says of addresses may be old. */
  async #metadata({ interfaces }: Place): Promise<void> {
    const what = 'metadata service';
    try {
      const told = await this.#imds.interfaces(this.#parts.signal);
      for (const { eni } of interfaces) {
        const hint = told.find((each) => each.eni === eni.id);
        const missing = eni.addresses.filter(({ address }) => hint?.addresses.includes(address) !== true);
        const [first] = missing;
        if (hint === undefined)
          this.#fail(
            what,
            `${eni.id} is not on this instance`,
            'correct `interfaces`: they must be of this host',
          );
        else if (first !== undefined)
          this.#warn(
            what,
            `does not know ${first.address} of ${eni.id} yet`,
            'nothing to do: it lags behind by up to a minute, and addresses are never read from it',
          );
        else this.#pass(what, `version 2 answers, and knows ${eni.id} as EC2 does`);
      }
    } catch (error) {
      this.#warn(
        what,
        messageOf(error),
        'not needed while `region` and `interfaces: [eni-…]` are written out',
      );
    }
  }

  /** Without them addresses move all the same, and nobody knows before how many fit. */
  async #limits(ec2: Ec2, { instanceType, limits }: Place): Promise<void> {
    if (this.#parts.settings.config.mode !== 'secondary-ip' || limits !== undefined) return;
    const what = 'room';
    if (instanceType === undefined || instanceType === '')
      return this.#warn(
        what,
        'the instance type is not known, which the metadata service would say: nor is how many addresses fit',
        'let the metadata service answer, so that the room of this host is known before it is full',
      );
    const failure = await failureOf(() => ec2.instanceLimits(instanceType, { signal: this.#parts.signal }));
    const detail = failure?.message ?? `EC2 does not say what ${instanceType} may carry`;
    this.#warn(
      what,
      detail,
      failure === undefined
        ? 'choose a type that EC2 describes'
        : (mendingOf(failure.kind, failure.action) ?? 'run the test again'),
    );
  }

  #slots(place: Place): void {
    const enis = place.interfaces.map(({ eni }) => eni);
    const { mode } = this.#parts.settings.config;
    for (const family of [4, 6] as const) {
      const needed = this.#vips.flatMap(({ addresses }) =>
        addresses.filter((each) => each.family === family),
      ).length;
      const slots = slotsFor(family, { mode, enis, limits: place.limits, vips: this.#vips });
      if (needed === 0 || (mode === 'elastic-ip' && family === 6)) continue;
      this.#room(family, { slots, needed, place });
    }
  }

  /** With the number itself: what the others have room for after some hosts failed is judged over the whole cluster. */
  #room(
    family: 4 | 6,
    {
      slots,
      needed,
      place,
    }: { readonly slots: number | undefined; readonly needed: number; readonly place: Place },
  ): void {
    const { mode } = this.#parts.settings.config;
    const what = `room for IPv${family}`;
    if (slots === undefined) {
      if (mode === 'route') this.#pass(what, 'routes need none');
      return;
    }
    const free = slots - this.#vips.reduce((sum, vip) => sum + heldOf(vip, family, place), 0);
    const kind =
      mode === 'elastic-ip' ? 'private addresses for public ones' : (place.instanceType ?? 'unknown type');
    const detail = `${slots} addresses (${kind}), ${free} of them free now, and ${needed} are configured`;
    const number = family === 4 ? { slots4: slots } : { slots6: slots };
    if (slots >= needed) return void this.checks.push({ what, verdict: 'pass', detail, ...number });
    const mend =
      mode === 'elastic-ip'
        ? 'no harm while others live: for the last survivor assign this interface further secondary addresses'
        : 'no harm while others live: for the last survivor use a larger instance type or a further interface';
    this.checks.push({ what, verdict: 'warn', detail, mend, ...number });
  }

  async #registers(ec2: Ec2, place: Place): Promise<void> {
    const { settings, signal } = this.#parts;
    const { config, cluster } = settings;
    const mode = modeOf(config, { ec2, place, cluster });
    let sight: Sight;
    try {
      sight = await mode.look(this.#vips, { signal });
    } catch (error) {
      const mend = error instanceof Ec2Failure ? mendingOf(error.kind, error.action) : undefined;
      return this.#fail('addresses', messageOf(error), mend ?? 'run the test again');
    }
    for (const vip of this.#vips) this.checks.push(registerCheck(vip, sight));
    const probes = probesFor({ mode: config.mode, place, cluster, vips: this.#vips, pieces: sight.pieces });
    for (let at = 0; at < probes.length; at += PROBES_AT_ONCE) {
      const some = probes.slice(at, at + PROBES_AT_ONCE);
      this.checks.push(...(await Promise.all(some.map((probe) => askProbe(ec2, probe, signal)))));
    }
    if (config.mode === 'elastic-ip') this.#unasked(sight);
  }

  /** Giving up names an association, and before anybody has an address there is none to ask about. */
  #unasked({ pieces }: Sight): void {
    const all = [...pieces.values()].flat();
    if (all.length === 0 || all.some((piece) => associationOf(piece) !== undefined)) return;
    this.#warn(
      'permission DisassociateAddress',
      'cannot be asked for while no member has an address',
      'run the test again when one has: without it an address that is given up stays until its next holder takes it',
    );
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
}

/** Addresses of the VIP that are on this host's interfaces now. */
function heldOf({ addresses }: Vip, family: 4 | 6, { interfaces }: Place): number {
  const here = new Set(
    interfaces.flatMap(({ eni }) =>
      family === 4
        ? eni.addresses.flatMap(({ address, publicIp }) => [address, publicIp ?? address])
        : eni.ipv6,
    ),
  );
  return addresses.filter((each) => each.family === family && here.has(each.address)).length;
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
  const pieces = sight.pieces.get(vip) ?? [];
  for (const { address, register, seen } of pieces) {
    if (seen.state !== 'theirs' || seen.holder.member) continue;
    const where = register === undefined ? '' : ` (${register})`;
    const detail = `${address}${where} is with ${seen.holder.words}, which is no member of this cluster`;
    return {
      vip,
      what,
      verdict: 'fail',
      detail,
      mend: 'take it from there, or tag that interface wackamole:cluster',
    };
  }
  const blank = pieces.find(({ seen }) => seen.state === 'free' && seen.blank === true);
  if (blank !== undefined) {
    const detail = `${blank.register} has no route for ${blank.address} yet`;
    return { vip, what, verdict: 'pass', detail: `${detail}; it will be created` };
  }
  const holder = pieces.find(({ seen }) => seen.state === 'theirs')?.seen;
  const words =
    holder?.state === 'theirs' ? `with ${holder.holder.words}, a member` : 'free, or here already';
  return { vip, what, verdict: 'pass', detail: words };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
