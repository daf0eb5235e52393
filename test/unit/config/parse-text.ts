/** Short ways to parse a text in tests. */
import type { Config, EmbeddedGroupConfig } from '../../../src/config/config.ts';
import { embeddedGroupOf } from '../../../src/config/engines.ts';
import { type ParseResult, parseConfig } from '../../../src/config/parse.ts';
import { formatProblem } from '../../../src/config/problem.ts';

export function parse(text: string, hostName = 'a'): ParseResult {
  return parseConfig(text, { fileName: 'w.yaml', hostName });
}

/** Of a file for the embedded engine. */
export function configOf(text: string, hostName = 'a'): Config & { readonly group: EmbeddedGroupConfig } {
  const result = parse(text, hostName);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return { ...result.config, group: embeddedGroupOf(result.config) };
}

/** `line:column path: what` of each problem. */
export function problemsOf(text: string, hostName = 'a'): string[] {
  const result = parse(text, hostName);
  return result.ok
    ? []
    : result.problems.map(({ line, column, path, what }) => `${line}:${column} ${path}: ${what}`);
}

export function warningsOf(text: string, hostName = 'a'): string[] {
  return parse(text, hostName).warnings.map(({ path, what }) => `${path}: ${what}`);
}

/** A right file with some of its lines replaced by key. */
export function file(changes: Record<string, string> = {}): string {
  const lines: Record<string, string> = {
    cluster: 'web',
    group: '{ peers: { a: 10.0.0.1, b: 10.0.0.2 }, key_file: k }',
    providers: '{ local: { interface: eth0 } }',
    vips: '{ web-1: 10.0.0.100 }',
    ...changes,
  };
  return Object.entries(lines)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}
