/** Why a setting of keepalived has no counterpart here, and what there is instead. */

const VMAC =
  'ours moves the address and announces its new link address (gratuitous ARP, unsolicited NA) instead of moving a link address.';
const GARP =
  'ours announces at once and again after 100ms, 400ms, 1s, 3s and 10s: providers.local.announce_repeat.';
const MAIL = 'ours sends no mail; let a hook do it, or whatever watches the log.';
const IPVS =
  'ours balances no connections: leave it in a keepalived.conf without vrrp_instance, on all hosts.';
const PROTOCOL = 'there is no VRRP on the wire any more.';
const SECURITY = 'programs are always run without a shell and only if nobody else may change them.';
const NETNS = 'start the agent in the network namespace instead (ip netns exec, NetworkNamespacePath=).';
const ROUTES = 'ours puts up addresses alone: let a hook do it.';
const OTHER = 'it has no counterpart.';

/** Stands for the keyword of an address of one link alone. */
export const LINK_LOCAL = 'link-local address';

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^(use_vmac|use_vmac_addr|vmac_|use_ipvlan|garp_extra_if|vmac_garp_intvl)/, VMAC],
  [/^(vrrp_)?(garp|gna|min_garp)|^garp_group/, GARP],
  [/^(smtp_|notification_email|no_email_faults|email_faults)/, MAIL],
  [/^(virtual_server|lvs_|ssl_context|SSL|local_address_group|checker_|checkers_)/, IPVS],
  [
    /^(authentication|auth_)/,
    'it kept nobody out: ours has a cluster key, made by `wackamole key generate`.',
  ],
  [/^(virtual_routes|virtual_rules|static_routes|static_rules)$/, ROUTES],
  [/^static_ipaddress$/, 'addresses that never move belong into the configuration of the network.'],
  [
    /^(accept|no_accept|vrrp_iptables|vrrp_ipsets|nftables|vrrp_nftables)/,
    'ours filters nothing: the host that has an address answers for it.',
  ],
  [/^dont_track_primary$/, 'ours never serves from an interface without a carrier.'],
  [/^(script_user|enable_script_security|script_security)$/, SECURITY],
  [/^(net_namespace|namespace_with_ipsets)/, NETNS],
  [
    /^(track_file|vrrp_track_file)$/,
    'a number in a file is no measure here: a check `file` or `no_file` asks whether a file is there.',
  ],
  [
    /^(track_bfd|bfd_instance|vrrp_track_bfd)$/,
    'ours has no BFD: its own probes are as quick (group.profile).',
  ],
  [
    /^(quorum|quorum_max|param_match|full_command|fork_delay|terminate_delay|delay)$/,
    'a check `process` asks whether one process of that name runs; for more write a `command`.',
  ],
  [/^init_fail$/, 'an agent looks at everything once before it joins.'],
  [
    /^notify_(deleted|master_rx_lower_pri|priority_changes|fifo)|notify_fifo/,
    'there is no such event; follow `wackamole status --watch --json`.',
  ],
  [/^(startup_script|shutdown_script)/, 'ours runs none: let systemd do it (ExecStartPre=, ExecStopPost=).'],
  [/^promote_secondaries$/, 'ours sets it wherever it is needed.'],
  [
    /^(interface_up_down_delays|linkbeat_)/,
    'a carrier that comes back has to last for providers.local.carrier_hold.',
  ],
  [
    /^(vrrp_(priority|rt_|no_swap|rlimit|rx_bufs)|process_name|checker_|bfd_|rs_init|.*_(no_swap|priority|rlimit_rttime|rt_priority|cpu_affinity))/,
    'ours looks after its own priority.',
  ],
  [
    /^(version|vrrp_version|strict_mode|vrrp_strict|vrrp_mcast_group|mcast_dst_ip|unicast_ttl|check_unicast_src|unicast_fault_no_peer|old_unicast_checksum|native_ipv6|lower_prio_no_advert|higher_prio_send_advert|down_timer_adverts|vrrp_down_timer|vrrp_skip_check_adv_addr|skip_check_adv_addr|owner_ignore_adverts|v3_checksum_as_v2|vrrp_higher_prio|vrrp_lower_prio|timer_expired_backup|thread_timer_expired|track_src_ip)/,
    PROTOCOL,
  ],
  [/^lvs_sync_daemon/, IPVS],
  [/^debug$/, 'log.level'],
  [/^link-local address$/, 'ours speak with each other by addresses that are known beyond one link.'],
];

export function reasonFor(keyword: string): string {
  return REASONS.find(([pattern]) => pattern.test(keyword))?.[1] ?? OTHER;
}
