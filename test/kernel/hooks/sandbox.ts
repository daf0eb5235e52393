/**
 * Becomes the command in its arguments under a filter of system calls: what systemd's `SystemCallFilter=@system-service`,
 * `RestrictAddressFamilies=` and `RestrictNamespaces=` of src/install/systemd/wackamole.service come to on x86-64. Never returns.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter } from 'node:path';
import koffi from 'koffi';

/** Of the calls known to Linux 6.x those that are not in `@system-service` (systemd 252), by number. */
const DENIED = [
  27, 101, 103, 134, 136, 139, 153, 154, 155, 156, 159, 161, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172,
  173, 174, 175, 176, 177, 178, 179, 180, 181, 182, 183, 184, 185, 212, 227, 236, 246, 298, 300, 301, 304,
  305, 313, 317, 320, 321, 329, 330, 331, 428, 429, 430, 431, 432, 433, 438, 442, 443, 444, 445, 446, 447,
  448,
];
const UNSHARE = 272;
const SETNS = 308;
const CLONE = 56;
const CLONE3 = 435;
const SOCKET = 41;
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET. */
const FAMILIES = [1, 2, 10, 16, 17];
/** Every flag of clone(2) that makes a namespace, but for time, which has no bit of its own there. */
const NEW_NAMESPACES = 0x7e020000;

const AUDIT_ARCH_X86_64 = 0xc000003e;
const KILL = 0x80000000;
const ALLOW = 0x7fff0000;
const refuse = (errno: number) => 0x00050000 | errno;
const [EPERM, ENOSYS, EAFNOSUPPORT] = [1, 38, 97];

// Offsets in struct seccomp_data.
const [NUMBER, ARCHITECTURE, FIRST_ARGUMENT] = [0, 4, 16];
// Instructions of classic BPF: load a word, compare, mask, return.
const [LOAD, EQUAL, BITS, RETURN] = [0x20, 0x15, 0x45, 0x06];

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;

function program(): Instruction[] {
  const answerTo = (number: number, answer: readonly Instruction[]): Instruction[] => [
    [EQUAL, 0, answer.length, number],
    ...answer,
  ];
  return [
    [LOAD, 0, 0, ARCHITECTURE],
    [EQUAL, 1, 0, AUDIT_ARCH_X86_64],
    [RETURN, 0, 0, KILL],
    [LOAD, 0, 0, NUMBER],
    ...[...DENIED, UNSHARE, SETNS].flatMap((number) => answerTo(number, [[RETURN, 0, 0, refuse(EPERM)]])),
    ...answerTo(CLONE3, [[RETURN, 0, 0, refuse(ENOSYS)]]),
    ...answerTo(CLONE, [
      [LOAD, 0, 0, FIRST_ARGUMENT],
      [BITS, 0, 1, NEW_NAMESPACES],
      [RETURN, 0, 0, refuse(EPERM)],
      [RETURN, 0, 0, ALLOW],
    ]),
    ...answerTo(SOCKET, [
      [LOAD, 0, 0, FIRST_ARGUMENT],
      ...FAMILIES.map((family, at): Instruction => [EQUAL, FAMILIES.length - at, 0, family]),
      [RETURN, 0, 0, refuse(EAFNOSUPPORT)],
    ]),
    [RETURN, 0, 0, ALLOW],
  ];
}

function install(instructions: readonly Instruction[]): void {
  const code = Buffer.alloc(instructions.length * 8);
  for (const [at, [operation, ifTrue, ifFalse, value]] of instructions.entries()) {
    code.writeUInt16LE(operation, at * 8);
    code.writeUInt8(ifTrue, at * 8 + 2);
    code.writeUInt8(ifFalse, at * 8 + 3);
    code.writeUInt32LE(value >>> 0, at * 8 + 4);
  }
  const filter = Buffer.alloc(16);
  filter.writeUInt16LE(instructions.length, 0);
  filter.writeBigUInt64LE(koffi.address(code), 8);
  const prctl = koffi.load(null).func('int prctl(int option, uint64_t mode, const void *filter)');
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter) !== 0) {
    throw new Error(
      `the kernel takes no filter of system calls (errno ${koffi.errno()}); is no-new-privs set?`,
    );
  }
}

function pathOf(command: string): string {
  if (command.includes('/')) return command;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      accessSync(`${folder}/${command}`, constants.X_OK);
      return `${folder}/${command}`;
    } catch {
      // The next one may have it.
    }
  }
  throw new Error(`no command ${command}`);
}

const [command = '', ...rest] = process.argv.slice(2);
if (process.arch === 'x64') install(program());
// The other threads of this process, which have no filter, end here.
process.execve!(pathOf(command), [command, ...rest], process.env);
