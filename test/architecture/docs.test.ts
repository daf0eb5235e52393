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

/** What an operator, a user and a contributor must find, and from README. */
const MANUAL = [
  ...['quick-start', 'concepts', 'configuration', 'operations', 'troubleshooting', 'guarantees', 'fencing'],
  ...['SECURITY', 'comparison', 'writing-a-provider', 'ARCHITECTURE', 'protocol', 'install', 'terraform'],
].map((name) => `docs/${name}.md`);

it.each([...MANUAL, 'CONTRIBUTING.md'])('README leads to %s', (page) => {
  expect(read('README.md')).toContain(`](${page})`);
});

it('README leads to every page of docs', () => {
  const led = [...read('README.md').matchAll(/\]\((docs\/[^)#]+\.md)\)/g)].map((match) => match[1]!);
  const missing = pages.filter((page) => /^docs\/[^/]+$/.test(page) && !led.includes(page));
  expect(missing).toEqual([]);
});

it('docs/concepts.md has pictures that are closed', () => {
  const pictures = [
    ...read('docs/concepts.md').matchAll(/^```mermaid\n(flowchart|sequenceDiagram)([\s\S]*?)^```$/gm),
  ];
  expect(pictures.length).toBeGreaterThan(3);
  for (const [, , text = ''] of pictures) {
    const opened = text.match(/^ *subgraph /gm)?.length ?? 0;
    expect(text.match(/^ *end$/gm)?.length ?? 0, text).toBe(opened);
  }
});

it('docs/comparison.md says where each claim is from', () => {
  const text = read('docs/comparison.md');
  const cited = new Set([...text.matchAll(/\[([A-Z]\d)\]/g)].map((match) => match[1]!));
  const given = new Set([...text.matchAll(/^- ([A-Z]\d): \[/gm)].map((match) => match[1]!));
  expect(cited).toEqual(given);
  const others = [...text.matchAll(/^\| (Pacemaker|kube-vip|MetalLB)\b.*$/gm)];
  expect(others.length).toBe(3);
  for (const [row] of others) expect(row).toMatch(/\[[A-Z]\d\]/);
});

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
