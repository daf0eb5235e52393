/** The detectors' timers, one table; `fast` and `wan` say only where they differ and why (docs/benchmarks.md). */
import type { DetectorTimers, ProfileName } from './config.ts';

/**
 * One link or one site. A silent host is noticed at most 220 ms after its cable was pulled (70 + 150), when three probes in a
 * row have stayed unanswered; a view change waits one probe interval more for others that die with it. Asking more often
 * costs an idle host more than 1 % of a core.
 */
const LAN: DetectorTimers = {
  probe_interval_ms: 70,
  probe_timeout_ms: 150,
  heartbeat_interval_ms: 250,
  heartbeat_timeout_ms: 1000,
  seek_interval_ms: 50,
  link_hold_ms: 50,
  phase_timeout_ms: 200,
};

export const PROFILES: Readonly<Record<ProfileName, DetectorTimers>> = {
  lan: LAN,
  /**
   * Probes are answered by the peer's kernel, so that 35 ms do not suspect a busy agent; a link that loses four packets in
   * a row does get suspected. Heartbeats, which agents send themselves, stay as patient as in `lan`.
   */
  fast: { ...LAN, probe_interval_ms: 10, probe_timeout_ms: 35, seek_interval_ms: 20, link_hold_ms: 25 },
  /** Sites joined by routers and the internet: seconds of loss while a route changes are no death. */
  wan: {
    probe_interval_ms: 500,
    probe_timeout_ms: 3000,
    heartbeat_interval_ms: 1000,
    heartbeat_timeout_ms: 6000,
    seek_interval_ms: 1000,
    link_hold_ms: 3000,
    phase_timeout_ms: 1000,
  },
};
