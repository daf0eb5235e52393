import { describe, expect, it } from 'vitest';
import { classify, type FailureKind, outcomeCodeOf } from '../../../../providers/aws/failures.ts';
import type { OutcomeCode } from '../../../../src/provider/provider.ts';

const of = (code: string, said = '', httpStatus: number | undefined = 400) =>
  classify({ action: 'AssignPrivateIpAddresses', code, said, httpStatus });

describe('failures of EC2', () => {
  it.each<[string, string, number | undefined, FailureKind, OutcomeCode]>([
    ['UnauthorizedOperation', 'You are not authorized', 403, 'denied', 'permission'],
    ['DryRunOperation', 'Request would have succeeded', 412, 'would-succeed', 'failed'],
    ['RequestLimitExceeded', 'Request limit exceeded.', 503, 'throttled', 'timeout'],
    ['Throttling', '', 400, 'throttled', 'timeout'],
    ['ExpiredToken', 'The security token is expired', 400, 'credentials', 'permission'],
    [
      'AuthFailure',
      'AWS was not able to validate the provided access credentials',
      401,
      'credentials',
      'permission',
    ],
    ['AuthFailure', 'Signature not yet current: 1 is still later than 2', 401, 'clock', 'permission'],
    ['RequestExpired', 'Request has expired.', 400, 'clock', 'permission'],
    [
      'CredentialsProviderError',
      'Could not load credentials from any providers',
      undefined,
      'credentials',
      'permission',
    ],
    [
      'InvalidNetworkInterfaceID.NotFound',
      "The networkInterface ID 'eni-1' does not exist",
      400,
      'absent',
      'interface-missing',
    ],
    ['InvalidAssociationID.NotFound', '', 400, 'absent', 'interface-missing'],
    ['InvalidParameterValue', '[10.0.0.9] assigned, but move is not allowed.', 400, 'held', 'address-in-use'],
    ['Resource.AlreadyAssociated', '', 400, 'held', 'address-in-use'],
    [
      'InvalidParameterValue',
      'Some of the specified addresses are not assigned to interface eni-1',
      400,
      'not-here',
      'failed',
    ],
    [
      'InvalidParameterValue',
      "Address 10.0.1.9 does not fall within the subnet's address range",
      400,
      'refused',
      'failed',
    ],
    [
      'InvalidParameterValue',
      "There aren't sufficient free Ipv4 addresses or prefixes",
      400,
      'limit',
      'limit',
    ],
    [
      'PrivateIpAddressLimitExceeded',
      'Number of private addresses will exceed limit.',
      400,
      'limit',
      'limit',
    ],
    [
      'InvalidParameterValue',
      'There is no route defined. Use CreateRoute instead.',
      400,
      'no-route',
      'failed',
    ],
    ['RouteAlreadyExists', '', 400, 'exists', 'failed'],
    ['IncorrectState', '', 400, 'busy', 'timeout'],
    ['InternalError', '', 500, 'unknown', 'timeout'],
    ['Timeout', 'no answer within 5000 ms', undefined, 'unknown', 'timeout'],
    ['ECONNRESET', 'socket hang up', undefined, 'unknown', 'timeout'],
    ['Unknown', 'char 5 is not expected', 200, 'unknown', 'timeout'],
    ['SomethingNew', 'nobody knows', 400, 'refused', 'failed'],
  ])('%s (%s, %s) is %s', (...[code, said, status, kind, outcome]) => {
    const failure = classify({ action: 'AssignPrivateIpAddresses', code, said, httpStatus: status });
    expect(failure.kind).toBe(kind);
    expect(outcomeCodeOf(failure)).toBe(outcome);
  });

  it.each<[string, string]>([
    ['UnauthorizedOperation', 'allow ec2:AssignPrivateIpAddresses'],
    ['ExpiredToken', 'renew the credentials'],
    ['RequestExpired', 'set the clock'],
    ['PrivateIpAddressLimitExceeded', 'larger instance type'],
    ['InvalidNetworkInterfaceID.NotFound', 'check the id and the region'],
  ])('%s says how to mend it', (code, words) => {
    expect(of(code).message).toContain(words);
  });

  it('makes one short line of whatever was said', () => {
    const { message } = of('InvalidParameterValue', `a\n\u001b[31m${'x'.repeat(5000)}`);
    expect(message).not.toMatch(/\p{Cc}/u);
    expect(message.length).toBeLessThan(500);
  });
});
