import { describe, expect, it } from 'vitest';
import { Detector } from '../../../src/membership/detector.ts';
import { LAN } from '../../simulation/membership/run-seed.ts';

/** Probe interval 50, timeout 200; heartbeat timeout 1000. */
function opened(): Detector {
  const detector = new Detector(LAN);
  detector.opened();
  detector.heard(0);
  return detector;
}

describe('host detector', () => {
  it('does not know a host that never answered, however long it is silent', () => {
    const detector = opened();
    for (let at = 0; at <= 900; at += 50) detector.probeSent(at / 50, at);
    expect(detector.host(900)).toBe('unknown');
    expect(detector.hears(900)).toBe(true);
  });

  it.each([
    { at: 250, host: 'answers' },
    { at: 299.9, host: 'answers' },
    { at: 300, host: 'silent' },
  ])('counts silence from the first unanswered probe: $host at $at', ({ at, host }) => {
    const detector = opened();
    detector.probeSent(1, 50);
    detector.probeAnswered(1, 51);
    detector.probeSent(2, 100);
    detector.probeSent(3, 150);
    detector.probeSent(4, 200);
    expect(detector.host(at)).toBe(host);
    expect(detector.turnsAt(200)).toBe(300);
  });

  it('is silent only for probes that were really sent', () => {
    const detector = opened();
    detector.probeSent(1, 0);
    detector.probeAnswered(1, 1);
    detector.heard(5_000);
    expect(detector.host(5_000)).toBe('answers');
  });

  it('takes an answer to an older probe as a sign of life, and one to a probe never sent as none', () => {
    const detector = opened();
    detector.probeSent(1, 0);
    detector.probeAnswered(1, 1);
    for (let probe = 2; probe < 30; probe++) detector.probeSent(probe, 50 * probe);
    expect(detector.host(1_450)).toBe('silent');
    expect(detector.probeAnswered(99, 1_450)).toBe(false);
    expect(detector.host(1_450)).toBe('silent');
    expect(detector.probeAnswered(3, 1_450)).toBe(true);
    expect(detector.host(1_450)).toBe('answers');
  });

  it('falls back to heartbeats when probes stay unanswered while heartbeats keep coming', () => {
    const detector = opened();
    detector.probeSent(1, 0);
    detector.probeAnswered(1, 1);
    detector.probeSent(2, 50);
    detector.heard(1_240);
    expect(detector.host(1_249)).toBe('silent');
    expect(detector.host(1_250)).toBe('unknown');
    expect(detector.hears(1_250)).toBe(true);
  });

  it('smooths round trips', () => {
    const detector = opened();
    detector.probeSent(1, 0);
    detector.probeAnswered(1, 8);
    detector.probeSent(2, 50);
    detector.probeAnswered(2, 50);
    expect(detector.roundTrip).toBeCloseTo(7);
  });
});

describe('agent detector', () => {
  it.each([
    { at: 999, agent: 'well' },
    { at: 1_000, agent: 'silent' },
  ])('is $agent at $at', ({ at, agent }) => {
    expect(opened().agent(at)).toBe(agent);
  });

  it('hears nobody without a stream', () => {
    const detector = opened();
    detector.closed(1);
    expect(detector.hears(1)).toBe(false);
  });

  it('hears nobody whose datagrams never came, though the stream is open', () => {
    const detector = new Detector(LAN);
    detector.opened();
    expect(detector.agent(0)).toBe('unknown');
    expect(detector.hears(0)).toBe(false);
  });
});

describe('answeredLately', () => {
  it('separates a host that was up a moment ago from one that has been silent for the timeout', () => {
    const detector = opened();
    detector.probeSent(1, 0);
    detector.probeAnswered(1, 1);
    expect(detector.answeredLately(100)).toBe(true);
    expect(detector.answeredLately(200)).toBe(false);
  });
});
