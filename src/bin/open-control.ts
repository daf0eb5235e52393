/** The operator's door and, where a group may look, the one beside it: two sockets, told apart by the rights of their files. */
import type { ControlConfig } from '../config/config.ts';
import { type ControlHandler, type ControlServer, startControlServer } from '../control/server.ts';
import { groupNumber } from '../platform/user-group.ts';

/** Rejects with an Error for a person: another agent is there, a group is unknown, no right. */
export async function openControl(control: ControlConfig, handler: ControlHandler): Promise<ControlServer> {
  const gid = await groupOf(control.group, 'control.group');
  const lookers = await groupOf(control.read_only?.group, 'control.read_only_group');
  const full = await open(
    {
      key: 'control.group',
      socket: control.socket,
      ...(gid === undefined ? { mode: 0o600 } : { mode: 0o660, gid }),
    },
    handler,
  );
  if (control.read_only === undefined || lookers === undefined) return full;
  try {
    const { socket } = control.read_only;
    const settings = { socket, mode: 0o660, gid: lookers, readOnly: true };
    const looking = await open({ key: 'control.read_only_group', ...settings }, handler);
    return { stop: async () => void (await Promise.all([full.stop(), looking.stop()])) };
  } catch (error) {
    await full.stop();
    throw error;
  }
}

/** As `startControlServer`; says what to do where only membership of the group is missing. */
async function open(
  settings: Parameters<typeof startControlServer>[0] & { readonly key: string },
  handler: ControlHandler,
): Promise<ControlServer> {
  try {
    return await startControlServer(settings, handler);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    const who = process.geteuid?.() ?? 0;
    const mend = 'make that user a member of the group (systemd: SupplementaryGroups)';
    throw new Error(
      `${settings.key}: user ${who} may not give ${settings.socket} to group ${settings.gid}; ${mend}`,
      {
        cause: error,
      },
    );
  }
}

async function groupOf(group: string | undefined, key: string): Promise<number | undefined> {
  if (group === undefined) return undefined;
  const number = await groupNumber(group);
  if (number !== undefined) return number;
  throw new Error(
    `${key}: /etc/group has no group ${group}; create it (groupadd ${group}), or write its number`,
  );
}
