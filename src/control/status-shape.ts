/**
 * Whether what came over the operator's socket is a {@link Status} that can be shown: every field that is, is of its type. Words that a
 * newer agent may have more of (phases, states) are texts here. Pure.
 */
import type { Status } from '../model/status.ts';

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isFlag: Check = (value) => typeof value === 'boolean';
const isNumber: Check = (value) => typeof value === 'number';
const isTextOrAbsent: Check = (value) => value === undefined || isText(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const recordOf =
  (shape: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isRecord(value) && Object.entries(shape).every(([field, check]) => check(own(value, field)));

const isView = recordOf({ id: isText, epoch: isNumber, since: isText, cause: isText });

const isMember = recordOf({
  name: isText,
  member: isText,
  representative: isFlag,
  self: isFlag,
  mature: isFlag,
  draining: isFlag,
  reported: isFlag,
  capacity: isNumber,
  votes: isNumber,
  zone: isTextOrAbsent,
  tags: (value) => value === undefined || (isRecord(value) && Object.values(value).every(isText)),
  vips: isNumber,
  problems: listOf(isText),
});

const isVip = recordOf({
  vip: isText,
  addresses: listOf(isText),
  holder: isTextOrAbsent,
  allocated: isTextOrAbsent,
  state: isText,
  since: isText,
  reason: isText,
  passed_over: listOf(recordOf({ member: isText, reason: isText })),
});

const isPeer = recordOf({
  name: isText,
  address: isText,
  stream: isText,
  host: isText,
  agent: isText,
  problem: isTextOrAbsent,
});

const areChecks = listOf(
  recordOf({
    check: isText,
    failing: isTextOrAbsent,
    since: isTextOrAbsent,
    vips: (value) => value === undefined || listOf(isText)(value),
    penalty: (value) => value === undefined || isNumber(value),
    last_resort: isFlag,
  }),
);

const isHooks = recordOf({
  running: isNumber,
  waiting: isNumber,
  coalesced: isNumber,
  results: listOf(
    recordOf({
      at: isText,
      event: isText,
      vip: isTextOrAbsent,
      command: isText,
      ok: isFlag,
      result: isText,
      duration_ms: isNumber,
    }),
  ),
});

const isWholeStatus = recordOf({
  cluster: isText,
  version: isText,
  self: isText,
  phase: isText,
  view: (value) => value === undefined || isView(value),
  primary: isFlag,
  config_digest: isText,
  members: listOf(isMember),
  vips: listOf(isVip),
  checks: (value) => value === undefined || areChecks(value),
  changes: listOf(recordOf({ at: isText, what: isText, reason: isText })),
  peers: listOf(isPeer),
  hooks: (value) => value === undefined || isHooks(value),
  counters: (value) => isRecord(value) && Object.values(value).every(isNumber),
  warnings: listOf(isText),
});

export function isStatus(value: unknown): value is Status {
  return isWholeStatus(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(record: Record<string, unknown>, field: string): unknown {
  return Object.hasOwn(record, field) ? record[field] : undefined;
}
