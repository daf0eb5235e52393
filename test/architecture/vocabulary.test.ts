import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bareCode, root, sources } from './sources.ts';

const product = [...sources('src'), ...sources('providers')];

/** Words that name nothing, and words for which the glossary has another one. */
const ROOMS_BANNED = /(^|[-/.])(manager|managers|helper|helpers|util|utils|common|misc|base|types)([-/.]|$)/;
const WORDS_BANNED =
  /\b\w*(manager|helper|failoverHook|netsplit|stonith|pseudo[A-Z]|floatingIp|leaderOf|isLeader|masterOf|isMaster|slave|coordinator)\w*\b/gi;

describe('vocabulary', () => {
  it('names no file or folder after nothing', () => {
    expect(product.map((file) => file.path).filter((path) => ROOMS_BANNED.test(path))).toEqual([]);
  });

  it('uses the words of the glossary in identifiers', () => {
    const broken = product.flatMap((file) =>
      [...bareCode(file.text).matchAll(WORDS_BANNED)].map(([word]) => `${file.path}: ${word}`),
    );
    expect(broken).toEqual([]);
  });

  it('opens each file with what it is', () => {
    const silent = product.filter(
      (file) => !/^(#!.*\n)?\s*(import [^\n]*\n|import [\s\S]*?from '[^']*';\n)*\s*\/\*\*/.test(file.text),
    );
    expect(silent.map((file) => file.path)).toEqual([]);
  });

  it('has a glossary that names the words of the contracts', () => {
    const glossary = readFileSync(join(root, 'docs/GLOSSARY.md'), 'utf8');
    for (const word of [
      'view',
      'member',
      'VIP',
      'report',
      'allocation',
      'holder',
      'guard',
      'lease',
      'guardian',
      'fit',
    ]) {
      expect(glossary, word).toContain(`| ${word} `);
    }
  });
});
