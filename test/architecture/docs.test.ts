/** What the documentation points at is there: files of ours, pages, sections, words of tests, and messages as the program prints them. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');
const there = (path: string) => existsSync(new URL(path, ROOT));
const markdownIn = (folder: string): string[] =>
  readdirSync(new URL(folder, ROOT))
    .filter((name) => name.endsWith('.md'))
    .map((name) => folder + name);
const pages = [...markdownIn('./'), ...markdownIn('docs/'), ...markdownIn('docs/adr/')].map((page) =>
  page.replace(/^\.\//, ''),
);

describe.each(pages)('%s', (page) => {
  const text = read(page);

  it('names only files of ours that are there', () => {
    const named = [...text.matchAll(/`((?:src|test|providers|terraform|docs)\/[\w./@-]+)`/g)].map(
      (match) => match[1]!,
    );
    // `providers/x` stands for any of them.
    expect(named.filter((path) => path !== 'providers/x' && !there(path.replace(/\.$/, '')))).toEqual([]);
  });

  it('links only to pages and sections that are there', () => {
    const links = [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/\]\(([^)\s]+)\)/g)].map(
      (match) => match[1]!,
    );
    const broken = links.filter((link) => !/^(https?|mailto):/.test(link) && !leads(page, link));
    expect(broken).toEqual([]);
  });
});

function leads(page: string, link: string): boolean {
  const [path = '', section] = link.split('#');
  const target = new URL(path === '' ? page.split('/').at(-1)! : path, new URL(page, ROOT));
  if (!existsSync(target)) return false;
  if (section === undefined || statSync(target).isDirectory()) return true;
  return readFileSync(target, 'utf8')
    .split('\n')
    .some((line) => /^#+ /.test(line) && anchorOf(line) === section);
}

/** As GitHub makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .replace(/^#+ /, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

it('docs/guarantees.md names words of tests that are there', () => {
  const named = [...read('docs/guarantees.md').matchAll(/`(test\/[\w./-]+\.ts)`: ([^|,`]+?)(?: \||,)/g)];
  expect(named.length).toBeGreaterThan(2);
  for (const [, file = '', words = ''] of named) expect(read(file), file).toContain(words);
});

describe('docs/troubleshooting.md', () => {
  const sources = sourcesIn('src/') + sourcesIn('providers/');
  const rows = [...read('docs/troubleshooting.md').matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!);

  it('has messages', () => {
    expect(rows.length).toBeGreaterThan(25);
  });

  it.each(rows)('%s is a message of ours', (message) => {
    const parts = message.split('…').map((part) => part.trim());
    for (const part of parts.filter(({ length }) => length > 3)) expect(sources).toContain(part);
  });
});

function sourcesIn(folder: string): string {
  return readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(folder + name))
    .join('\n');
}
