/** The observer of the groups' conformance suite, for other tests of groups. */
export { Observer } from '../../src/conformance/group-observer.ts';
