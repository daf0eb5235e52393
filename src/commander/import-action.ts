/** `wackamole config import`: our configuration for the files of the original Wackamole or of keepalived. */
import type { KeepalivedHost, KeepalivedResult } from '../config/import/keepalived/convert.ts';
import { folderOf } from '../config/import/keepalived/lines.ts';
import type { SourceFile, Wanted } from '../config/import/keepalived/source.ts';
import type { Collaborators } from './collaborators.ts';
import { exitCode } from './exit-codes.ts';
import { count, printable } from './format.ts';

export interface ImportOptions {
  /** One a host, or one for all hosts (`members` says which). */
  readonly files: readonly string[];
  /** Absent: what the first file looks like. */
  readonly format?: 'wackamole' | 'keepalived';
  /** Of the hosts, in the order of the files. */
  readonly members: readonly ImportMember[];
}

export interface ImportMember {
  readonly name: string;
  /** Where its agent shall listen. */
  readonly address?: string;
}

/** Sections that only keepalived has. */
const KEEPALIVED =
  /^[ \t]*(?:vrrp_(?:instance|script|sync_group|track_process)|global_defs|virtual_server|include[rmwba]?[ \t]|~SEQ|@\^?\w+[ \t]+\w)/m;

export async function importConfig(options: ImportOptions, collaborators: Collaborators): Promise<number> {
  const files: SourceFile[] = [];
  for (const name of options.files) {
    const text = await readText(name, collaborators);
    if (text === undefined) return exitCode('usage');
    files.push({ name, text });
  }
  const [first] = files as [SourceFile];
  const format = options.format ?? (KEEPALIVED.test(first.text) ? 'keepalived' : 'wackamole');
  return format === 'keepalived'
    ? importOfKeepalived(files, options.members, collaborators)
    : importOfOriginal(files, options.members, collaborators);
}

async function importOfOriginal(
  files: readonly SourceFile[],
  members: readonly ImportMember[],
  collaborators: Collaborators,
): Promise<number> {
  if (files.length > 1 || members.length > 1) {
    const mend = 'import each host’s file by itself and put the `prefer` lists together';
    return refuse([`a wackamole.conf is imported alone: ${mend}`], collaborators);
  }
  const [file] = files as [SourceFile];
  const { importOriginal } = await import('../config/import/convert.ts');
  const member = members[0]?.name ?? hostOf(collaborators);
  const result = importOriginal(file.text, { fileName: file.name, member });
  if (result.ok) return done(result.text, collaborators);
  return refuse(
    result.complaints.map(
      ({ line, column, what, mend }) => `${file.name}:${line}:${column}: ${what}; ${mend}`,
    ),
    collaborators,
  );
}

async function importOfKeepalived(
  files: readonly SourceFile[],
  members: readonly ImportMember[],
  collaborators: Collaborators,
): Promise<number> {
  if (files.length > 1 && members.length > 0 && members.length !== files.length) {
    const text = `${count(files.length, 'file')} and ${count(members.length, 'member')}: name each file's host, or none`;
    return refuse([text], collaborators);
  }
  const { importKeepalived } = await import('../config/import/keepalived/convert.ts');
  const hosts = hostsOf(files, members);
  const found = new Map<string, readonly SourceFile[]>();
  const hostName = hostOf(collaborators);
  const includes = ({ pattern, from }: Wanted) => found.get(JSON.stringify([pattern, from]));
  const ask = (): KeepalivedResult =>
    importKeepalived(hosts, { includes, hostName, addressOn: (name) => collaborators.addressOn(name) });
  let result = ask();
  while (result.kind === 'wants') {
    const { pattern, from } = result.wanted;
    const files = await filesOf(result.wanted, collaborators);
    if (typeof files === 'string') return refuse([files], collaborators);
    found.set(JSON.stringify([pattern, from]), files);
    result = ask();
  }
  if (result.kind === 'done') return done(result.text, collaborators);
  return refuse(
    result.complaints.map(
      ({ file, line, column, what, mend }) => `${file}:${line}:${column}: ${what}; ${mend}`,
    ),
    collaborators,
  );
}

/** One file for several members is read once for each, with its lines for that host (`@name …`). */
function hostsOf(files: readonly SourceFile[], members: readonly ImportMember[]): KeepalivedHost[] {
  const count = Math.max(files.length, members.length);
  return Array.from({ length: count }, (_, index) => {
    const member = members[index];
    return {
      file: files[index] ?? files[0]!,
      ...(member !== undefined && { member: member.name }),
      ...(member?.address !== undefined && { address: member.address }),
    };
  });
}

/** The files an `include` names; a text says why they cannot be read. */
async function filesOf(
  { pattern, from }: Wanted,
  collaborators: Collaborators,
): Promise<SourceFile[] | string> {
  const files: SourceFile[] = [];
  try {
    for (const name of await collaborators.listFiles(pattern, folderOf(from)))
      files.push({ name, text: await collaborators.readFile(name) });
    return files;
  } catch (error) {
    return `${from}: include ${pattern}: ${messageOf(error)}; make it readable, or drop the line`;
  }
}

/** What is printed is right, or it is not printed. */
async function done(text: string, collaborators: Collaborators): Promise<number> {
  const { parseConfig } = await import('../config/parse.ts');
  const { formatProblem } = await import('../config/problem.ts');
  const peer = /^ {2}peers:\n {4}"?([\w.-]+)/m.exec(text)?.[1];
  const result = parseConfig(text, { fileName: 'the result', hostName: peer ?? hostOf(collaborators) });
  if (!result.ok) return refuse(result.problems.map(formatProblem), collaborators);
  collaborators.stdout.write(text);
  return exitCode('ok');
}

function refuse(problems: readonly string[], { stderr }: Collaborators): number {
  for (const problem of problems) stderr.write(`${printable(problem)}\n`);
  stderr.write(`${count(problems.length, 'problem')}, nothing was written\n`);
  return exitCode('usage');
}

function hostOf({ hostName }: Collaborators): string {
  return hostName.split('.')[0]!;
}

async function readText(file: string, collaborators: Collaborators): Promise<string | undefined> {
  try {
    return await collaborators.readFile(file);
  } catch (error) {
    collaborators.stderr.write(`cannot read ${file}: ${messageOf(error)}; name the file\n`);
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
