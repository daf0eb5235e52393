/**
 * An answer of the API, as JSON says it. The SDK would take it apart field by field by its description: 8 ms of a processor for a hundred
 * routes, between a view and the call that moves them. What Compute Engine never says is no answer, and not one that says that nothing
 * exists. Pure.
 */
import { type Raw, record } from './sdk-shapes.ts';

/** Reads one page, and throws where it makes no sense. */
export type Reader = (page: Raw) => void;

/** Pages of one listing; Google's are finite, an end point gone mad must not keep us for ever. */
const PAGES_MAX = 50;
/** "Always `compute#operation`", and so on for whatever we ask of it but permissions (REST reference, `kind`). */
const KIND = 'compute#';

/** Throws an Error named `no sense`. */
export function answerIn(body: string): Raw {
  const answer = objectOf(parsed(body));
  const { kind } = answer;
  const known = typeof kind === 'string' ? kind.startsWith(KIND) : saysSomething(answer);
  if (!known) throw senseless('it does not say what it is');
  return answer;
}

/** Without its kind an answer counts if it tells of something: one that tells of nothing would free what somebody has. */
function saysSomething({ name, items, queryValue }: Raw): boolean {
  if (typeof name === 'string' && name !== '') return true;
  return [items, queryValue].some((part) => Object.keys(Object(part)).length > 0);
}

/** What the SDK is told in its place: whether there is another page to ask for. */
export function restOf({ nextPageToken }: Raw): string {
  return typeof nextPageToken === 'string' && nextPageToken !== '' ? JSON.stringify({ nextPageToken }) : '{}';
}

/** Gathers the pages of a listing. */
export class Pages {
  readonly items: Raw[] = [];
  #count = 0;

  readonly read: Reader = ({ items = [] }) => {
    if (++this.#count > PAGES_MAX) throw senseless('a list without end');
    if (!Array.isArray(items)) throw senseless('a list that is none');
    for (const item of items) this.items.push(objectOf(item));
  };

  /** Of a listing over all zones: what each has of that. */
  readScopes(name: string): Reader {
    return ({ items = {}, ...rest }) => {
      const lists = Object.values(objectOf(items)).map((scope) => objectOf(scope)[name] ?? []);
      if (!lists.every((each) => Array.isArray(each))) throw senseless('a list that is none');
      this.read({ ...rest, items: lists.flat() });
    };
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (error) {
    throw senseless(error instanceof Error ? error.message : String(error));
  }
}

function objectOf(value: unknown): Raw {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw senseless('an answer of another shape');
  return record(value);
}

function senseless(why: string): Error {
  const error = new Error(`${why}: check \`endpoint\` and whatever proxy lies between`);
  error.name = 'no sense';
  return error;
}
