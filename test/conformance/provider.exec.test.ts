import { execProvider, installProgram } from '../unit/providers/exec/program.ts';
import { MEMORY_VIPS } from './memory-vips.ts';
import { describeProvider, type ProviderStage } from './provider.ts';

describeProvider('exec', async (): Promise<ProviderStage> => {
  const { program, folder, remove } = installProgram();
  const provider = execProvider(program, { env: { FOLDER: folder } });
  return {
    provider,
    vips: MEMORY_VIPS,
    async end() {
      remove();
    },
  };
});
