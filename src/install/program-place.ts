/** Whether a service may run the program where it lies: the service's user must reach it, and nobody but root may change it. Looks only. */
import { existsSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** What the unit hides from the service (`ProtectHome=`, `PrivateTmp=`). */
const HIDDEN = ['/home', '/root', '/run/user', '/tmp', '/var/tmp'];

/** Why not, and what to do; undefined: it may. @param root folder that will be the service's root */
export function placeProblem(path: string, root: string): string | undefined {
  const seen = insideOf(path, root);
  if (seen === undefined)
    return `${path} lies outside ${root}: put the program below ${root} first, for instance in ${root}/opt/wackamole`;
  const hidden = HIDDEN.find((folder) => seen.startsWith(`${folder}/`));
  if (hidden !== undefined)
    return `${path} lies below ${hidden}, which a service does not see: move the program, for instance to /opt/wackamole, and install it from there`;
  if (!existsSync(path)) return `${path} is not there: run \`npm run build\` first`;
  for (const place of wayTo(path, root)) {
    const problem = rightsProblem(place, statSync(place));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** The path as it is seen from the root; undefined: it is not. */
export function insideOf(path: string, root: string): string | undefined {
  if (root === '/') return path;
  return path.startsWith(`${root}/`) ? path.slice(root.length) : undefined;
}

/** The file and every folder on the way to it, from below the root. */
function wayTo(path: string, root: string): readonly string[] {
  return path === root || path === dirname(path) ? [] : [...wayTo(dirname(path), root), path];
}

function rightsProblem(place: string, stats: Stats): string | undefined {
  const { mode, uid, gid } = stats;
  const folder = stats.isDirectory();
  if (uid !== 0)
    return `${place} belongs to user ${uid}, who could change what a service runs; run: chown root ${place}`;
  if ((mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== 0))
    return `${place} can be changed by others, and with it what a service runs; run: chmod go-w ${place}`;
  const needed = folder ? 0o001 : 0o004;
  if ((mode & needed) === 0)
    return `${place} is out of reach for the service's user; run: chmod o+${folder ? 'x' : 'r'} ${place}`;
  return undefined;
}
