/** Mistakes in what an operator says: from the command line to the members that heed it. */
import type { Mutation } from './mutation.ts';

const PROGRAM = 'src/commander/program.ts';
const MEMBER =
  "    .addArgument(new Argument('[member]', 'absent: the member that is asked').argParser(readMember))\n";
const ACTION =
  '    .action((member: string | undefined, options: TargetOptions) =>\n      perform(() => actions.';
const FAIL =
  "    'what wackatrl -f did: give up all VIPs and stay out, until start or the end of the agent',\n  )\n";
const START = "'what wackatrl -s did: take part again after fail')\n";

export const MUTATIONS_OF_THE_OPERATOR: readonly Mutation[] = [
  {
    name: 'fail of wackatrl lets a member go on',
    file: PROGRAM,
    find: `${FAIL}${MEMBER}${ACTION}drain(`,
    replace: `${FAIL}${MEMBER}${ACTION}undrain(`,
    scene: 'failAndStart',
  },
  {
    name: 'start of wackatrl keeps a member out',
    file: PROGRAM,
    find: `${START}${MEMBER}${ACTION}undrain(`,
    replace: `${START}${MEMBER}${ACTION}drain(`,
    scene: 'failAndStart',
  },
  {
    name: 'who was told to fail forgets it with the next view',
    file: 'src/agent/agent.ts',
    find: "this.#portrait.draining = command.kind === 'drain';",
    replace: '',
    scene: 'failAndStart',
  },
  {
    name: 'who was told to fail is never heard again',
    file: 'src/agent/agent.ts',
    find: "this.#portrait.draining = command.kind === 'drain';",
    replace: "this.#portrait.draining ||= command.kind === 'drain';",
    scene: 'failAndStart',
  },
];
