/** Says what it was begun with, then repeats what it hears; told to, it fails or ends. */
import { workerHome } from '../../../src/platform/worker-thread.ts';

const home = workerHome();
const data = await home.begun();
if (data === 'break') throw new Error('as it was told');
home.post(`begun with ${String(data)}`);
// What was sent meanwhile must not be lost.
await new Promise((resolve) => setTimeout(resolve, 20));
home.listen((message) => {
  home.post(message);
  if (message === 'end') home.close();
});
