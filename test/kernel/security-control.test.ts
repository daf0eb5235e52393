/** Who may ask the agent what: decided by the kernel, by user and group of whoever asks. */
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/lab/cluster.ts';
import type { Finished } from '../../src/lab/host.ts';
import { NO_WORLD, STILL, withCluster } from './vocabulary.ts';

const OPERATORS = 4242;
const LOOKERS = 4343;
const NOBODY = 65_534;
const control = { group: String(OPERATORS), read_only_group: String(LOOKERS) };

/** As a user without any rights of his own, of that group. */
function as(cluster: Cluster, gid: number, ...words: readonly string[]): Promise<Finished> {
  const agent = cluster.agent('a');
  return agent.run(
    [...words, '--config', agent.configFile],
    ['setpriv', `--reuid=${NOBODY}`, `--regid=${gid}`, '--clear-groups', '--'],
  );
}

describe.skipIf(NO_WORLD !== undefined || process.getuid?.() !== 0)('the control sockets', () => {
  it('let operators do everything, lookers look, and others nothing', async () => {
    const group = { hosts: 2, vips: 2, sections: { ...STILL, control } };
    await withCluster(group, async (cluster) => {
      expect(await as(cluster, OPERATORS, 'status')).toMatchObject({ code: 0 });
      expect(await as(cluster, OPERATORS, 'reload')).toMatchObject({ code: 0 });

      const looked = await as(cluster, LOOKERS, 'status', '--json');
      expect(looked, looked.stderr).toMatchObject({ code: 0 });
      expect((JSON.parse(looked.stdout) as { self: string }).self).toBe('a');
      const refused = await as(cluster, LOOKERS, 'drain');
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toMatch(/no right/);
      const { socket } = cluster.agent('a');
      const beside = socket.replace('.sock', '.status.sock');
      const denied = await as(cluster, LOOKERS, 'drain', 'a', '--socket', beside);
      expect(denied.code).toBe(1);
      expect(denied.stderr).toMatch(/refused \(not-allowed\): at this socket one may look/);
      expect((await cluster.agent('a').status())?.members.some(({ draining }) => draining)).toBe(false);

      const other = await as(cluster, NOBODY, 'status');
      expect(other.code).toBe(4);
      expect(other.stderr).toMatch(/no right to talk to the agent/);
    });
  });
});
