/** Times and texts for people. Pure. */
import type { Millis } from '../model/time.ts';

/** How long ago: `0s`, `12s`, `3m 12s`, `2h 05m`, `3d 4h`. */
export function formatAge(age: Millis): string {
  const seconds = Math.max(0, Math.floor(age / 1000));
  const [minutes, hours, days] = [
    Math.floor(seconds / 60),
    Math.floor(seconds / 3600),
    Math.floor(seconds / 86_400),
  ];
  if (minutes === 0) return `${seconds}s`;
  if (hours === 0) return `${minutes}m ${two(seconds % 60)}s`;
  if (days === 0) return `${hours}h ${two(minutes % 60)}m`;
  return `${days}d ${hours % 24}h`;
}

/** Since when, of an ISO 8601 time: `12:00:01Z (3m 12s)`, with the date unless it is of today. */
export function formatSince(iso: string, now: number): string {
  const instant = Date.parse(iso);
  if (Number.isNaN(instant)) return printable(iso);
  const [day, time] = new Date(instant).toISOString().split('T') as [string, string];
  const today = new Date(now).toISOString().slice(0, 10);
  return `${day === today ? '' : `${day} `}${time.slice(0, 8)}Z (${formatAge(now - instant)})`;
}

/** Texts come from other hosts: what would steer the terminal is shown as a replacement character. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\uFFFD');
}

/** The same value with every text in it made printable: whoever answers at a socket may not be who he should be. */
export function printableThroughout<T>(value: T): T {
  if (typeof value === 'string') return printable(value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => printableThroughout(item)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, printableThroughout(item)]),
  ) as T;
}

/** `1 VIP`, `3 VIPs`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
