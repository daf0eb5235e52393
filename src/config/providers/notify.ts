/** Key `notify` of a `local` provider: which neighbours are told directly of a new holder, and how fast. */
import { z } from 'zod';
import { DEFAULTS } from '../defaults.ts';
import { formatIp, parseIp } from '../ip.ts';
import { complaint, integer, interfaceName, yesNo } from '../schema-parts.ts';

export interface NotifyConfig {
  readonly family: 4 | 6;
  /** The first of the addresses, canonical text. */
  readonly address: string;
  /** All that share so many leading bits with it, at most {@link NEIGHBOURS_MAX}. */
  readonly prefixLength: number;
  /** Only VIPs on this interface are told of; absent: VIPs of the same family on any. */
  readonly interface?: string;
  /** Neighbours told in a second, at most; each is told of one VIP address at a time, by up to three packets. */
  readonly throttle: number;
  /** Besides, an ICMP echo, whose answer needs the new link address. */
  readonly ping: boolean;
}

/** An entry that tells whomever the kernel of any member knows, as far as they are on the link. */
export interface SharedNotifyConfig extends Pick<NotifyConfig, 'interface' | 'ping'> {
  /** Neighbours of each family told in a second, at most. */
  readonly throttle: number;
}

/** Of one entry. Each of them is told of each address of each VIP that comes. */
export const NEIGHBOURS_MAX = 4096;
/** As many as the original Wackamole took. */
export const NOTIFY_ENTRIES_MAX = 1024;

const addresses = z
  .string()
  .min(1)
  .max(64)
  .transform((text, context): Pick<NotifyConfig, 'family' | 'address' | 'prefixLength'> => {
    const range = rangeOf(text);
    if (typeof range !== 'string') return range;
    context.addIssue({ code: 'custom', message: range });
    return z.NEVER;
  });

const entry = z
  .strictObject({
    addresses: addresses
      .optional()
      .describe('`address` or `address/prefix`: every address of it, at most 4096'),
    neighbours: z
      .literal('shared')
      .optional()
      .describe(
        'Instead of `addresses`, the word `shared`: whomever on the link the kernel of any member knows, as the members tell each other',
      ),
    interface: interfaceName()
      .optional()
      .describe('Tell only of VIPs on this interface; absent: of all of the same family'),
    throttle: integer(1, 10_000)
      .prefault(DEFAULTS.local.notify.throttle)
      .describe('Neighbours told in a second, at most, of one address each, by up to three packets'),
    ping: yesNo(DEFAULTS.local.notify.ping).describe(
      'Besides, an ICMP echo from the VIP, whose answer needs its link address',
    ),
  })
  .superRefine((shape, context) => {
    if ((shape.addresses === undefined) !== (shape.neighbours === undefined)) return;
    const what =
      shape.addresses === undefined ? 'says not who is told' : 'has both `addresses` and `neighbours`';
    const message = complaint(what, 'write `addresses: 10.0.0.0/24` or `neighbours: shared`');
    context.addIssue({ code: 'custom', message });
  });

export const NOTIFY_SECTION = z
  .array(z.union([addresses, entry]))
  .max(NOTIFY_ENTRIES_MAX)
  .prefault([])
  .describe('Neighbours that are told directly of a new holder, after the broadcast and in the background');

type NotifyShape = z.output<typeof NOTIFY_SECTION>[number];

/** The entries with addresses. */
export function notifyOf(shapes: readonly NotifyShape[]): NotifyConfig[] {
  return shapes.flatMap((shape) => {
    if ('family' in shape) return [{ ...shape, ...DEFAULTS.local.notify }];
    return shape.addresses === undefined ? [] : [{ ...shape.addresses, ...mannerOf(shape) }];
  });
}

/** The entries without. */
export function sharedNotifyOf(shapes: readonly NotifyShape[]): SharedNotifyConfig[] {
  return shapes.flatMap((shape) =>
    'family' in shape || shape.neighbours === undefined ? [] : [mannerOf(shape)],
  );
}

function mannerOf({ interface: device, throttle, ping }: z.output<typeof entry>): SharedNotifyConfig {
  return { ...(device !== undefined && { interface: device }), throttle, ping };
}

/** A text is what is wrong and how to mend it. */
function rangeOf(text: string): Pick<NotifyConfig, 'family' | 'address' | 'prefixLength'> | string {
  const [, literal = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const ip = parseIp(literal);
  if (ip === undefined)
    return complaint(`${JSON.stringify(text)} is not an IP address`, 'write 10.0.0.1 or 10.0.0.0/24');
  const widest = ip.family === 4 ? 32 : 128;
  const prefixLength = length === undefined ? widest : Number(length);
  const shortest = widest - Math.log2(NEIGHBOURS_MAX);
  if (prefixLength > widest || prefixLength < shortest) {
    const what = `/${prefixLength} is ${prefixLength > widest ? 'no prefix length' : `more than ${NEIGHBOURS_MAX} neighbours`}`;
    return complaint(what, `write /${shortest} to /${widest}`);
  }
  return { family: ip.family, address: formatIp(ip), prefixLength };
}
