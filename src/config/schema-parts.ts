/** Building blocks of the schema: values with a unit, a range or a grammar, and what to say when they are wrong. */
import { z } from 'zod';
import { splitCommand } from './command-line.ts';
import { DURATION, parseDuration } from './duration.ts';

/** The text of a schema error of ours: what is wrong in its first line, how to mend it in its second. */
export function complaint(what: string, mend: string): string {
  return `${what}\n${mend}`;
}

/** Names of clusters, members, providers and what else hosts are told apart by; the grammar of `MemberName`. */
const TAGS_MAX = 64;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export function name(of: 'cluster' | 'member' | 'provider' | 'check' | 'zone' | 'tag' | 'group') {
  const mend = 'letters, digits, `.`, `_` and `-`, at most 63, a letter or digit first';
  return z
    .string()
    .regex(NAME, { error: () => complaint(`not a ${of} name`, mend) })
    .refine((text) => !(text in Object.prototype), {
      error: () =>
        complaint(`cannot be a ${of} name, since JavaScript keeps it for itself`, 'choose another name'),
    });
}

/** Keys and values of tags of hosts. */
export function tags() {
  const mend =
    'letters, digits, `.`, `_`, `:`, `/` and `-`, at most 63, a letter or digit first; a number needs quotes';
  const value = z
    .string({ error: () => complaint('not the value of a tag', mend) })
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,62}$/, { error: () => complaint('not the value of a tag', mend) });
  return z.record(name('tag'), value).refine((all) => Object.keys(all).length <= TAGS_MAX, {
    error: () => complaint(`more than ${TAGS_MAX} tags`, 'keep those that VIPs refer to'),
  });
}

export function integer(min: number, max: number) {
  return z.int().min(min).max(max);
}

/** What the kernel takes as the name of an interface (IFNAMSIZ, dev_valid_name). */
export function interfaceName() {
  const mend = 'write a name such as eth0, as `ip link` shows it, at most 15 characters';
  return z.string().regex(/^(?!\.{1,2}$)[^\s/:]{1,15}$/, {
    error: (issue) => complaint(`${JSON.stringify(issue.input)} cannot be an interface`, mend),
  });
}

/** Millis from text such as `250ms`; both bounds belong to the range. `whole`: only multiples of it. */
export function duration(min: string, max: string, { whole }: { whole?: string } = {}) {
  const [least, most] = [parseDuration(min)!, parseDuration(max)!];
  const mend = `write a number and a unit (ms, s, m, h), from ${min} to ${max}`;
  return z
    .string({
      error: (issue) =>
        typeof issue.input === 'number'
          ? complaint(
              `${issue.input} has no unit`,
              `write ${issue.input}s or ${issue.input}ms, whichever is meant`,
            )
          : complaint('not a duration', mend),
    })
    .regex(DURATION, {
      abort: true,
      error: (issue) => complaint(`${JSON.stringify(issue.input)} is not a duration`, mend),
    })
    .transform((text) => parseDuration(text)!)
    .refine((millis) => millis >= least && millis <= most, {
      error: () => complaint(`out of range, which is from ${min} to ${max}`, mend),
    })
    .refine((millis) => whole === undefined || millis % parseDuration(whole)! === 0, {
      error: () => complaint(`not a multiple of ${whole}`, `the kernel counts in steps of ${whole}`),
    })
    .meta({ 'x-range': `${min} to ${max}` });
}

export function yesNo(byDefault: boolean) {
  return z
    .boolean({
      error: () =>
        complaint('neither true nor false', 'write true or false (YAML 1.2 knows no yes, no, on, off)'),
    })
    .prefault(byDefault);
}

/** A name as in group(5), or a number. */
export function groupName() {
  const mend = 'write a name such as wackamole, as `getent group` shows it, or its number in quotes';
  return z
    .string({ error: () => complaint('not the name of a group', mend) })
    .regex(/^([a-z_][a-z0-9_.-]{0,31}\$?|\d{1,9})$/i, {
      error: (issue) => complaint(`${JSON.stringify(issue.input)} cannot be a group`, mend),
    });
}

/** Absolute, or relative to the folder of the configuration file. */
export function path() {
  return z
    .string()
    .min(1)
    .max(4096)
    .refine((text) => !text.includes('\u0000'), {
      error: () => complaint('a path with a NUL in it', 'write a plain path'),
    });
}

/** A name as in passwd(5), or a number. */
export function userName() {
  const mend = 'write a name such as www-data, as `getent passwd` shows it, or its number in quotes';
  return z
    .string({ error: () => complaint('not the name of a user', mend) })
    .regex(/^([a-z_][a-z0-9_.-]{0,31}\$?|\d{1,9})$/i, {
      error: (issue) => complaint(`${JSON.stringify(issue.input)} cannot be a user`, mend),
    });
}

const ARGUMENT = z.string().max(4096);

/** Words of a command from a text or a list of words; the first is the absolute path of the program. */
export function command() {
  return z.union([commandText(), z.array(ARGUMENT).min(1).max(64).transform(checkWords)]);
}

/** The same of a text alone. */
export function commandText() {
  return z
    .string()
    .min(1)
    .max(4096)
    .transform((text, context): readonly string[] => {
      const split = splitCommand(text);
      if (split.ok) return checkWords(split.words, context);
      return refuse(context, split.what, split.mend);
    });
}

function checkWords(words: readonly string[], context: z.RefinementCtx): readonly string[] {
  const [program = ''] = words;
  if (words.some((word) => word.includes('\u0000')))
    return refuse(context, 'a NUL in a command', 'write plain text');
  if (!program.startsWith('/')) {
    const what = `${JSON.stringify(program)} is not the absolute path of a program`;
    return refuse(
      context,
      what,
      'write it from the root on, such as /usr/local/bin/vip-up; the words of one command as a list are `{ command: […] }`',
    );
  }
  return words;
}

function refuse(context: z.RefinementCtx, what: string, mend: string): readonly string[] {
  context.addIssue({ code: 'custom', message: complaint(what, mend) });
  return z.NEVER;
}
