/**
 * The commands of wackatrl, as the command line gives them: who is told to fail gives up everything and stays out, whatever becomes
 * of the view, until it is told to start.
 */
import { type Actions, runProgram } from '../../../../src/commander/program.ts';
import type { OperatorCommand } from '../../../../src/model/operator.ts';
import { Breach } from '../../../../src/simulation/breach.ts';
import { Stage } from './stage.ts';

export async function failAndStart(seed: number): Promise<void> {
  const stage = new Stage({
    seed,
    wishes: { members: 3, policy: 'component' },
    vips: [{ id: 'v1' }, { id: 'v2' }, { id: 'v3' }],
  });
  const [first, second, third] = stage.hosts as [
    (typeof stage.hosts)[0],
    (typeof stage.hosts)[0],
    (typeof stage.hosts)[0],
  ];
  const holds = () =>
    second.addresses.size > 0 ? `${second.name} holds VIPs, and was told to fail` : undefined;
  stage.boot();
  stage.hold('served', stage.unserved());
  stage.command(second, await commandOf(['fail', second.name]));
  stage.expect('fail', 3_000, () => holds() ?? stage.unserved());
  // Two views more: without the third host, and with it again.
  stage.world.disturb([third], 'crash');
  third.agent?.die({ kernelTells: true });
  stage.expect('fail', 8_000, () => holds() ?? stage.unserved());
  stage.world.start(third);
  stage.pass(8_000);
  stage.hold('fail', holds() ?? stage.unserved());
  // Who is told to fail by another than itself stays out too; who is told to start serves what nobody else can.
  stage.command(first, await commandOf(['start', second.name]));
  stage.pass(500);
  stage.command(second, await commandOf(['fail', first.name]));
  stage.command(second, await commandOf(['fail', third.name]));
  stage.expect('start', 3_000, () => {
    const there = ['v1', 'v2', 'v3'].every((id) => stage.holdersOf(id).join() === second.name);
    return there ? undefined : `${second.name} was told to start, and does not serve`;
  });
}

/** What the program asks the agent for. */
async function commandOf(argv: readonly string[]): Promise<OperatorCommand> {
  let command: OperatorCommand | undefined;
  const asked =
    (kind: 'drain' | 'undrain') =>
    async ({ member }: { readonly member?: string }) => {
      if (member !== undefined) command = { kind, member };
      return 0;
    };
  const output = { write: () => true, isTTY: false, columns: 80 };
  const actions = { drain: asked('drain'), undrain: asked('undrain') } as unknown as Actions;
  const code = await runProgram(argv, actions, { version: '0', stdout: output, stderr: output });
  if (code !== 0 || command === undefined)
    throw new Breach('fail', `wackamole ${argv.join(' ')}: exit code ${code}`);
  return command;
}
