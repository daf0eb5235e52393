/** Bugs as one could make them, in one place each: what stands there, and what stands there instead. */
export interface PlantedBug {
  readonly target: string;
  readonly file: string;
  /** Stands there once. */
  readonly right: string;
  readonly wrong: string;
}

const bug = (target: string, file: string, [right, wrong]: readonly [string, string]): PlantedBug => ({
  target,
  file,
  right,
  wrong,
});

const WIRE = 'src/membership/byte-reader.ts';
const CODEC = 'src/membership/codec.ts';

export const PLANTED_BUGS: readonly PlantedBug[] = [
  bug('frames', CODEC, [
    "cancel: (r) => ({ kind: 'cancel', epoch: r.u64() })",
    "cancel: (r) => ({ kind: 'cancel', epoch: r.u32() + r.u32() })",
  ]),
  bug('frames', WIRE, ['if (value > 1) throw', 'if (value > 2) throw']),
  bug('frames', WIRE, ['if (rest > 0) throw', 'if (rest > 1) throw']),
  bug('frames', CODEC, ['if (choice === undefined) throw', 'if (choice === null) throw']),
  bug('heartbeats', CODEC, ['w.u64(heartbeat.stable);', 'w.u64(heartbeat.received);']),
  bug('heartbeats', WIRE, ['if (!Number.isSafeInteger(value)) throw', 'if (value < 0) throw']),
  bug('heartbeats', WIRE, ['if (!isMemberId(id)) throw new', 'if (id.length > 99) throw new']),
  bug('datagrams', 'src/group/sealed-datagram.ts', [
    'bytes.length < AT.id + idLength + CODE_BYTES',
    'bytes.length < AT.id + CODE_BYTES',
  ]),
  bug('datagrams', 'src/group/sealed-datagram.ts', ['bytes.length < AT.id + CODE_BYTES || ', '']),
  bug('streams', 'src/group/stream-frames.ts', [
    'if (length < 1 || length > this.#limit)',
    'if (length > this.#limit)',
  ]),
  bug('streams', 'src/group/stream-frames.ts', [
    'if (this.#length < LENGTH_BYTES + length) return WAIT;',
    'if (this.#length < length) return WAIT;',
  ]),
  bug('hellos', 'src/group/hello.ts', [
    "if (!isText(cluster)) return bad('bad cluster name');",
    "if (cluster === undefined) return bad('bad cluster name');",
  ]),
  bug('hellos', 'src/group/hello.ts', ["text.replaceAll(/[^\\P{C} ]/gu, '?')", 'text']),
  bug('agent-messages', 'src/agent/messages.ts', [
    "if (!isRecord(value)) return { ok: false, error: 'not an object' };",
    '',
  ]),
  bug('agent-messages', 'src/agent/messages.ts', [
    "['digest', isName],",
    "['digest', (v) => v === 'digest-of-4'],",
  ]),
  bug('control-requests', 'src/control/codec.ts', [
    "if (!isRecord(value)) return refuse('`command` is not a JSON object');",
    "if (value === undefined) return refuse('`command` is not a JSON object');",
  ]),
  bug('control-requests', 'src/control/codec.ts', [
    'return text.length > 80 ?',
    'return text.length > 80_000 ?',
  ]),
  bug('control-responses', 'src/control/status-shape.ts', ['problems: listOf(isText),', '']),
  bug('control-responses', 'src/commander/render.ts', [
    'const status = printableThroughout(given);\n  const paint',
    'const status = given;\n  const paint',
  ]),
  bug('control-lines', 'src/control/lines.ts', [
    'start = end + 1;',
    'start = Math.min(end + 1, chunk.length - 1);',
  ]),
  bug('control-lines', 'src/control/lines.ts', [
    'if (this.#length > this.#bytesMax) return false;',
    'if (part.length > this.#bytesMax) return false;',
  ]),
  bug('configs', 'src/config/vip-section.ts', [
    'if (prefixLength > widest || prefixLength === 0)',
    'if (prefixLength === 0)',
  ]),
  bug('configs', 'src/config/ranges.ts', [
    'if (last - first >= EXPANSION_MAX) {',
    'if (last < first - EXPANSION_MAX) {',
  ]),
  bug('provider-answers', 'src/agent/provider-answers.ts', [
    "if (typeof held !== 'boolean') return",
    'if (held === undefined) return',
  ]),
  bug('provider-answers', 'src/agent/provider-answers.ts', [
    'return Math.min(answer.length, asked + EXTRA_ENTRIES_MAX);',
    'return answer.length;',
  ]),
  bug('provider-answers', 'src/agent/provider-answers.ts', [
    "reason: typeof reason === 'string' ? clip(reason) : 'the provider gives no reason',",
    "reason: typeof reason === 'string' ? reason : 'the provider gives no reason',",
  ]),
  bug('exec-answers', 'providers/exec/protocol.ts', [
    "if (typeof held !== 'boolean')",
    'if (held === undefined)',
  ]),
  bug('exec-answers', 'providers/exec/protocol.ts', ['reason: reason.slice(0, TEXT_MAX) }', 'reason }']),
  bug('netlink', 'src/platform/netlink-codec.ts', [
    'if (length < HEADER_BYTES || at + length > datagram.length) break;',
    'if (at + length > datagram.length) break;',
  ]),
  bug('netlink', 'src/platform/rtnetlink-codec.ts', [
    'if (lifetimes === undefined || lifetimes.length < 8) return {};',
    'if (lifetimes === undefined) return {};',
  ]),
  bug('netlink', 'src/platform/rtnetlink-codec.ts', ['validSeconds: valid', 'validSeconds: preferred']),
  bug('packets', 'providers/local/packets.ts', ['frame.length < ARP_FRAME_BYTES || ', '']),
  bug('packets', 'providers/local/packets.ts', [
    'body[0] = NEIGHBOUR_SOLICITATION;',
    'body[0] = NEIGHBOUR_ADVERTISEMENT;',
  ]),
  bug('pings', 'src/platform/ping-socket.ts', ['if (echo.length < ECHO_HEADER_BYTES || ', 'if (']),
  bug('pings', 'src/lab/echo.ts', [
    'if (start === undefined || frame.length < start + ECHO_BYTES) return undefined;',
    'if (start === undefined) return undefined;',
  ]),
  bug('engines', 'src/membership/change.ts', [
    '!current.members.includes(from) ||\n      frame.stable > frame.received',
    'frame.stable > frame.received',
  ]),
  bug('engines', 'src/membership/attempt.ts', ['if (epoch > EPOCH_MAX) return', 'if (epoch < 0) return']),
  bug('engines-for-long', 'src/membership/roster.ts', [
    'if (epoch > heartbeat.highest || epoch > EPOCH_MAX) {',
    'if (epoch < 0) {',
  ]),
  bug('agents', 'src/agent/messages.ts', ["['unfit', isReasons],", "['unfit', isNames],"]),
  bug('agents', 'src/agent/agent.ts', [
    'for (const [vip, at] of this.#waits) if (at <= now) this.#waits.delete(vip);',
    '',
  ]),
  bug('agents-for-long', 'src/agent/history.ts', [
    'if (this.#changes.length > CHANGES_MAX) this.#changes.shift();',
    '',
  ]),
  bug('spread-sessions', 'src/group/spread/message.ts', [
    'if (size > (body.length - at) / NAME_BYTES) return',
    'if (size < 0) return',
  ]),
  bug('spread-sessions', 'src/group/spread/frame.ts', [
    'if (queue.length < total) return',
    'if (queue.length < total - 1) return',
  ]),
  bug('spread-sessions', 'src/group/spread/handshake.ts', [
    'if (queue.length < 1 + length) return',
    'if (queue.length < length) return',
  ]),
  bug('spread-envelopes', 'src/group/spread/envelope.ts', ['    reader.end();\n', '']),
  bug('spread-envelopes', 'src/group/spread/envelope.ts', [
    'if (error instanceof MalformedBytes) return undefined;\n',
    '',
  ]),
  bug('spread-synchrony', 'src/group/spread/synchrony.ts', [
    'this.#number = Math.max(this.#number, announcement.number + 1);',
    '',
  ]),
  bug('spread-synchrony', 'src/group/spread/next-view.ts', [
    'if (names.has(name)) namesakes',
    'if (names.has(privateGroup)) namesakes',
  ]),
  bug('spread-synchrony', 'src/group/spread/synchrony.ts', [
    'if (next.namesakes.includes(',
    'if (next.view === undefined && next.namesakes.includes(',
  ]),
  bug('imports-original', 'src/config/import/convert.ts', [
    'if (twin !== undefined && address.address !== UNSPECIFIED) {',
    'if (twin === address) {',
  ]),
  bug('imports-keepalived', 'src/config/import/keepalived/values.ts', [
    'if (!/^(?!\\.{1,2}$)[^\\s/:]{1,15}$/.test(word.text))',
    "if (word.text === '')",
  ]),
];
