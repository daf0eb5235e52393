import { describe, expect, it } from 'vitest';
import { effectiveCapability } from '../../../src/platform/capabilities.ts';
import { readSysctl, writeSysctl } from '../../../src/platform/sysctl.ts';

describe('capabilities', () => {
  it.each([
    ['CapPrm:\t000001ffffffffff\nCapEff:\t0000000000001000\n', true, false],
    ['CapEff:\t0000000000002000\nCapBnd:\t000001ffffffffff\n', false, true],
    ['CapEff:\t000001ffffffffff\n', true, true],
    ['Name: x\n', false, false],
  ])('%j', (status, admin, raw) => {
    expect(effectiveCapability(status, 'CAP_NET_ADMIN')).toBe(admin);
    expect(effectiveCapability(status, 'CAP_NET_RAW')).toBe(raw);
  });
});

describe('kernel settings', () => {
  it('are read, or absent', () => {
    expect(readSysctl('kernel', 'ostype')).toBe('Linux');
    expect(readSysctl('net', 'ipv4', 'conf', 'nowhere0', 'arp_ignore')).toBeUndefined();
    expect(writeSysctl('1', 'net', 'ipv4', 'conf', 'nowhere0', 'arp_ignore')).toBe(false);
  });

  it('never lead out of /proc/sys', () => {
    expect(readSysctl.bind(undefined, 'kernel', '..', 'x')).toThrow(/part of a setting/);
    expect(readSysctl.bind(undefined, 'kernel', 'a/b')).toThrow(/part of a setting/);
  });
});
