import { groupConformance } from './group.ts';
import { LoopbackCluster } from './group-loopback.ts';

groupConformance('embedded, TLS', () => Promise.resolve(new LoopbackCluster()));
groupConformance('embedded, without a key', () => Promise.resolve(new LoopbackCluster({ key: undefined })));
