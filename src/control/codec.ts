/** Requests and responses as lines of JSON: strict reading of what a client sends. Pure; never throws past its edge. */
import { isMemberName } from '../model/member.ts';
import type { OperatorCommand } from '../model/operator.ts';
import type { ControlRequest, ControlResponse } from './messages.ts';
import { isStatus } from './status-shape.ts';

export type DecodedRequest =
  | { readonly ok: true; readonly request: ControlRequest }
  | { readonly ok: false; readonly message: string };

/** The grammar of `VipId`. */
const VIP_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$/;

const KINDS = 'status, watch, reload or command';

/** One line without its line end. Unknown keys are refused: a newer client must not believe an older agent obeyed. */
export function decodeRequest(line: Uint8Array): DecodedRequest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
  } catch {
    return refuse('not a line of JSON in UTF-8; send for instance {"kind":"status"}');
  }
  if (!isRecord(value)) return refuse(`not a JSON object with a kind of ${KINDS}`);
  const kind = value['kind'];
  if (kind === 'status' || kind === 'watch' || kind === 'reload') {
    return refuseUnknown(value, ['kind']) ?? { ok: true, request: { kind } };
  }
  if (kind !== 'command') return refuse(`unknown kind ${quote(kind)}; known are ${KINDS}`);
  const decoded = decodeCommand(value['command']);
  if (!decoded.ok) return decoded;
  return (
    refuseUnknown(value, ['kind', 'command']) ?? { ok: true, request: { kind, command: decoded.command } }
  );
}

type DecodedCommand =
  | { readonly ok: true; readonly command: OperatorCommand }
  | { readonly ok: false; readonly message: string };

function decodeCommand(value: unknown): DecodedCommand {
  if (!isRecord(value)) return refuse('`command` is not a JSON object');
  const { kind, member, vip, to } = value;
  switch (kind) {
    case 'drain':
    case 'undrain':
      if (!isName(member)) return refuse(`\`member\` of ${kind} is not a member name: ${quote(member)}`);
      return refuseUnknown(value, ['kind', 'member']) ?? { ok: true, command: { kind, member } };
    case 'move':
      if (typeof vip !== 'string' || !VIP_ID.test(vip))
        return refuse(`\`vip\` of move is not a VIP name: ${quote(vip)}`);
      if (!isName(to)) return refuse(`\`to\` of move is not a member name: ${quote(to)}`);
      return refuseUnknown(value, ['kind', 'vip', 'to']) ?? { ok: true, command: { kind, vip, to } };
    case 'rebalance':
      return refuseUnknown(value, ['kind']) ?? { ok: true, command: { kind } };
    default:
      return refuse(`unknown command ${quote(kind)}; known are drain, undrain, move and rebalance`);
  }
}

export function encodeLine(message: ControlRequest | ControlResponse): string {
  return `${JSON.stringify(message)}\n`;
}

/** What an agent answered, or undefined if it is nothing an agent answers. */
export function decodeResponse(line: Uint8Array): ControlResponse | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { ok, message, code, status } = value;
  if (ok === false && typeof message === 'string' && typeof code === 'string')
    return value as ControlResponse;
  if (ok === true && (status === undefined ? typeof message === 'string' : isStatus(status)))
    return value as ControlResponse;
  return undefined;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && isMemberName(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuseUnknown(
  value: Record<string, unknown>,
  known: readonly string[],
): { ok: false; message: string } | undefined {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  return unknown === undefined
    ? undefined
    : refuse(`unknown key ${quote(unknown)}; known are ${known.join(', ')}`);
}

function refuse(message: string): { ok: false; message: string } {
  return { ok: false, message };
}

function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
