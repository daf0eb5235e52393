/** The soak, for some seconds: that it plays, judges and reports. `npm run soak` is for as long as one likes. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Timeline } from '../soak/timeline.ts';
import { NO_WORLD } from './vocabulary.ts';

const PROGRAM = join(import.meta.dirname, '../soak/run.ts');

function soak(...argv: readonly string[]): Promise<{ code: number | null; text: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...argv]);
  let text = '';
  const keep = (part: string) => {
    text += part;
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', keep);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, text })));
}

describe.skipIf(NO_WORLD !== undefined)('a short soak', () => {
  it('plays faults of its seed, holds every rule, and writes report, picture and logs', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wackamole-soak-'));
    try {
      const { code, text } = await soak(
        '--minutes',
        '0.25',
        '--seed',
        '3',
        '--hosts',
        '3',
        '--vips',
        '6',
        '--report',
        folder,
      );
      expect(text).toMatch(/soak: PASS, \d+ faults, every rule held/);
      expect(code).toBe(0);
      expect(readdirSync(folder).sort()).toEqual(
        ['soak-3-a.log', 'soak-3-b.log', 'soak-3-c.log', 'soak-3.json', 'soak-3.svg'].sort(),
      );
      const { timeline } = JSON.parse(readFileSync(join(folder, 'soak-3.json'), 'utf8')) as {
        timeline: Timeline;
      };
      expect(timeline.strikes.length).toBeGreaterThan(0);
      expect(timeline.holds.length).toBeGreaterThanOrEqual(6);
      expect(new Set(timeline.samples.map(({ role }) => role))).toEqual(new Set(['agent', 'guardian']));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('says what is wrong with its options', async () => {
    const { code, text } = await soak('--hosts', '99');
    expect(code).toBe(2);
    expect(text).toContain('--hosts 99: give a number from 3 to 9');
  });
});
