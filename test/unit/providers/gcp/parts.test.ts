/** The pure parts: what answers mean, who may take from whom, what the role allows. */
import { describe, expect, it } from 'vitest';
import { answerIn } from '../../../../providers/gcp/answer.ts';
import { refusalOf } from '../../../../providers/gcp/channel.ts';
import { classify, outcomeCodeOf } from '../../../../providers/gcp/failures.ts';
import { fenceText, labelValue, objectionTo, readFence } from '../../../../providers/gcp/fence.ts';
import { judge } from '../../../../providers/gcp/judgement.ts';
import { operationOf } from '../../../../providers/gcp/operation.ts';
import { gcpRole, permissionsFor } from '../../../../providers/gcp/policy.ts';
import type { Seen } from '../../../../providers/gcp/sight.ts';
import { contains, reservedByGoogle } from '../../../../providers/gcp/subnets.ts';
import { vip } from '../../../cloud/gce/scene.ts';

describe('answers', () => {
  const http = (status: number, reason: string, message = '') =>
    refusalOf(
      status,
      JSON.stringify({ error: { code: status, message, errors: [{ reason, message }] } }),
      'm',
    );

  it.each([
    [403, 'forbidden', 'denied', 'permission'],
    [403, 'rateLimitExceeded', 'throttled', 'timeout'],
    [403, 'userRateLimitExceeded', 'throttled', 'timeout'],
    [403, 'CONCURRENT_OPERATIONS_QUOTA_EXCEEDED', 'throttled', 'timeout'],
    [403, 'quotaExceeded', 'limit', 'limit'],
    [429, 'whatever', 'throttled', 'timeout'],
    [401, 'authError', 'credentials', 'permission'],
    [404, 'notFound', 'absent', 'interface-missing'],
    [409, 'alreadyExists', 'exists', 'address-in-use'],
    [412, 'conditionNotMet', 'stale', 'timeout'],
    [400, 'resourceNotReady', 'busy', 'timeout'],
    [400, 'invalid', 'refused', 'failed'],
    [503, 'backendError', 'unknown', 'timeout'],
    [500, 'internalError', 'unknown', 'timeout'],
  ] as const)('%i %s is %s', (...[status, reason, kind, code]) => {
    const failure = http(status, reason);
    expect(failure.kind).toBe(kind);
    expect(outcomeCodeOf(failure)).toBe(code);
  });

  it.each([
    [{ kind: 'compute#routeList' }, true],
    [{ kind: 'storage#object', name: 'a' }, false],
    // Without a kind: it must tell of something, since an empty list would free what somebody has.
    [{}, false],
    [{ items: [] }, false],
    [{ items: {} }, false],
    [{ name: '' }, false],
    [{ error: {} }, false],
    [{ name: 'operation-1', status: 'DONE' }, true],
    [{ items: [{ name: 'r' }] }, true],
    [{ items: { 'zones/a': {} } }, true],
    [{ queryValue: { items: [] } }, true],
  ])('%j counts as one: %s', (answer, counts) => {
    const read = () => answerIn(JSON.stringify(answer));
    if (counts) expect(read()).toEqual(answer);
    else expect(read).toThrow('does not say what it is');
  });

  it.each(['', '<html>502 Bad Gateway</html>', '[]', 'null', '{"error":"x"}', '{"error":{"errors":{}}}'])(
    'garbage with an error number is no reason to fall over: %j',
    (text) => {
      expect(refusalOf(502, text, 'm').kind).toBe('unknown');
      expect(refusalOf(403, text, 'm').kind).toBe('denied');
    },
  );

  it.each([
    ['IP_IN_USE_BY_ANOTHER_RESOURCE', 'held'],
    ['RESOURCE_IN_USE_BY_ANOTHER_RESOURCE', 'held'],
    ['QUOTA_EXCEEDED', 'limit'],
    ['LIMIT_EXCEEDED', 'limit'],
    ['RESOURCE_NOT_READY', 'busy'],
    ['RESOURCE_ALREADY_EXISTS', 'exists'],
    ['PERMISSIONS_ERROR', 'denied'],
    ['CONDITION_NOT_MET', 'stale'],
    ['RESOURCE_OPERATION_RATE_EXCEEDED', 'throttled'],
    ['INTERNAL_ERROR', 'unknown'],
    ['SOMETHING_NEW', 'refused'],
  ])('an operation that ends with %s is %s', (code, kind) => {
    const raw = {
      name: 'op',
      status: 'DONE',
      httpErrorStatusCode: 400,
      error: { errors: [{ code, message: 'said' }] },
    };
    expect(operationOf(raw, 'm')).toMatchObject({ name: 'op', done: true, failure: { kind } });
  });

  it('an operation without an error is none, and one with a number alone is', () => {
    expect(operationOf({ name: 'op', status: 'RUNNING' }, 'm')).toEqual({
      name: 'op',
      done: false,
      failure: undefined,
    });
    expect(operationOf({ status: 'DONE', httpErrorStatusCode: 404 }, 'm').failure?.kind).toBe('absent');
  });

  it('no answer at all is not known to be a refusal', () => {
    for (const reason of ['ECONNREFUSED', 'UND_ERR_SOCKET', 'ETIMEDOUT'])
      expect(classify({ method: 'm', reason, said: '', httpStatus: undefined }).kind).toBe('unknown');
  });
});

describe('the fence', () => {
  it('is read back as it was written, by the same cluster alone', () => {
    const shown = { fence: 1_795_000_000_123, since: Date.parse('2026-11-28T14:40:00.000Z') };
    expect(readFence('Prod.one', fenceText('Prod.one', shown))).toEqual(shown);
    expect(readFence('other', fenceText('Prod.one', shown))).toBeUndefined();
    expect(readFence('Prod.one', 'External NAT')).toBeUndefined();
    expect(readFence('c', 'wackamole c 7 since never')).toBeUndefined();
    expect(labelValue('Prod.one_2')).toBe('prod-one_2');
  });

  it.each([
    [{ fence: 7, since: 200 }, { fence: 6, startedAt: 100, lostUnder: undefined }, true],
    [{ fence: 7, since: 200 }, { fence: 7, startedAt: 100, lostUnder: undefined }, false],
    [{ fence: 7, since: 50 }, { fence: 6, startedAt: 100, lostUnder: undefined }, false],
    [undefined, { fence: 6, startedAt: 100, lostUnder: 6 }, true],
    [undefined, { fence: 7, startedAt: 100, lostUnder: 6 }, false],
    [undefined, { fence: 1, startedAt: 100, lostUnder: undefined }, false],
  ])('%j against %j objects: %s', (shown, claim, objects) => {
    expect(objectionTo(shown, claim) !== undefined).toBe(objects);
  });
});

describe('judgement', () => {
  const one = vip('a', '10.0.0.5');
  const sight = (seen: Seen) => ({
    refused: new Map(),
    pieces: new Map([['a', [{ key: 'a', vip: 'a', address: '10.0.0.5', seen }]]]),
  });
  const claim = { fence: 5, startedAt: 100, lostUnder: undefined };
  const holder = { at: undefined, nic: 'nic0', words: 'vm-9 (z)', member: true, shown: undefined };

  it.each<[Seen, string]>([
    [{ state: 'ours' }, 'ours'],
    [{ state: 'free' }, 'take'],
    [{ state: 'theirs', holder }, 'take'],
    [{ state: 'theirs', holder: { ...holder, member: false } }, 'refuse'],
    [{ state: 'theirs', holder: { ...holder, shown: { fence: 6, since: 200 } } }, 'refuse'],
  ])('%j: %s', (seen, kind) => {
    expect(judge(one, sight(seen), claim).kind).toBe(kind);
  });
});

describe('ranges', () => {
  it.each([
    ['10.0.0.0/24', '10.0.0.255', true],
    ['10.0.0.0/24', '10.0.1.0', false],
    ['nonsense', '10.0.1.0', false],
    ['10.0.0.0/33', '10.0.0.1', false],
  ])('%s has %s: %s', (cidr, address, expected) => {
    expect(contains(cidr, address)).toBe(expected);
  });

  it('the first two and the last two are Google’s', () => {
    const own = Array.from({ length: 8 }, (_, at) => reservedByGoogle('10.0.0.8/29', `10.0.0.${8 + at}`));
    expect(own).toEqual([true, true, false, false, false, false, true, true]);
  });
});

describe('the role', () => {
  it('has what the modes need and nothing of the others', () => {
    const alias = gcpRole({ cluster: 'c', providers: [{ mode: 'alias-ip' }] });
    expect(alias.includedPermissions).toEqual([
      'compute.instances.get',
      'compute.instances.getGuestAttributes',
      'compute.instances.list',
      'compute.instances.updateNetworkInterface',
      'compute.subnetworks.get',
      'compute.subnetworks.use',
      'compute.zoneOperations.get',
    ]);
    const both = gcpRole({ cluster: 'c', providers: [{ mode: 'alias-ip' }, { mode: 'route' }] });
    expect(both.includedPermissions).toEqual(
      [
        ...new Set(
          [...permissionsFor('alias-ip'), ...permissionsFor('route')].map(([permission]) => permission),
        ),
      ].sort(),
    );
    expect(
      both.includedPermissions.some(
        (each) => /setMetadata|delete$|\*/.test(each) && !each.startsWith('compute.routes'),
      ),
    ).toBe(false);
  });
});
