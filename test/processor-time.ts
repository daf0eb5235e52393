/**
 * Milliseconds of processor time this process has used so far, user and system: what a test bounds where it is about work, since on a busy
 * machine the clock on the wall tells more of the others.
 */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
